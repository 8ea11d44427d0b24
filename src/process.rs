//! Starting the feeds of a process.

use crate::config::Config;
use crate::feed::{self, Feed};
use crate::shared::Shared;
use crate::{sink, source};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Starts every feed. One feed's end is never another's.
#[must_use]
pub fn start(config: &Config, shared: &Shared, shutdown: &CancellationToken) -> JoinSet<()> {
    let mut feeds = JoinSet::new();
    for (written, status) in config.feeds.iter().zip(&shared.statuses) {
        let (source, sink) = (source::build(written, shared, status), sink::build(written, shared, status));
        // Names were checked when the file was read.
        let (Some(source), Some(sink)) = (source, sink) else { continue };
        let feed = Feed { source, sink, status: status.clone(), shutdown_timeout: config.shutdown_timeout };
        feeds.spawn(watched(feed, shutdown.clone()));
    }
    feeds
}

/// Runs a feed. One that failed in a way that it must not is shown as stopped, and the others go on.
async fn watched(feed: Feed, shutdown: CancellationToken) {
    let status = feed.status.clone();
    // Its own task, so that a panic ends at its edge; aborted with this one.
    let mut task = JoinSet::new();
    task.spawn(feed::run(feed, shutdown));
    if let Some(Err(error)) = task.join_next().await
        && error.is_panic()
    {
        status.failed(&error.to_string());
    }
}
