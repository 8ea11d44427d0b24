//! The channels of a feed that its org refused: let be, and tried again slowly, while the others go on.

pub(crate) mod inventory;
pub(crate) mod silence;

use super::reading::Subscribed;
use crate::feed::Status;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The refused channels of one feed. It outlives the feed's sessions, so that one that ends does not ask the sooner.
#[derive(Clone)]
pub(super) struct Refused {
    status: Arc<Status>,
    /// How long a refused channel is left alone.
    pause: Duration,
    waits: Arc<Mutex<BTreeMap<String, Wait>>>,
}

#[derive(Clone, Copy)]
struct Wait {
    /// When it was refused.
    refused: Instant,
    /// When it is asked for again; `None`: it is being asked for.
    due: Option<Instant>,
    /// How often it was refused in words that nobody knows, or once.
    count: u32,
}

impl Refused {
    pub(super) fn new(status: Arc<Status>, pause: Duration) -> Self {
        Self { status, pause, waits: Arc::default() }
    }

    /// How long a refused channel is left alone.
    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    /// The channels that a new session asks for: all, but for those that were refused a moment ago, unless there would be
    /// none. It is one message each.
    pub(super) fn choose<'c>(
        &self,
        channels: &'c mut [Subscribed],
        now: Instant,
    ) -> impl Iterator<Item = &'c Subscribed> + use<'c> {
        let mut waits = self.waits();
        for channel in &mut *channels {
            let wait = waits.get(channel.name()).filter(|wait| wait.due.is_some());
            channel.let_be = wait.is_some_and(|wait| now < wait.refused + FRESH.min(self.pause));
        }
        if channels.iter().all(|channel| channel.let_be) {
            channels.iter_mut().for_each(|channel| channel.let_be = false);
        }
        for channel in channels.iter().filter(|channel| !channel.let_be) {
            if let Some(wait) = waits.get_mut(channel.name()) {
                wait.due = None;
            }
        }
        channels.iter().filter(|channel| !channel.let_be)
    }

    /// The org refused a channel, in these words: the next time it is asked for is in [`pause`](Self::pause).
    pub(super) fn refused(&self, channel: &str, words: &str, remedy: &str, now: Instant) {
        {
            let mut waits = self.waits();
            let count = waits.get(channel).map_or(1, |wait| wait.count.max(1));
            waits.insert(channel.to_owned(), Wait { refused: now, due: Some(now + self.pause), count });
        }
        self.status.channel_refused(channel, words, remedy, self.pause);
    }

    /// The org refused a channel in words that nobody knows: whether it has done so before, so that it is more than a
    /// moment's trouble.
    pub(super) fn again(&self, channel: &str) -> bool {
        let mut waits = self.waits();
        let never = Wait { refused: Instant::now(), due: None, count: 0 };
        let wait = waits.entry(channel.to_owned()).or_insert(never);
        wait.count = wait.count.saturating_add(1);
        wait.count > 1
    }

    /// The org took the subscription.
    pub(super) fn subscribed(&self, channel: &str) {
        self.waits().remove(channel);
        self.status.channel_subscribed(channel);
    }

    /// When the next channel is to be asked for again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waits().values().filter_map(|wait| wait.due).min()
    }

    /// The channels that are to be asked for again now; they count as asked for.
    pub(super) fn take_due(&self, now: Instant) -> Vec<String> {
        let mut waits = self.waits();
        let due = waits.iter_mut().filter(|(_, wait)| wait.due.is_some_and(|due| due <= now));
        due.map(|(channel, wait)| {
            wait.due = None;
            channel.clone()
        })
        .collect()
    }

    fn waits(&self) -> MutexGuard<'_, BTreeMap<String, Wait>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a refused channel is left alone.
pub(super) const PAUSE: Duration = Duration::from_secs(600);
/// A session that opens sooner than this after a channel was refused does not ask for it.
const FRESH: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
