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
        feeds.spawn(feed::run(feed, shutdown.clone()));
    }
    feeds
}
