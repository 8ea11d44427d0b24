//! Events that come again after a position was refused: known by their identity, never by their time.
//!
//! Each delivered event of the window excuses one event that comes. What the window does not know is delivered: an event
//! is never lost here, whatever the order, the times and the identities are.

use super::retention::SLACK;
use crate::position::Window;
use salesforce::Identity;

/// What still may come again on a channel.
#[derive(Debug)]
pub(super) struct Repeats {
    /// Sorted; an identity that was delivered twice is there twice.
    delivered: Vec<Identity>,
    /// Which of them have come again.
    spent: Vec<bool>,
    left: usize,
    newest: Option<Identity>,
    last_ms: Option<i64>,
    /// What comes is newer than everything that was delivered: no more is to be expected.
    beyond: bool,
    /// Events in a row beyond it that were not known.
    unknown: u32,
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// It was delivered before.
    Repeat,
    /// It is from before the newest that was delivered, and not known: perhaps a repeat from before the window.
    Unknown,
    /// It is new.
    New,
}

impl Repeats {
    pub(super) fn new(window: Window) -> Self {
        let newest = window.delivered.last().copied();
        let mut delivered = window.delivered;
        delivered.sort_unstable();
        Self {
            spent: vec![false; delivered.len()],
            left: delivered.len(),
            delivered,
            newest,
            last_ms: window.last_ms,
            beyond: false,
            unknown: 0,
        }
    }

    /// An event has come.
    pub(super) fn meet(&mut self, identity: Option<Identity>, time_ms: Option<i64>) -> Met {
        if identity.is_some_and(|identity| self.spend(identity)) {
            self.beyond |= identity == self.newest;
            self.unknown = 0;
            return Met::Repeat;
        }
        let slack = i64::try_from(SLACK.as_millis()).unwrap_or_default();
        let later = |last: i64| time_ms.is_some_and(|time| time > last.saturating_add(slack));
        self.beyond |= self.last_ms.is_some_and(later);
        if !self.beyond {
            return Met::Unknown;
        }
        self.unknown = self.unknown.saturating_add(1);
        Met::New
    }

    /// Whether nothing is to be expected again. Said too early, it doubles an event; too late, it costs memory.
    pub(super) fn passed(&self) -> bool {
        let all_came = self.left == 0 && (self.newest.is_some() || self.last_ms.is_none());
        all_came || (self.beyond && self.unknown >= PATIENCE)
    }

    fn spend(&mut self, identity: Identity) -> bool {
        let first = self.delivered.partition_point(|known| *known < identity);
        let equal = self.delivered.iter().zip(&mut self.spent).skip(first).take_while(|(known, _)| **known == identity);
        let Some((_, spent)) = equal.into_iter().find(|(_, spent)| !**spent) else { return false };
        *spent = true;
        self.left -= 1;
        true
    }
}

/// So many events in a row that are beyond the window and unknown end the question.
const PATIENCE: u32 = 1000;

#[cfg(test)]
mod tests;
