//! How a feed does: one place that people, probes and metrics read.

mod channels;

use super::batch::{Batch, Measure, Place, Positions};
use super::loss::Loss;
use super::stop::{Reason, Stop};
use crate::metrics::{self, FeedMetrics};
use crate::position::{Edge, Gap, Paused, Position};
use channels::{Change, Channels};
pub use channels::{ChannelState, ChannelStatus};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
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
    /// A person told it to fetch nothing.
    Paused,
    /// It ended because it was told to.
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
    paused: Option<Paused>,
    streams: BTreeMap<String, StreamState>,
    channels: Channels,
    /// Of streams whose events are retained for a time only.
    losses: BTreeMap<String, Loss>,
    /// The newest last.
    gaps: VecDeque<GapState>,
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
    /// Everything until then was had, though the position's event is older.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_until: Option<Timestamp>,
    /// Until events after the position are no longer retained.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_to_loss: Option<f64>,
}

/// Events that can no longer be had.
#[derive(Clone, Serialize)]
struct GapState {
    channel: String,
    cause: &'static str,
    detected_at: Timestamp,
    since: Option<Edge>,
    until: Option<Edge>,
}

/// A feed's state at one moment, as `/status` shows it.
#[derive(Serialize)]
pub struct Snapshot {
    feed: String,
    state: Phase,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Paused>,
    events: u64,
    bytes: u64,
    batches: u64,
    reopens: u64,
    last_event: Option<Timestamp>,
    positions: BTreeMap<String, StreamState>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    channels: BTreeMap<String, ChannelStatus>,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    gaps: VecDeque<GapState>,
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
            paused: None,
            streams: BTreeMap::new(),
            channels: Channels::default(),
            losses: BTreeMap::new(),
            gaps: VecDeque::new(),
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
        let now = Timestamp::now();
        let positions = state.streams.iter().map(|(name, stream)| {
            let loss = state.losses.get(name);
            let hours_to_loss =
                loss.and_then(|loss| loss.hours(stream.time, now)).map(|hours| (hours * 100.0).round() / 100.0);
            (name.clone(), StreamState { seen_until: loss.and_then(Loss::seen_until), hours_to_loss, ..stream.clone() })
        });
        Snapshot {
            feed: self.name.clone(),
            state: state.phase,
            since: state.since,
            problem: state.problem.clone(),
            paused: state.paused.clone(),
            events: self.metrics.events.get(),
            bytes: self.metrics.bytes.get(),
            batches: self.metrics.batches.get(),
            reopens: self.metrics.reopens(),
            last_event: state.last_event,
            positions: positions.collect(),
            channels: state.channels.all().clone(),
            gaps: state.gaps.clone(),
        }
    }

    /// Brings the gauges up to date that depend on the time of day.
    pub fn refresh(&self, now: Timestamp) {
        let State { streams, losses, .. } = &mut *self.state();
        for (stream, state) in streams {
            if let Some(time) = state.time {
                self.metrics.position_age(stream, metrics::seconds_between(time, now));
            }
            if let Some(loss) = losses.get_mut(stream)
                && let Some(hours) = loss.hours(state.time, now)
            {
                self.metrics.hours_to_loss(stream, hours);
                loss.tell(&self.name, stream, hours);
            }
        }
    }

    /// A stream's events are retained for so long, and everything until then was had.
    pub fn retained(&self, stream: &str, retention: SignedDuration, seen_until: Option<Timestamp>) {
        let mut state = self.state();
        match state.losses.get_mut(stream) {
            Some(loss) => loss.found(retention, seen_until),
            None => drop(state.losses.insert(stream.to_owned(), Loss::new(retention, seen_until))),
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

    /// It is paused, and its task has ended or never began. What was wrong with it before stays visible.
    pub(crate) fn paused(&self, paused: &Paused) {
        let Paused { by, at, reason } = paused;
        let why = reason.as_deref().unwrap_or_default();
        tracing::warn!(
            feed = self.name,
            by,
            %at,
            why,
            "paused: it fetches nothing until told so by `crossfeed resume {}`",
            self.name
        );
        let problem = self.state().problem.clone();
        self.enter(Phase::Paused, problem);
        self.state().paused = Some(paused.clone());
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

    /// A stream's position was moved by hand, or removed, while the feed did not run.
    pub(crate) fn moved(&self, stream: &str, position: Option<&Position>, at: Timestamp) {
        match position {
            Some(position) => self.found(stream, position, at),
            None => drop(self.state().streams.remove(stream)),
        }
    }

    pub(super) fn saved(&self, positions: &Positions) {
        let saved_at = Timestamp::now();
        let mut state = self.state();
        for (stream, place) in positions.iter() {
            state.streams.insert(stream.to_string(), StreamState::new(place, saved_at));
        }
        for (stream, until) in &positions.trace.seen {
            if let Some(loss) = state.losses.get_mut(&**stream) {
                loss.seen(*until);
            }
        }
        for gap in &positions.trace.gaps {
            self.metrics.gap(gap.cause.as_str());
            if state.gaps.len() == MOST_GAPS {
                state.gaps.pop_front();
            }
            state.gaps.push_back(GapState::of(gap));
        }
    }

    /// Gaps that an earlier process recorded, the newest last.
    pub fn gaps_found(&self, gaps: &[Gap]) {
        let newest = gaps.iter().skip(gaps.len().saturating_sub(MOST_GAPS));
        self.state().gaps = newest.map(GapState::of).collect();
    }

    /// The session is to have this channel.
    pub fn channel_waits(&self, channel: &str) {
        self.state().channels.waits(channel, Timestamp::now());
        self.show_channels();
    }

    /// The org took the subscription.
    pub fn channel_subscribed(&self, channel: &str) {
        let change = self.state().channels.subscribed(channel, Timestamp::now());
        self.show_channels();
        if change == Change::Mended {
            tracing::warn!(feed = self.name, channel, "the channel that was refused is subscribed");
        }
    }

    /// The org refused a channel, in these words, and it is tried again then.
    pub fn channel_refused(&self, channel: &str, words: &str, remedy: &str, wait: Duration) {
        let now = Timestamp::now();
        let retry_at = now.checked_add(wait).ok();
        let change = self.state().channels.refused(channel, words, remedy, retry_at, now);
        self.metrics.channel_refused(channel);
        self.show_channels();
        let feed = &self.name;
        match change {
            Change::Broken => {
                tracing::error!(
                    feed,
                    channel,
                    remedy,
                    "channel refused, and tried again slowly; the others go on: {words}"
                );
            }
            Change::Reworded => tracing::warn!(feed, channel, remedy, "channel refused still: {words}"),
            Change::None | Change::Mended => tracing::debug!(feed, channel, "channel refused still: {words}"),
        }
    }

    /// The org took the subscription of a channel, but has nothing of its name.
    pub fn channel_silent(&self, channel: &str, words: &str, remedy: &str) {
        let change = self.state().channels.silent(channel, words, remedy, Timestamp::now());
        self.show_channels();
        if matches!(change, Change::Broken | Change::Reworded) {
            tracing::error!(feed = self.name, channel, remedy, "{words}");
        }
    }

    /// The org has what a channel is made of.
    pub fn channel_found(&self, channel: &str) {
        let change = self.state().channels.found(channel, Timestamp::now());
        self.show_channels();
        if change == Change::Mended {
            tracing::warn!(feed = self.name, channel, "the org has now what the channel is made of");
        }
    }

    fn show_channels(&self) {
        for (channel, known) in self.state().channels.all() {
            self.metrics.channel_up(channel, known.state == ChannelState::Subscribed);
        }
    }

    fn enter(&self, phase: Phase, problem: Option<Problem>) {
        let mut state = self.state();
        if state.phase != phase {
            state.phase = phase;
            state.since = Timestamp::now();
        }
        state.problem = problem;
        if phase != Phase::Paused {
            state.paused = None;
        }
        if !matches!(phase, Phase::Running | Phase::Draining) {
            state.channels.all_wait(Timestamp::now());
        }
        drop(state);
        self.show_channels();
        self.metrics.session_up.set(i64::from(phase == Phase::Running));
        self.metrics.paused.set(i64::from(phase == Phase::Paused));
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
            Place::After(Position::Earliest) => ("earliest".to_owned(), None),
            Place::After(Position::Begun { date }) => ("begun".to_owned(), Some(*date)),
            Place::Next(offset) => (offset.to_string(), None),
        };
        Self { position, time, saved_at, seen_until: None, hours_to_loss: None }
    }
}

impl GapState {
    fn of(gap: &Gap) -> Self {
        Self {
            channel: gap.channel.clone(),
            cause: gap.cause.as_str(),
            detected_at: gap.detected_at,
            since: gap.last.clone(),
            until: gap.first.clone(),
        }
    }
}

fn rounded(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

/// So many of a feed's gaps are shown; `crossfeed gaps list` has more.
const MOST_GAPS: usize = 10;
