//! The figures, as a table and as JSON.

use crate::machine::Machine;
use crate::many::Many;
use crate::raw::PARTITIONS;
use harness::verify::Verdict;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) settings: Settings,
    pub(crate) raw: Figures,
    pub(crate) drain: Figures,
    pub(crate) bridge: Figures,
    pub(crate) verdict: Counts,
    pub(crate) start: Start,
    pub(crate) many: Many,
    pub(crate) aims: Vec<Aim>,
}

/// What one process did, and what that took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) events: u64,
    pub(crate) seconds: f64,
    pub(crate) events_per_second: f64,
    pub(crate) cpu_us_per_event: f64,
    pub(crate) peak_resident_bytes: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Settings {
    pub(crate) events: u64,
    pub(crate) event_bytes: usize,
    pub(crate) reply_bytes: usize,
    pub(crate) partitions: i32,
    pub(crate) memory: &'static str,
    pub(crate) delivery: &'static str,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Start {
    pub(crate) first_event_seconds: f64,
    pub(crate) idle_bytes: u64,
}

/// A verdict, for JSON.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Counts {
    made: u64,
    arrived: u64,
    lost: u64,
    doubled: u64,
    out_of_order: u64,
    altered: u64,
    is_whole: bool,
}

/// A figure beside what we aim at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Aim {
    what: &'static str,
    measured: f64,
    at_most: f64,
    met: bool,
}

pub(crate) struct Aims;

impl Report {
    /// Whether everything arrived, in order and unaltered: a bench that loses is none.
    pub(crate) fn is_whole(&self) -> bool {
        self.verdict.is_whole
    }
}

impl Figures {
    pub(crate) fn since(before: &harness::Figures, now: &harness::Figures, events: u64, time: Duration) -> Self {
        Self {
            events,
            seconds: time.as_secs_f64(),
            events_per_second: events as f64 / time.as_secs_f64(),
            cpu_us_per_event: (now.cpu_seconds - before.cpu_seconds) * 1e6 / events as f64,
            peak_resident_bytes: now.peak_resident,
        }
    }

    /// As the leg's process tells it.
    pub(crate) fn told(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As the bench hears it.
    pub(crate) fn heard(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

impl Settings {
    pub(crate) fn new(events: u64, reply_bytes: usize) -> Self {
        let (memory, delivery) = ("default", "at_least_once");
        Self { events, event_bytes: 1024, reply_bytes, partitions: PARTITIONS, memory, delivery }
    }
}

impl Aims {
    pub(crate) fn of(raw: &Figures, drain: &Figures, bridge: &Figures, start: &Start, many: &Many) -> Vec<Aim> {
        let aim = |what, measured, at_most| Aim { what, measured, at_most, met: measured <= at_most };
        let least = raw.cpu_us_per_event + drain.cpu_us_per_event;
        vec![
            aim("CPU of the bridge / (producer + reader)", bridge.cpu_us_per_event / least, 1.5),
            aim("seconds from start to the first event in Kafka", start.first_event_seconds, 1.5),
            aim("MB of memory when idle", megabytes(start.idle_bytes), 40.0),
            aim("MB of memory at most, replaying what is retained", megabytes(bridge.peak_resident_bytes), 200.0),
            aim("KB of memory a channel, of 1,000", many.bytes_a_channel() / 1e3, 20.0),
            aim("CPU an event with 1,000 channels / with 20", many.cpu_ratio(), 1.2),
        ]
    }
}

impl From<Verdict> for Counts {
    fn from(verdict: Verdict) -> Self {
        let Verdict { made, arrived, lost, doubled, out_of_order, altered, .. } = verdict;
        Self { made, arrived, lost, doubled, out_of_order, altered, is_whole: verdict.is_whole() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, cpu, memory_bytes, kafka, build, .. } = &self.machine;
        writeln!(f, "{cores} cores, {cpu}, {:.0} GB; Apache Kafka {kafka}; {build} build", *memory_bytes as f64 / 1e9)?;
        let Settings { event_bytes, partitions, delivery, .. } = self.settings;
        writeln!(f, "events of {event_bytes} bytes, {partitions} partitions, {delivery}; all on this machine\n")?;
        writeln!(f, "{:28}{:>10}{:>12}{:>16}{:>10}", "", "events", "events/s", "CPU µs/event", "peak MB")?;
        row(f, "bare producer", &self.raw)?;
        row(f, "bare reader", &self.drain)?;
        row(f, "bridge", &self.bridge)?;
        writeln!(f)?;
        for Aim { what, measured, at_most, met } in &self.aims {
            let word = if *met { "aim met" } else { "aim missed" };
            writeln!(f, "{what:50}{measured:8.2}   {word} (at most {at_most})")?;
        }
        let Counts { made, lost, doubled, out_of_order, altered, .. } = self.verdict;
        write!(f, "\nof {made}: {lost} lost, {doubled} doubled, {out_of_order} out of order, {altered} altered")
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, figures: &Figures) -> fmt::Result {
    let Figures { events, events_per_second, cpu_us_per_event, peak_resident_bytes, .. } = figures;
    let peak = megabytes(*peak_resident_bytes);
    writeln!(f, "{name:28}{events:>10}{events_per_second:>12.0}{cpu_us_per_event:>16.2}{peak:>10.1}")
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
