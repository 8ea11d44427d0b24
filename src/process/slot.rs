//! The place of one feed: its state, and its task where it runs.

use crate::feed::{self, Feed, Status};
use crate::position::Paused;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A feed of the file, whether it runs or not.
pub(super) struct Slot {
    pub(super) status: Arc<Status>,
    pub(super) paused: Option<Paused>,
    task: Option<Task>,
}

struct Task {
    stop: CancellationToken,
    /// Cancelled when the task has ended, however it did.
    ended: CancellationToken,
}

impl Slot {
    pub(super) fn new(status: Arc<Status>, paused: Option<Paused>) -> Self {
        Self { status, paused, task: None }
    }

    pub(super) fn runs(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.ended.is_cancelled())
    }

    /// Starts the feed. It ends with `shutdown`, too.
    pub(super) fn start(&mut self, feed: Feed, shutdown: &CancellationToken, tasks: &mut JoinSet<()>) {
        let task = Task { stop: shutdown.child_token(), ended: CancellationToken::new() };
        let (stop, ended) = (task.stop.clone(), task.ended.clone().drop_guard());
        tasks.spawn(async move {
            watched(feed, stop).await;
            drop(ended);
        });
        self.task = Some(task);
    }

    /// Tells the feed to end, where it runs.
    pub(super) fn tell_to_stop(&self) {
        if let Some(task) = &self.task {
            task.stop.cancel();
        }
    }

    /// Waits until the feed has ended, where it ran.
    pub(super) async fn stopped(&self) {
        if let Some(task) = &self.task {
            task.ended.cancelled().await;
        }
    }
}

/// Runs a feed. One that failed in a way that it must not is shown as stopped, and the others go on.
async fn watched(feed: Feed, stop: CancellationToken) {
    let status = feed.status.clone();
    // Its own task, so that a panic ends at its edge; aborted with this one.
    let mut task = JoinSet::new();
    task.spawn(feed::run(feed, stop));
    if let Some(Err(error)) = task.join_next().await
        && error.is_panic()
    {
        status.failed(&error.to_string());
    }
}
