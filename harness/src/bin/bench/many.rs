//! A thousand channels in one process, twenty feeds of fifty, beside twenty feeds of one.

use crate::bridge::settled;
use harness::pressure::feed;
use harness::{Bridge, Error, Kafka, Org, Publish, surroundings, until};
use serde::Serialize;
use simulator::Options;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// What either takes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Many {
    few: Taken,
    many: Taken,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Taken {
    channels: usize,
    idle_bytes: u64,
    cpu_us_per_event: f64,
}

/// With a broker of its own.
pub(crate) async fn alone() -> Result<Many, Error> {
    let folder = tempfile::tempdir().map_err(|source| Error::Io { what: "no temporary folder".to_owned(), source })?;
    run(folder.path(), &Kafka::start().await?).await
}

/// Measures both in turn, a few times, and takes the least: memory differs by megabytes from start to start, and a machine
/// is never quite idle.
pub(crate) async fn run(folder: &Path, kafka: &Kafka) -> Result<Many, Error> {
    let (mut few, mut many) = (Taken::MOST, Taken::MOST);
    for round in 0..ROUNDS {
        let folder = folder.join(round.to_string());
        few = few.or_less(taken(&folder, kafka, 1).await?);
        many = many.or_less(taken(&folder, kafka, 50).await?);
    }
    Ok(Many { few, many })
}

/// Either gets as many events, in portions as large, so that only the number of channels differs.
async fn taken(folder: &Path, kafka: &Kafka, channels_a_feed: usize) -> Result<Taken, Error> {
    let channels: Vec<String> =
        (0..FEEDS * channels_a_feed).map(|number| format!("/event/Many_{number:04}__e")).collect();
    let org = Org::within(Options { channels: channels.clone(), ..Options::default() }).await?;
    let folder = folder.join(channels.len().to_string());
    std::fs::create_dir_all(&folder).map_err(|source| Error::Io { what: folder.display().to_string(), source })?;
    let mut config = surroundings(&folder, &org, kafka.bootstrap())?;
    for (number, channels) in channels.chunks(channels_a_feed).enumerate() {
        let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
        config += &feed(&format!("f{number}"), &channels, "many");
    }
    let mut bridge = Bridge::start(&folder, &config).await?;
    let held = async || Ok((org.stats().await?.sessions.held == FEEDS as u64).then_some(()));
    until("every feed has a connect held", LIMIT, held).await?;
    // One event each: everything that a channel needs is there.
    for channel in &channels {
        org.publish(&Publish::new(channel, 1)).await?;
    }
    delivered(&mut bridge, channels.len()).await?;
    let idle_bytes = settled(&bridge).await?;
    let before = bridge.figures()?.cpu_seconds;
    for portion in 0..PORTIONS {
        let channel = channels.get(portion % channels.len()).map_or("", String::as_str);
        org.publish(&Publish::new(channel, PORTION)).await?;
    }
    let events = PORTIONS * PORTION as usize;
    delivered(&mut bridge, channels.len() + events).await?;
    let cpu_us_per_event = (bridge.figures()?.cpu_seconds - before) * 1e6 / events as f64;
    bridge.stop().await?;
    Ok(Taken { channels: channels.len(), idle_bytes, cpu_us_per_event })
}

async fn delivered(bridge: &mut Bridge, count: usize) -> Result<(), Error> {
    let all = |it: &harness::Status| it.feeds.iter().map(|feed| feed.events).sum::<u64>() >= count as u64;
    bridge.wait_for("all are in Kafka", LIMIT, all).await.map(drop)
}

impl Taken {
    const MOST: Self = Self { channels: 0, idle_bytes: u64::MAX, cpu_us_per_event: f64::INFINITY };

    fn or_less(self, other: Self) -> Self {
        Self {
            channels: other.channels,
            idle_bytes: self.idle_bytes.min(other.idle_bytes),
            cpu_us_per_event: self.cpu_us_per_event.min(other.cpu_us_per_event),
        }
    }
}

impl Many {
    /// What each channel beyond the first ones takes.
    pub(crate) fn bytes_a_channel(&self) -> f64 {
        let more = (self.many.channels - self.few.channels).max(1);
        (self.many.idle_bytes as f64 - self.few.idle_bytes as f64) / more as f64
    }

    pub(crate) fn cpu_ratio(&self) -> f64 {
        self.many.cpu_us_per_event / self.few.cpu_us_per_event
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Taken { channels, idle_bytes, cpu_us_per_event } in [self.few, self.many] {
            let idle = idle_bytes as f64 / 1e6;
            writeln!(
                f,
                "{FEEDS} feeds, {channels} channels: {idle:.1} MB idle, {cpu_us_per_event:.2} µs CPU an event"
            )?;
        }
        let (bytes, ratio) = (self.bytes_a_channel() / 1e3, self.cpu_ratio());
        write!(f, "{bytes:.1} KB a channel, {ratio:.2} times the CPU an event")
    }
}

const ROUNDS: usize = 3;
const FEEDS: usize = 20;
/// Every channel of either gets as many portions.
const PORTIONS: usize = 3_000;
const PORTION: u64 = 100;
const LIMIT: Duration = Duration::from_secs(120);
