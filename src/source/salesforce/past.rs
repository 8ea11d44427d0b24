//! What is known of a channel's past, and what is to be found out with the events that come next: whether some are gone,
//! whether some come again, whether replay ids began anew.

use super::gap::{self, Doubt, First};
use super::repeats::{Met, Repeats};
use super::retention::{self, is_new};
use crate::position::{Cause, Edge, Position, Store, Window};
use jiff::{SignedDuration, Timestamp};
use salesforce::{Data, Identity, ReplayId};
use std::sync::Arc;

/// A channel's past.
#[derive(Debug)]
pub(super) struct Past {
    /// The channel, without a filter: its name in the store.
    pub(super) name: Arc<str>,
    position: Option<Position>,
    retention: SignedDuration,
    /// Until then everything was had that came after the position, where that is known.
    seen_until: Option<Timestamp>,
    /// Until then everything was had: the position's time, or a later one.
    covered: Option<Timestamp>,
    doubt: Option<Doubt>,
    numbering: Option<Numbering>,
    repeats: Option<Repeats>,
    /// It goes on with what comes after its subscription, whatever is gone.
    latest: bool,
    /// When the last event came that was not of just then.
    last_old: Option<Timestamp>,
}

/// The last replay id before a refused position, and its event's time.
#[derive(Debug)]
struct Numbering {
    id: ReplayId,
    time: Timestamp,
}

/// What an event was found to be.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) met: Met,
    /// Events before it may be gone: why, and up to where everything was had.
    pub(super) gone: Option<(Cause, Edge)>,
    /// Replay ids began anew.
    pub(super) restarted: bool,
    /// Nothing comes again any more.
    pub(super) passed: bool,
}

impl Past {
    /// The past of a channel, as it is found when it is opened.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn found(
        store: &Store,
        feed: &str,
        name: &str,
        position: Option<&Position>,
        retention: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, crate::position::Error> {
        let seen_until = position.map(|position| store.seen_until(feed, name, position)).transpose()?.flatten();
        let repeats = store.repeats(feed, name)?.map(Repeats::new);
        let mut past = Self { seen_until, repeats, ..Self::new(name, position, retention) };
        past.covered = past.covered.max(seen_until);
        past.number();
        past.look_again(now);
        Ok(past)
    }

    /// Whether its position is older than what is retained, now that it is asked for.
    pub(super) fn look_again(&mut self, now: Timestamp) {
        let has_aged = self.covered.is_some_and(|covered| now.duration_since(covered) > self.retention);
        if has_aged && self.doubt.is_none() {
            self.doubt = self.doubt(false, now);
        }
    }

    /// Whatever comes next is compared with the position: ids that begin anew are lower.
    fn number(&mut self) {
        self.numbering = match &self.position {
            Some(position @ Position::At { id, .. }) => {
                gap::time_of(position).map(|time| Numbering { id: id.clone(), time })
            }
            _ => None,
        };
    }

    /// A channel of which nothing is to be found out.
    pub(super) fn new(name: &str, position: Option<&Position>, retention: SignedDuration) -> Self {
        Self {
            name: Arc::from(name),
            position: position.cloned(),
            retention,
            seen_until: None,
            covered: position.and_then(gap::time_of),
            doubt: None,
            numbering: None,
            repeats: None,
            latest: false,
            last_old: None,
        }
    }

    /// How long its events are retained, and until when everything was had that came after its position.
    pub(super) fn retained(&self) -> (SignedDuration, Option<Timestamp>) {
        (self.retention, self.seen_until)
    }

    /// Whether its position is older than what is retained: said when it is opened, before it is known what is gone.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubt.is_some()
    }

    /// The time up to which everything was had, as the store keeps it.
    pub(super) fn covered_ms(&self) -> Option<i64> {
        self.covered.map(Timestamp::as_millisecond)
    }

    /// The position was refused, and the oldest events that are retained come now: `window` are those that may come again.
    pub(super) fn refused(&mut self, window: Window, now: Timestamp) {
        self.repeats = Some(Repeats::new(window));
        self.doubt = self.doubt(true, now);
        self.number();
    }

    /// The position was refused, and what comes after the subscription comes now.
    pub(super) fn passed_over(&mut self, now: Timestamp) {
        self.doubt = self.doubt(true, now);
        self.latest = true;
    }

    /// Subscribed, with no event before: the gap of a channel that goes on with what comes next, and the edge before it.
    pub(super) fn begins_later(&mut self) -> Option<Edge> {
        if !std::mem::take(&mut self.latest) {
            return None;
        }
        // Where nothing was ever saved, and the configured start is refused, there is no edge to tell.
        Some(self.doubt.take().map_or(Edge { replay_id: None, time: None }, |doubt| doubt.last()))
    }

    /// An event came.
    #[inline]
    pub(super) fn meet(&mut self, data: &Data, identity: Option<Identity>) -> Found {
        if self.doubt.is_none() && self.numbering.is_none() && self.repeats.is_none() {
            return Found { met: Met::New, gone: None, restarted: false, passed: false };
        }
        self.find_out(data, identity)
    }

    fn find_out(&mut self, data: &Data, identity: Option<Identity>) -> Found {
        let met = self.repeats.as_mut().map_or(Met::New, |repeats| repeats.meet(identity, data.time_ms));
        let time = data.time_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let restarted = self.has_restarted(data.replay_id.as_ref(), time);
        let gone = self.doubt.take().and_then(|doubt| {
            let first = First { time, repeat: met == Met::Repeat, restarted };
            let cause = if std::mem::take(&mut self.latest) { Some(Cause::Latest) } else { doubt.judge(first) };
            cause.map(|cause| (cause, doubt.last()))
        });
        let passed = self.repeats.as_ref().is_some_and(Repeats::passed);
        if passed {
            self.repeats = None;
        }
        Found { met, gone, restarted, passed }
    }

    /// Whether a newer event has a lower id than the position that was refused. Asked until a newer event has come.
    fn has_restarted(&mut self, id: Option<&ReplayId>, time: Option<Timestamp>) -> bool {
        let (Some(id), Some(time)) = (id, time) else { return false };
        let Some(before) = self.numbering.take_if(|before| time > before.time) else { return false };
        gap::is_lower(id, &before.id)
    }

    /// An event of this time came just now.
    #[inline]
    pub(super) fn came(&mut self, time_ms: Option<i64>, now: Timestamp, new_from_ms: i64) {
        if time_ms.is_some_and(|time| time < new_from_ms) {
            self.last_old = Some(now);
        }
    }

    /// Whether it may be said that everything was had until a time that its position does not tell.
    pub(super) fn has_caught_up(&self, now: Timestamp) -> bool {
        self.doubt.is_none() && retention::has_caught_up(self.last_old, now)
    }

    fn doubt(&self, refused: bool, now: Timestamp) -> Option<Doubt> {
        let position = self.position.clone()?;
        Some(Doubt { refused, position, covered: self.covered, asked: now, retention: self.retention })
    }
}

/// The time, in milliseconds since 1970, from which on an event that comes now is new.
pub(super) fn new_from_ms(now: Timestamp) -> i64 {
    let from = now - retention::SLACK;
    debug_assert!(is_new(from, now), "the two say the same");
    from.as_millisecond()
}
