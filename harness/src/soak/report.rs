//! What came of a soak.

use super::{MEMORY, Order};
use crate::verify::Verdict;
use crate::{Held, SessionCounts};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What was done, and what came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was asked for.
    pub order: Order,
    /// Disturbances, by kind.
    pub blows: BTreeMap<&'static str, u64>,
    /// What became of all events of all channels.
    pub verdict: Verdict,
    /// How often feeds opened again, by reason.
    pub reopens: BTreeMap<String, u64>,
    /// The org's sessions, once everything had come to rest.
    pub sessions: SessionCounts,
    /// How many feeds there are.
    pub feeds: u64,
    /// How long it took from the last disturbance until everything was in Kafka.
    pub drained: Duration,
    /// What the bridge held, each five seconds, and once at rest.
    pub samples: Vec<Held>,
}

impl Report {
    /// What should not have been; nothing where all is well.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let Verdict { lost, doubled, out_of_order, altered, unknown, .. } = self.verdict;
        let (begin, end) = self.flat();
        let found = [
            (lost > 0, format!("{lost} lost")),
            (out_of_order > 0, format!("{out_of_order} out of order")),
            (altered + unknown > 0, format!("{altered} altered, {unknown} unknown")),
            (doubled > self.may_double(), format!("{doubled} doubled, of {}", self.may_double())),
            (self.sessions.open > self.feeds, format!("{} sessions for {} feeds", self.sessions.open, self.feeds)),
            (end.descriptors > begin.descriptors + A_FEW, format!("descriptors grew: {begin}, then {end}")),
            (end.threads > begin.threads + A_FEW, format!("threads grew: {begin}, then {end}")),
            (end.resident > begin.resident + begin.resident / 5, format!("memory grew: {begin}, then {end}")),
        ];
        found.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect()
    }

    /// The mean of the second and of the last quarter of the time. Feeds that wait hold nothing, so that single moments
    /// tell little.
    #[must_use]
    pub fn flat(&self) -> (Held, Held) {
        let quarter = self.samples.len() / 4;
        let begin = self.samples.get(quarter..quarter * 2).unwrap_or_default();
        let end = self.samples.get(self.samples.len() - quarter..).unwrap_or_default();
        (Held::mean(begin), Held::mean(end))
    }

    /// What was accepted and had no receipt when a feed ended because of Kafka comes again. When it ends because of the
    /// org, nothing does: what was accepted becomes durable first.
    fn may_double(&self) -> u64 {
        let of_the_sink = ["kafka", "receipt", "positions"];
        let ends: u64 = of_the_sink.iter().filter_map(|reason| self.reopens.get(*reason)).sum();
        ends * MEMORY / EVENT_BYTES
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Order { seconds, seed, .. } = self.order;
        let blows: u64 = self.blows.values().sum();
        writeln!(f, "seed {seed}: {seconds} s, {blows} disturbances: {:?}", self.blows)?;
        writeln!(f, "opened again: {:?}", self.reopens)?;
        writeln!(f, "{}", self.verdict)?;
        writeln!(f, "doubled may be what was in flight at each end because of Kafka: {} at most", self.may_double())?;
        writeln!(f, "everything was in Kafka {:.1} s after the last disturbance", self.drained.as_secs_f64())?;
        let SessionCounts { open, opened, expired, disconnected, ended, .. } = self.sessions;
        writeln!(
            f,
            "sessions: {open} open for {} feeds, of {opened}: {disconnected} closed by us, {ended} ended by the org, \
             {expired} expired",
            self.feeds
        )?;
        let (begin, end) = self.flat();
        write!(f, "second quarter: {begin}\nlast quarter:   {end}")
    }
}

/// Connections and threads that come and go.
const A_FEW: u64 = 40;
const EVENT_BYTES: u64 = 1024;
