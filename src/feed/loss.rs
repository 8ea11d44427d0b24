//! How long until events are lost: what is retained, less the time since everything was had. It goes on running while a
//! feed is down, which is when it counts.

use super::status::Status;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// What is known of a stream whose events are retained for a time only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    retention: SignedDuration,
    /// Everything until then was had, though the position is older.
    seen_until: Option<Timestamp>,
    told: Told,
}

/// What was said of it already: each thing is said once, until it is better again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Third,
    Gone,
}

impl Loss {
    pub(super) fn new(retention: SignedDuration, seen_until: Option<Timestamp>) -> Self {
        Self { retention, seen_until, told: Told::Nothing }
    }

    /// The same stream, as it was found when it was opened again.
    pub(super) fn found(&mut self, retention: SignedDuration, seen_until: Option<Timestamp>) {
        *self = Self { retention, seen_until, told: self.told };
    }

    /// Until when everything was had.
    pub(super) fn seen_until(&self) -> Option<Timestamp> {
        self.seen_until
    }

    pub(super) fn seen(&mut self, until: Timestamp) {
        self.seen_until = self.seen_until.max(Some(until));
    }

    /// Hours until the first event after the position is gone, from 0; `time` is the position's.
    pub(super) fn hours(&self, time: Option<Timestamp>, now: Timestamp) -> Option<f64> {
        let had = time.max(self.seen_until)?;
        let left = self.retention.saturating_sub(now.duration_since(had));
        Some((left.as_secs_f64() / 3600.0).clamp(0.0, self.retention.as_secs_f64() / 3600.0))
    }

    /// Says what a person must know of the hours that are left.
    pub(super) fn tell(&mut self, feed: &str, stream: &str, hours: f64) {
        let third = self.retention.as_secs_f64() / 3600.0 / 3.0;
        let is = if hours <= 0.0 {
            Told::Gone
        } else if hours < third {
            Told::Third
        } else {
            Told::Nothing
        };
        if is > self.told {
            match is {
                Told::Nothing => {}
                Told::Third => tracing::warn!(feed, stream, hours_to_loss = %format_args!("{hours:.1}"), "{SOON}"),
                Told::Gone => tracing::error!(feed, stream, "{GONE}"),
            }
        }
        self.told = is;
    }
}

/// Brings each feed's numbers up to date once a minute, and says what must be said of them, until it is dropped.
pub async fn watch(feeds: impl Fn() -> Vec<Arc<Status>>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let now = Timestamp::now();
        feeds().iter().for_each(|status| status.refresh(now));
    }
}

const TICK: Duration = Duration::from_secs(60);
const SOON: &str = "less than a third of the retention is left: let the feed run again before hours_to_loss is 0, or events \
     that were not delivered are gone; see /status for what holds it up";
const GONE: &str = "events after the saved position may no longer be retained: let the feed run, see the gap record that it \
     makes, and compare what is missing with the org";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_hours_count_from_what_was_had_last() {
        let now: Timestamp = "2026-04-04T12:00:00Z".parse().unwrap();
        let ago = |hours| now - SignedDuration::from_hours(hours);
        let check = |retention, time: Option<i64>, seen: Option<i64>, hours: Option<f64>| {
            let loss = Loss::new(SignedDuration::from_hours(retention), seen.map(ago));
            assert_eq!(loss.hours(time.map(ago), now), hours, "{retention} h, {time:?}, {seen:?}");
        };
        check(72, Some(0), None, Some(72.0));
        check(72, Some(60), None, Some(12.0));
        check(24, Some(25), None, Some(0.0));
        check(72, Some(100), Some(2), Some(70.0));
        check(72, Some(1), Some(2), Some(71.0));
        // A server's clock that is ahead of ours makes nothing better than it can be.
        check(72, Some(-5), None, Some(72.0));
        check(72, None, None, None);
    }

    #[test]
    fn each_thing_is_said_once_until_it_is_better() {
        let mut loss = Loss::new(SignedDuration::from_hours(72), None);
        for (hours, told) in
            [(72.0, Told::Nothing), (23.9, Told::Third), (23.0, Told::Third), (0.0, Told::Gone), (70.0, Told::Nothing)]
        {
            loss.tell("feed", "stream", hours);
            assert_eq!(loss.told, told, "{hours}");
        }
    }
}
