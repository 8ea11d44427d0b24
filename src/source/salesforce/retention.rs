//! How long events are retained, and until when a channel had everything.
//!
//! A channel on which nothing happens keeps its position, and the position ages out of the retention, though nothing was
//! missed (knowledge article 005321562). So beside the position goes a time: *everything published until then was had*.
//! When it may move is said in docs/decisions/0015.

use jiff::{SignedDuration, Timestamp};
use salesforce::Kind;
use std::time::Duration;

/// How long events of a kind of channel are retained, where the file does not say.
pub(super) fn of(kind: Kind, written: Option<Duration>) -> SignedDuration {
    let written = written.and_then(|written| SignedDuration::try_from(written).ok());
    written.unwrap_or(match kind {
        // Streaming API Developer Guide, "Message durability".
        Kind::Topic | Kind::Generic => SignedDuration::from_hours(24),
        // Platform Events and Change Data Capture Developer Guides: high-volume events. Purged perhaps later.
        Kind::PlatformEvent | Kind::ChangeEvents => SignedDuration::from_hours(72),
    })
}

/// What a session's replies say about what was *not* on the bus.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tip {
    /// When a channel was last subscribed: what it has to catch up with may come until a while after.
    subscribed: Timestamp,
    /// When events last came, or the first connect was answered.
    heard: Option<Timestamp>,
    /// When that time was last handed out.
    told: Timestamp,
}

impl Tip {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { subscribed: now, heard: None, told: now }
    }

    pub(super) fn subscribed(&mut self, now: Timestamp) {
        self.subscribed = now;
    }

    pub(super) fn connected(&mut self, now: Timestamp) {
        self.heard = self.heard.max(Some(now));
    }

    /// A reply with events came, the oldest of this time. Until when everything was had, if that can be told and was not
    /// told just before: where all that comes is new, nothing older is under way.
    pub(super) fn events(&mut self, oldest_ms: Option<i64>, now: Timestamp) -> Option<Timestamp> {
        self.heard = Some(now);
        let oldest = Timestamp::from_millisecond(oldest_ms?).ok()?;
        if !is_new(oldest, now) {
            return None;
        }
        self.tell(oldest.min(now) - SLACK, now)
    }

    /// When [`quiet`](Self::quiet) is to be asked next.
    pub(super) fn due(&self) -> Option<Timestamp> {
        Some(self.heard? + QUIET)
    }

    /// Nothing came for so long that at least one connect was sent, answered, and had nothing.
    pub(super) fn quiet(&mut self, now: Timestamp) -> Option<Timestamp> {
        let heard = self.heard?;
        if now.duration_since(heard) < QUIET {
            return None;
        }
        self.heard = Some(now);
        self.tell(heard - SLACK, now)
    }

    fn tell(&mut self, until: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let settled = now.duration_since(self.subscribed) >= QUIET;
        if !settled || now.duration_since(self.told) < EVERY {
            return None;
        }
        self.told = now;
        Some(until)
    }
}

/// Whether an event is of just now.
pub(super) fn is_new(time: Timestamp, now: Timestamp) -> bool {
    now.duration_since(time) <= SLACK
}

/// Whether a channel whose last old event came then has caught up.
pub(super) fn has_caught_up(last_old: Option<Timestamp>, now: Timestamp) -> bool {
    last_old.is_none_or(|last_old| now.duration_since(last_old) >= QUIET)
}

/// An event's time is its commit, which comes before its publication: a busy bus may be minutes late. Clocks differ, too.
pub(super) const SLACK: SignedDuration = SignedDuration::from_mins(5);
/// Longer than the longest hold of a connect that a session allows (10 min), and its answer's time.
const QUIET: SignedDuration = SignedDuration::from_mins(15);
/// So often is it written down at most.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-04-04T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn ms(minutes: i64) -> Option<i64> {
        Some(at(minutes).as_millisecond())
    }

    #[test]
    fn each_kind_has_its_retention_unless_the_file_says_more() {
        let check = |kind, written: Option<u64>, hours| {
            let written = written.map(|hours| Duration::from_secs(hours * 3600));
            assert_eq!(of(kind, written), SignedDuration::from_hours(hours), "{kind:?}");
        };
        check(Kind::Topic, None, 24);
        check(Kind::Generic, None, 24);
        check(Kind::PlatformEvent, None, 72);
        check(Kind::ChangeEvents, None, 72);
        check(Kind::ChangeEvents, Some(24), 24);
    }

    #[test]
    fn silence_tells_only_after_a_connect_must_have_been_answered() {
        let mut tip = Tip::new(at(0));
        assert_eq!((tip.due(), tip.quiet(at(60))), (None, None), "nothing was answered yet");
        tip.connected(at(0));
        assert_eq!(tip.due(), Some(at(15)));
        assert_eq!(tip.quiet(at(14)), None);
        assert_eq!(
            tip.quiet(at(15)),
            Some(at(-5)),
            "not later than the last connect that was surely sent, less the slack"
        );
        assert_eq!(tip.quiet(at(20)), None, "an answer may be under way");
        assert_eq!(tip.quiet(at(30)), Some(at(10)));
    }

    #[test]
    fn new_events_tell_that_nothing_older_is_under_way_and_old_ones_do_not() {
        let mut tip = Tip::new(at(0));
        tip.connected(at(0));
        assert_eq!(tip.events(ms(1), at(1)), None, "a channel was subscribed just now");
        assert_eq!(tip.events(ms(14), at(16)), Some(at(9)));
        assert_eq!(tip.events(ms(17), at(18)), None, "that was told just now");
        assert_eq!(tip.events(ms(20), at(30)), None, "it catches up");
        assert_eq!(tip.events(None, at(40)), None);
        assert_eq!(tip.events(ms(99), at(45)), Some(at(40)), "a server's clock that is ahead makes nothing later");
        tip.subscribed(at(50));
        assert_eq!(tip.events(ms(55), at(55)), None);
    }

    #[test]
    fn a_channel_that_still_gets_old_events_has_not_caught_up() {
        assert!(has_caught_up(None, at(0)));
        assert!(!has_caught_up(Some(at(0)), at(14)));
        assert!(has_caught_up(Some(at(0)), at(15)));
        assert!(is_new(at(0), at(5)) && !is_new(at(0), at(6)));
    }
}
