//! A saved position that Salesforce refuses: it has aged out, or replay ids were given anew.
//!
//! With `on_expired = "earliest"` the channel is asked for from the oldest retained event: up to three days of events, each
//! of which counts against the org's deliveries of the day. So what is left of those is looked at first, and said.

use super::reaction::{Ended, Then};
use super::reading::{Held, Session};
use super::store_stop;
use crate::config::OnExpired;
use crate::decide;
use crate::feed::{Reason, Stop};
use bayeux::Ask;
use jiff::Timestamp;
use salesforce::{Kind, Limits, Org, Replay};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Channels of a session whose positions were refused, and what is known of the org's limits.
#[derive(Default)]
pub(super) struct Expired {
    waiting: VecDeque<(usize, String)>,
    limits: Asked,
}

/// The org's limits, asked for once a session.
#[derive(Default)]
enum Asked {
    #[default]
    Not,
    Now(JoinHandle<Result<Limits, String>>),
    Had(Result<Limits, String>),
}

impl Expired {
    /// A channel's position was refused, with these words.
    pub(super) fn push(&mut self, index: usize, words: String) {
        self.waiting.push_back((index, words));
    }

    /// What is left of the org's deliveries, for people. Cancel-safe: a question that was asked is not asked again.
    async fn deliveries(&mut self, org: &Org, kind: Kind) -> String {
        if let Asked::Not = self.limits {
            let org = org.clone();
            self.limits = Asked::Now(tokio::spawn(async move {
                match tokio::time::timeout(LIMITS_WITHIN, org.limits()).await {
                    Ok(limits) => limits.map_err(|error| decide::chain(&error)),
                    Err(_) => Err("the org did not answer in time".to_owned()),
                }
            }));
        }
        if let Asked::Now(asking) = &mut self.limits {
            let limits = asking.await.unwrap_or_else(|error| Err(error.to_string()));
            self.limits = Asked::Had(limits);
        }
        match &self.limits {
            Asked::Had(limits) => told(limits, kind),
            Asked::Not | Asked::Now(_) => String::new(),
        }
    }
}

fn told(limits: &Result<Limits, String>, kind: Kind) -> String {
    let limits = match limits {
        Ok(limits) => limits,
        Err(error) => return format!("what is left of the org's deliveries is not known: {error}"),
    };
    let left = |name: &&str| limits.get(*name).map(|limit| format!("{} of {} ({name})", limit.remaining, limit.max));
    let left: Vec<String> = counted_as(kind).iter().filter_map(left).collect();
    if left.is_empty() {
        return "what is left of the org's deliveries is not known: the org does not say".to_owned();
    }
    format!("deliveries left in 24 hours: {}", left.join(", "))
}

/// The limits that deliveries of a kind count against (REST API Developer Guide, *Limits*).
fn counted_as(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::PlatformEvent | Kind::ChangeEvents => &["DailyDeliveredPlatformEvents"],
        Kind::Topic => &["DailyDurableStreamingApiEvents", "DailyStreamingApiEvents"],
        Kind::Generic => &["DailyDurableGenericStreamingApiEvents", "DailyGenericStreamingApiEvents"],
    }
}

impl Session {
    /// Asks anew for the channels whose positions were refused, as the file says. Cancel-safe.
    pub(super) async fn reposition(&mut self) -> Result<(), Stop> {
        while let Some((index, words)) = self.expired.waiting.front().cloned() {
            let Some(kind) = self.channels.get(index).map(|known| known.kind) else { break };
            let deliveries = match (self.on_expired, self.server.org(), kind) {
                (OnExpired::Earliest, Some(org), Some(kind)) => self.expired.deliveries(org, kind).await,
                _ => String::new(),
            };
            self.expired.waiting.pop_front();
            self.reposition_one(index, &words, &deliveries)?;
        }
        Ok(())
    }

    fn reposition_one(&mut self, index: usize, words: &str, deliveries: &str) -> Result<(), Stop> {
        let Some(known) = self.channels.get_mut(index) else { return Ok(()) };
        let (feed, channel, now) = (self.status.name(), known.channel.clone(), Timestamp::now());
        self.status.metrics().repositioned.inc();
        known.repositioned = true;
        let replay = match self.on_expired {
            OnExpired::Earliest => {
                let window = self.store.begin_repeats(feed, &known.past.name, known.past.covered_ms());
                let window = window.map_err(|error| store_stop(&error))?;
                tracing::error!(
                    feed,
                    channel,
                    remembered = window.delivered.len(),
                    deliveries,
                    "the saved position is no longer valid: starting with the oldest event that is retained; what was \
                     delivered before and comes again is skipped, and what is gone is recorded ({words})"
                );
                known.past.refused(window, now);
                Replay::All
            }
            OnExpired::Latest => {
                tracing::error!(
                    feed,
                    channel,
                    "the saved position is no longer valid: going on with what comes next, as on_expired says; what came \
                     in between is recorded as a gap ({words})"
                );
                known.past.passed_over(now);
                Replay::Tip
            }
            OnExpired::Fail => {
                let text = format!("channel {channel}: the saved position is no longer valid ({words})");
                self.end(Ended { then: Then::Fail(Reason::Positions, DECIDE), text, remedy: None });
                return Ok(());
            }
        };
        known.held = Held::Refused(replay);
        self.client.ask(Ask::Subscribe(known.subscription(feed, &self.start, self.server.replays())?));
        Ok(())
    }
}

/// The session waits for the decision on a refused channel, but not for ever.
const LIMITS_WITHIN: Duration = Duration::from_secs(5);
const DECIDE: &str = "on_expired = \"fail\" leaves it to you: `crossfeed positions set FEED CHANNEL --to earliest` goes on with \
     the oldest event that is retained, `--to latest` with what comes next; then restart";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use salesforce::Limit;

    #[test]
    fn what_is_left_is_said_by_kind_and_its_absence_is_only_a_note() {
        let limits: Limits = [
            ("DailyDeliveredPlatformEvents", 9, 50_000),
            ("DailyDurableStreamingApiEvents", 7, 10),
            ("DailyStreamingApiEvents", 8, 10),
        ]
        .into_iter()
        .map(|(name, remaining, max)| (name.to_owned(), Limit { max, remaining }))
        .collect();
        let known = Ok(limits);
        let check = |limits: &Result<Limits, String>, kind, part: &str| {
            let said = told(limits, kind);
            assert!(said.contains(part), "{said}");
        };
        check(&known, Kind::ChangeEvents, "9 of 50000 (DailyDeliveredPlatformEvents)");
        check(&known, Kind::PlatformEvent, "9 of 50000");
        check(&known, Kind::Topic, "7 of 10 (DailyDurableStreamingApiEvents), 8 of 10 (DailyStreamingApiEvents)");
        check(&known, Kind::Generic, "the org does not say");
        check(&Err("no rights".to_owned()), Kind::Topic, "not known: no rights");
    }
}
