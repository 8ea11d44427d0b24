//! Whether events are gone, judged by the first event that comes after an outage.
//!
//! Replay ids say nothing here: they are opaque, and may be given anew. What is compared are the times of events and of the
//! retention, and whether an event was delivered before.

use super::retention::SLACK;
use crate::feed::{Event, Origin};
use crate::position::{Cause, Edge, Gap, GapEvent, Position};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use salesforce::{Data, ReplayId};
use std::sync::Arc;

/// Events of a channel may be gone.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    /// The position was refused; else it was older than what is retained.
    pub(super) refused: bool,
    pub(super) position: Position,
    /// Until then everything was had: the position's time, or a later one.
    pub(super) covered: Option<Timestamp>,
    /// When the channel was asked for.
    pub(super) asked: Timestamp,
    pub(super) retention: SignedDuration,
}

/// The first event that came.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct First {
    pub(super) time: Option<Timestamp>,
    /// It was delivered before.
    pub(super) repeat: bool,
    /// Replay ids began anew.
    pub(super) restarted: bool,
}

impl Doubt {
    /// Why events are gone, if they may be.
    pub(super) fn judge(&self, first: First) -> Option<Cause> {
        // What is retained reaches back to what was had.
        let before = |covered: Timestamp| first.time.is_some_and(|time| time <= covered - SLACK);
        if first.repeat || self.covered.is_some_and(before) {
            return None;
        }
        if !self.refused {
            return Some(Cause::Truncated);
        }
        if first.restarted {
            return Some(Cause::Reset);
        }
        let has_aged = |time: Timestamp| self.asked.duration_since(time) > self.retention;
        match (self.covered, time_of(&self.position)) {
            (Some(covered), _) if has_aged(covered) => Some(Cause::Expired),
            // The id is older than what is retained, and nothing came since for as long as that is so: nothing was missed.
            (Some(_), Some(time)) if has_aged(time) => None,
            _ => Some(Cause::Refused),
        }
    }

    /// The edge up to which everything was had.
    pub(super) fn last(&self) -> Edge {
        let replay_id = match &self.position {
            Position::At { id, .. } => Some(id.to_string()),
            Position::Earliest | Position::Begun { .. } => None,
        };
        Edge { replay_id, time: self.covered }
    }
}

/// When the position's event happened, or when the channel began.
pub(super) fn time_of(position: &Position) -> Option<Timestamp> {
    match position {
        Position::At { time_ms, .. } => time_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        Position::Earliest => None,
        Position::Begun { date } => Some(*date),
    }
}

/// The edge that an event is.
pub(super) fn edge_of(data: &Data) -> Edge {
    Edge {
        replay_id: data.replay_id.as_ref().map(ToString::to_string),
        time: data.time_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
    }
}

/// Whether a replay id is lower than another: a hint that ids began anew, and nothing else.
pub(super) fn is_lower(id: &ReplayId, than: &ReplayId) -> bool {
    (id.as_str().len(), id.as_str()) < (than.as_str().len(), than.as_str())
}

/// A gap without edges yet.
pub(super) fn gap(feed: &str, org: &str, channel: &str, cause: Cause, now: Timestamp) -> Gap {
    Gap {
        schema: Gap::SCHEMA.to_owned(),
        feed: feed.to_owned(),
        org: org.to_owned(),
        channel: channel.to_owned(),
        cause,
        detected_at: now,
        last: None,
        first: None,
        change: None,
    }
}

/// What a gap event says, if the event is one: the gap's cause, and what is to be read anew.
pub(super) fn change_of(data: &Data) -> Option<(Cause, GapEvent)> {
    let change = data.change.as_ref().filter(|change| change.is_gap())?;
    let cause = if *change == salesforce::ChangeType::GapOverflow { Cause::Overflow } else { Cause::GapEvent };
    let change = GapEvent {
        entity: data.entity.as_deref().map(str::to_owned),
        change_type: change.as_str().to_owned(),
        record_ids: data.record_ids.iter().map(ToString::to_string).collect(),
        transaction_key: data.transaction.as_deref().map(str::to_owned),
    };
    Some((cause, change))
}

/// The record of a gap, to be delivered in its place among the channel's events.
pub(super) fn event(channel: &Arc<str>, gap: &Gap) -> Event {
    Event {
        stream: channel.clone(),
        value: Bytes::from(gap.to_json()),
        time_ms: Some(gap.detected_at.as_millisecond()),
        origin: Origin::Gap(Box::new(gap.clone())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_gone_is_told_by_times_and_identities() {
        let now: Timestamp = "2026-04-10T12:00:00Z".parse().unwrap();
        let ago = |hours: i64| now - SignedDuration::from_hours(hours);
        let retention = SignedDuration::from_hours(72);
        // hours since: the position, what was had, the first event
        let check =
            |refused, position: Option<i64>, covered: Option<i64>, first: Option<i64>, expected: Option<Cause>| {
                let time_ms = position.map(|hours| ago(hours).as_millisecond());
                let position = Position::At { id: "7".parse().unwrap(), time_ms };
                let doubt = Doubt { refused, position, covered: covered.map(ago), asked: now, retention };
                let first = First { time: first.map(ago), ..First::default() };
                assert_eq!(doubt.judge(first), expected, "{doubt:?} {first:?}");
                assert_eq!(doubt.judge(First { repeat: true, ..first }), None, "what was delivered is still retained");
                if expected.is_some() {
                    let restarted = doubt.judge(First { restarted: true, ..first });
                    assert_eq!(restarted, if refused { Some(Cause::Reset) } else { expected });
                }
            };
        // Refused: aged out; refused though young; what is retained reaches back; kept alive; of no time.
        check(true, Some(80), Some(80), Some(60), Some(Cause::Expired));
        check(true, Some(10), Some(10), Some(5), Some(Cause::Refused));
        check(true, Some(10), Some(10), Some(60), None);
        check(true, Some(80), Some(80), Some(81), None);
        check(true, Some(80), Some(1), Some(0), None);
        check(true, Some(80), Some(75), Some(60), Some(Cause::Expired));
        check(true, None, None, Some(60), Some(Cause::Refused));
        check(true, Some(10), Some(10), None, Some(Cause::Refused));
        // Accepted, and old.
        check(false, Some(80), Some(80), Some(70), Some(Cause::Truncated));
        check(false, Some(80), Some(80), Some(90), None);
    }

    #[test]
    fn a_lower_id_has_fewer_digits_or_lower_ones() {
        let check = |id: &str, than: &str, lower| {
            assert_eq!(is_lower(&id.parse().unwrap(), &than.parse().unwrap()), lower, "{id} {than}");
        };
        check("9", "10", true);
        check("10", "9", false);
        check("10", "10", false);
        check("9007199254740993", "9007199254740994", true);
        check("123456789012345678901234567890", "99", false);
    }
}
