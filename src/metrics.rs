//! All metrics. Labels are the feed, the stream, and closed sets only.

use crate::org_state::OrgState;
use crate::position::Cause;
use jiff::Timestamp;
use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The metrics of the process.
pub struct Metrics {
    registry: Registry,
    events: IntCounterVec,
    bytes: IntCounterVec,
    batches: IntCounterVec,
    event_to_receipt: HistogramVec,
    session_up: IntGaugeVec,
    paused: IntGaugeVec,
    reopens: IntCounterVec,
    stops: IntCounterVec,
    position_age: GaugeVec,
    produce_errors: IntCounterVec,
    gap_events: IntCounterVec,
    skipped: IntCounterVec,
    repositioned: IntCounterVec,
    channel_up: IntGaugeVec,
    channel_refusals: IntCounterVec,
    gaps: IntCounterVec,
    repeats_skipped: IntCounterVec,
    repeats_possible: IntCounterVec,
    resets: IntCounterVec,
    hours_to_loss: GaugeVec,
    budget: Gauge,
    logged_in: IntGaugeVec,
    logins: IntCounterVec,
    api_calls_used: IntGaugeVec,
    api_calls_max: IntGaugeVec,
    catching_up: Mutex<()>,
}

/// The metrics of one feed.
#[derive(Clone)]
pub struct FeedMetrics {
    feed: String,
    /// Events whose receipt has come.
    pub events: IntCounter,
    /// Bytes of their values.
    pub bytes: IntCounter,
    /// Batches whose receipt has come.
    pub batches: IntCounter,
    /// Seconds from the oldest event of a batch to its receipt.
    pub event_to_receipt: Histogram,
    /// 1 while events flow, or would.
    pub session_up: IntGauge,
    /// 1 while a person has paused the feed.
    pub paused: IntGauge,
    /// Receipts that failed.
    pub produce_errors: IntCounter,
    /// Gap and overflow change events that passed through.
    pub gap_events: IntCounter,
    /// Events from before the feed began that were not delivered.
    pub skipped: IntCounter,
    /// Channels whose saved position was refused by the server.
    pub repositioned: IntCounter,
    /// Events that came again after a refused position, known by their identity, and were not delivered.
    pub repeats_skipped: IntCounter,
    /// Events after a refused position that are older than what is remembered, and were delivered.
    pub repeats_possible: IntCounter,
    /// Channels whose replay ids began anew.
    pub resets: IntCounter,
    gaps: IntCounterVec,
    hours_to_loss: GaugeVec,
    reopens: IntCounterVec,
    stops: IntCounterVec,
    position_age: GaugeVec,
    channel_up: IntGaugeVec,
    channel_refusals: IntCounterVec,
}

impl Metrics {
    /// A registry with every metric in it.
    ///
    /// # Errors
    /// Two metrics have one name: a mistake of ours.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let feed = &["feed"];
        let buckets = prometheus::exponential_buckets(0.001, 2.0, 20)?;
        let latency = HistogramOpts::new(
            "crossfeed_event_to_receipt_seconds",
            "Seconds from the time of a batch's oldest event to its receipt",
        );
        let metrics = Self {
            events: counters(&registry, "events_total", "Events durable in the sink", feed)?,
            bytes: counters(&registry, "bytes_total", "Bytes of the values of those events", feed)?,
            batches: counters(&registry, "batches_total", "Batches durable in the sink", feed)?,
            event_to_receipt: registered(&registry, HistogramVec::new(latency.buckets(buckets), feed)?)?,
            session_up: registered(
                &registry,
                IntGaugeVec::new(opts("session_up", "1 while events flow, or would"), feed)?,
            )?,
            paused: registered(
                &registry,
                IntGaugeVec::new(opts("paused", "1 while a person has paused the feed"), feed)?,
            )?,
            reopens: counters(
                &registry,
                "reopens_total",
                "How often a feed opened again, by reason",
                &["feed", "reason"],
            )?,
            stops: counters(
                &registry,
                "stops_total",
                "How often a feed stopped for a person, by reason",
                &["feed", "reason"],
            )?,
            position_age: registered(
                &registry,
                GaugeVec::new(
                    opts("position_age_seconds", "Age of the event at the saved position"),
                    &["feed", "stream"],
                )?,
            )?,
            produce_errors: counters(
                &registry,
                "produce_errors_total",
                "Batches that a sink did not make durable",
                feed,
            )?,
            gap_events: counters(&registry, "gap_events_total", "Gap and overflow change events passed through", feed)?,
            skipped: counters(
                &registry,
                "skipped_events_total",
                "Events from before the feed began, not delivered",
                feed,
            )?,
            repositioned: counters(&registry, "repositioned_total", "Saved positions that the server refused", feed)?,
            channel_up: registered(
                &registry,
                IntGaugeVec::new(
                    opts("channel_up", "1 while a channel is subscribed, and exists as far as is known"),
                    &["feed", "stream"],
                )?,
            )?,
            channel_refusals: counters(
                &registry,
                "channel_refusals_total",
                "How often the org refused a channel",
                &["feed", "stream"],
            )?,
            gaps: counters(&registry, "gaps_total", "Gaps recorded, by cause", &["feed", "cause"])?,
            repeats_skipped: counters(
                &registry,
                "repeats_skipped_total",
                "Events that came again after a refused position, and were not delivered again",
                feed,
            )?,
            repeats_possible: counters(
                &registry,
                "repeats_possible_total",
                "Events after a refused position that are older than what is remembered, delivered perhaps again",
                feed,
            )?,
            resets: counters(&registry, "replay_ids_reset_total", "Channels whose replay ids began anew", feed)?,
            hours_to_loss: registered(
                &registry,
                GaugeVec::new(
                    opts("hours_to_loss", "Hours until events after the saved position are no longer retained"),
                    &["feed", "stream"],
                )?,
            )?,
            budget: registered(&registry, Gauge::with_opts(opts("budget_bytes", "Bytes of events on their way"))?)?,
            logged_in: registered(
                &registry,
                IntGaugeVec::new(opts("org_logged_in", "1 while the org has a token"), &["org"])?,
            )?,
            logins: counters(&registry, "org_logins_total", "Logins, by outcome", &["org", "outcome"])?,
            api_calls_used: registered(
                &registry,
                IntGaugeVec::new(opts("org_api_calls_used", "API calls of the org in the last 24 hours"), &["org"])?,
            )?,
            api_calls_max: registered(
                &registry,
                IntGaugeVec::new(opts("org_api_calls_max", "API calls that the org has in 24 hours"), &["org"])?,
            )?,
            catching_up: Mutex::default(),
            registry,
        };
        Ok(metrics)
    }

    /// The metrics of one feed.
    #[must_use]
    pub fn feed(&self, name: &str) -> FeedMetrics {
        let labels = &[name];
        for cause in Cause::ALL {
            // From zero on, so that the first one is an increase.
            self.gaps.with_label_values(&[name, cause.as_str()]);
        }
        FeedMetrics {
            feed: name.to_owned(),
            events: self.events.with_label_values(labels),
            bytes: self.bytes.with_label_values(labels),
            batches: self.batches.with_label_values(labels),
            event_to_receipt: self.event_to_receipt.with_label_values(labels),
            session_up: self.session_up.with_label_values(labels),
            paused: self.paused.with_label_values(labels),
            produce_errors: self.produce_errors.with_label_values(labels),
            gap_events: self.gap_events.with_label_values(labels),
            skipped: self.skipped.with_label_values(labels),
            repositioned: self.repositioned.with_label_values(labels),
            repeats_skipped: self.repeats_skipped.with_label_values(labels),
            repeats_possible: self.repeats_possible.with_label_values(labels),
            resets: self.resets.with_label_values(labels),
            gaps: self.gaps.clone(),
            hours_to_loss: self.hours_to_loss.clone(),
            reopens: self.reopens.clone(),
            stops: self.stops.clone(),
            position_age: self.position_age.clone(),
            channel_up: self.channel_up.clone(),
            channel_refusals: self.channel_refusals.clone(),
        }
    }

    /// Sets what the byte budget holds now.
    pub fn budget(&self, bytes: usize) {
        self.budget.set(bytes as f64);
    }

    /// Sets how an org stands.
    pub fn org(&self, name: &str, state: &OrgState) {
        // An org that nobody has asked yet is neither; one that is asked just now is what it was.
        if let Some(logged_in) = state.logged_in {
            self.logged_in.with_label_values(&[name]).set(i64::from(logged_in));
        }
        for (gauge, calls) in [(&self.api_calls_used, state.api_calls_used), (&self.api_calls_max, state.api_calls_max)]
        {
            if let Some(calls) = calls {
                gauge.with_label_values(&[name]).set(i64::try_from(calls).unwrap_or(i64::MAX));
            }
        }
        // Two readers at once must not count the same logins twice.
        let _alone = self.catching_up.lock().unwrap_or_else(PoisonError::into_inner);
        for (outcome, total) in [("granted", state.logins), ("failed", state.failed_logins)] {
            let counter = self.logins.with_label_values(&[name, outcome]);
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }

    /// Forgets a feed that is no more.
    pub fn forget_feed(&self, name: &str) {
        let counters = [
            &self.events,
            &self.bytes,
            &self.batches,
            &self.reopens,
            &self.stops,
            &self.produce_errors,
            &self.gap_events,
            &self.skipped,
            &self.repositioned,
            &self.gaps,
            &self.repeats_skipped,
            &self.repeats_possible,
            &self.resets,
        ];
        counters.iter().for_each(|counter| forget(counter, "feed", name));
        forget(&self.event_to_receipt, "feed", name);
        [&self.session_up, &self.paused].iter().for_each(|gauge| forget(gauge, "feed", name));
        self.forget_streams(name);
    }

    /// Forgets the streams of a feed: it may have others now.
    pub fn forget_streams(&self, feed: &str) {
        [&self.position_age, &self.hours_to_loss].iter().for_each(|gauge| forget(gauge, "feed", feed));
        forget(&self.channel_up, "feed", feed);
        forget(&self.channel_refusals, "feed", feed);
    }

    /// Forgets an org that is no more, or is counted anew.
    pub fn forget_org(&self, name: &str) {
        [&self.logged_in, &self.api_calls_used, &self.api_calls_max]
            .iter()
            .for_each(|gauge| forget(gauge, "org", name));
        forget(&self.logins, "org", name);
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// A metric cannot be written: a mistake of ours.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl FeedMetrics {
    /// The feed opens again.
    pub fn reopened(&self, reason: &str) {
        self.reopens.with_label_values(&[&*self.feed, reason]).inc();
    }

    /// The feed stopped until a person acts.
    pub fn stopped(&self, reason: &str) {
        self.stops.with_label_values(&[&*self.feed, reason]).inc();
    }

    /// How often it opened again, for whatever reason.
    #[must_use]
    pub fn reopens(&self) -> u64 {
        let families = self.reopens.collect();
        let metrics = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        let ours = metrics.filter(|metric| metric.get_label().iter().any(|label| label.value() == self.feed));
        ours.map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    /// Whether a channel is subscribed.
    pub fn channel_up(&self, stream: &str, up: bool) {
        self.channel_up.with_label_values(&[&*self.feed, stream]).set(i64::from(up));
    }

    /// The org refused a channel.
    pub fn channel_refused(&self, stream: &str) {
        self.channel_refusals.with_label_values(&[&*self.feed, stream]).inc();
    }

    /// The age of the event at a stream's saved position.
    pub fn position_age(&self, stream: &str, seconds: f64) {
        self.position_age.with_label_values(&[&*self.feed, stream]).set(seconds);
    }

    /// A gap was recorded.
    pub fn gap(&self, cause: &str) {
        self.gaps.with_label_values(&[&*self.feed, cause]).inc();
    }

    /// How long until events after a stream's saved position are gone.
    pub fn hours_to_loss(&self, stream: &str, hours: f64) {
        self.hours_to_loss.with_label_values(&[&*self.feed, stream]).set(hours);
    }
}

/// Seconds from one moment to another.
#[must_use]
pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1e3
}

/// Removes every series in which the label has this value.
fn forget<T: MetricVecBuilder>(series: &MetricVec<T>, label: &str, value: &str)
where
    MetricVec<T>: Collector,
{
    let families = series.collect();
    for metric in families.iter().flat_map(prometheus::proto::MetricFamily::get_metric) {
        let labels: HashMap<&str, &str> =
            metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
        if labels.get(label) == Some(&value) {
            // It was there a moment ago; were it gone, that is what is wanted.
            let _ = series.remove(&labels);
        }
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("crossfeed_{name}"), help)
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(opts(name, help), labels)?)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests;
