//! How a feed does: one place that people, probes and metrics read.

use super::batch::{Batch, Measure, Place, Positions};
use super::stop::{Reason, Stop};
use crate::metrics::{self, FeedMetrics};
use crate::position::Position;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What a feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It opens its sink and its source.
    Opening,
    /// Events flow, or would.
    Running,
    /// It reads no more and waits for receipts.
    Draining,
    /// It waits before it opens again.
    Waiting,
    /// A person must act.
    Stopped,
    /// It ended because the process ends.
    Done,
}

/// A feed's state, shared by the feed, its source and the admin listener.
pub struct Status {
    name: String,
    metrics: FeedMetrics,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    since: Timestamp,
    /// When it last began to run, until it opens again.
    running_since: Option<Instant>,
    problem: Option<Problem>,
    streams: BTreeMap<String, StreamState>,
    last_event: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
struct Problem {
    reason: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
struct StreamState {
    position: String,
    /// The time of the event at the position, or of the subscription.
    time: Option<Timestamp>,
    saved_at: Timestamp,
}

/// A feed's state at one moment, as `/status` shows it.
#[derive(Serialize)]
pub struct Snapshot {
    feed: String,
    state: Phase,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    events: u64,
    bytes: u64,
    batches: u64,
    reopens: u64,
    last_event: Option<Timestamp>,
    positions: BTreeMap<String, StreamState>,
}

impl Status {
    /// A feed that has not begun.
    #[must_use]
    pub fn new(name: &str, metrics: FeedMetrics) -> Self {
        let state = State {
            phase: Phase::Opening,
            since: Timestamp::now(),
            running_since: None,
            problem: None,
            streams: BTreeMap::new(),
            last_event: None,
        };
        Self { name: name.to_owned(), metrics, state: Mutex::new(state) }
    }

    /// The feed's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feed's metrics.
    #[must_use]
    pub fn metrics(&self) -> &FeedMetrics {
        &self.metrics
    }

    /// What it is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Everything, for people.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot {
            feed: self.name.clone(),
            state: state.phase,
            since: state.since,
            problem: state.problem.clone(),
            events: self.metrics.events.get(),
            bytes: self.metrics.bytes.get(),
            batches: self.metrics.batches.get(),
            reopens: self.metrics.reopens(),
            last_event: state.last_event,
            positions: state.streams.clone(),
        }
    }

    /// Brings the gauges up to date that depend on the time of day.
    pub fn refresh(&self, now: Timestamp) {
        for (stream, state) in &self.state().streams {
            if let Some(time) = state.time {
                self.metrics.position_age(stream, metrics::seconds_between(time, now));
            }
        }
    }

    /// The source is open and answered: events flow, or would.
    pub fn running(&self) {
        if self.phase() != Phase::Running {
            tracing::info!(feed = self.name, "running");
        }
        self.enter(Phase::Running, None);
        self.state().running_since.get_or_insert_with(Instant::now);
    }

    /// How long it ran since it last opened: an opening that failed did not run, however long it took.
    pub(super) fn lived(&self) -> Duration {
        self.state().running_since.map(|since| since.elapsed()).unwrap_or_default()
    }

    pub(crate) fn opening(&self) {
        // What was wrong stays visible until it is known to be right again.
        let problem = {
            let mut state = self.state();
            state.running_since = None;
            state.problem.clone()
        };
        self.enter(Phase::Opening, problem);
    }

    pub(super) fn draining(&self) {
        let problem = self.state().problem.clone();
        self.enter(Phase::Draining, problem);
    }

    pub(super) fn waiting(&self, stop: &Stop, wait: Duration) {
        let reason = stop.reason.as_str();
        self.metrics.reopened(reason);
        let wait_text = humantime::format_duration(rounded(wait));
        tracing::warn!(feed = self.name, reason, wait = %wait_text, remedy = stop.remedy, "{stop}: opening again");
        let retry_at = Timestamp::now().checked_add(wait).ok();
        self.enter(
            Phase::Waiting,
            Some(Problem { reason, text: stop.text.clone(), remedy: stop.remedy.clone(), retry_at }),
        );
    }

    pub(super) fn stopped(&self, stop: &Stop) {
        let reason = stop.reason.as_str();
        let remedy = stop.remedy.clone();
        self.metrics.stopped(reason);
        tracing::error!(feed = self.name, reason, remedy = remedy.as_deref().unwrap_or_default(), "stopped: {stop}");
        self.enter(Phase::Stopped, Some(Problem { reason, text: stop.text.clone(), remedy, retry_at: None }));
    }

    /// It failed in a way that it must not: a mistake of ours.
    pub(crate) fn failed(&self, text: &str) {
        self.stopped(&Stop::fatal(
            Reason::Bug,
            text,
            "please report this, with the log; a restart goes on at the saved positions",
        ));
    }

    pub(super) fn done(&self) {
        self.enter(Phase::Done, None);
    }

    pub(super) fn accepted(&self, batch: &Batch) {
        let newest = batch.events.iter().filter_map(|event| event.time_ms).max();
        if let Some(newest) = newest.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
            self.state().last_event = Some(newest);
        }
    }

    pub(super) fn delivered(&self, measure: &Measure) {
        self.metrics.events.inc_by(measure.events);
        self.metrics.bytes.inc_by(measure.bytes);
        self.metrics.batches.inc();
        if let Some(age) = measure.age(Timestamp::now()) {
            self.metrics.event_to_receipt.observe(age);
        }
    }

    /// A stream's position as it was found when the source opened.
    pub fn found(&self, stream: &str, position: &Position, saved_at: Timestamp) {
        let state = StreamState::new(&Place::After(position.clone()), saved_at);
        self.state().streams.insert(stream.to_owned(), state);
    }

    pub(super) fn saved(&self, positions: &Positions) {
        let saved_at = Timestamp::now();
        let mut state = self.state();
        for (stream, place) in positions.iter() {
            state.streams.insert(stream.to_string(), StreamState::new(place, saved_at));
        }
    }

    fn enter(&self, phase: Phase, problem: Option<Problem>) {
        let mut state = self.state();
        if state.phase != phase {
            state.phase = phase;
            state.since = Timestamp::now();
        }
        state.problem = problem;
        self.metrics.session_up.set(i64::from(phase == Phase::Running));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; were it so, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamState {
    fn new(place: &Place, saved_at: Timestamp) -> Self {
        let (position, time) = match place {
            Place::After(Position::At { id, time_ms }) => {
                (id.to_string(), time_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
            }
            Place::After(Position::Begun { date }) => ("begun".to_owned(), Some(*date)),
            Place::Next(offset) => (offset.to_string(), None),
        };
        Self { position, time, saved_at }
    }
}

fn rounded(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}
