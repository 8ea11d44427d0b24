//! Back-pressure: twenty feeds that replay without end into a Kafka which takes little.

mod held;
mod quota;

pub use held::Held;
pub use quota::slow_down;

use crate::verify::{Keyed, channel};
use crate::{Bridge, Error, Kafka, Org, Publish, surroundings};
use simulator::Options;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// How hard, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Pressure {
    /// Seconds in all.
    pub seconds: u64,
    /// From this second on memory is flat.
    pub flat_from: u64,
    /// What Kafka takes, of all feeds together.
    pub bytes_per_second: u64,
    /// The bridge's byte budget in MiB.
    pub memory_mib: u64,
    /// How much memory may still grow, in hundredths.
    pub flat_within: u64,
}

/// What the bridge did under it.
#[derive(Debug, Clone)]
pub struct Squeezed {
    order: Pressure,
    /// Each second.
    pub held: Vec<Held>,
    /// Events that the org sent.
    pub sent: u64,
    /// Events whose receipt has come.
    pub durable: u64,
    /// How often feeds opened again, by reason.
    pub reopens: BTreeMap<String, u64>,
    /// Records that are there more than once.
    pub doubled: u64,
    /// Records out of order.
    pub out_of_order: u64,
}

impl Pressure {
    /// Puts a bridge under it. `folder` is for configuration, positions and log.
    ///
    /// # Errors
    /// Something cannot be started, or ends by itself.
    pub async fn squeeze(self, folder: &Path, kafka: &Kafka) -> Result<Squeezed, Error> {
        let channels: Vec<String> = (1..=FEEDS).map(|number| format!("/event/Squeeze_{number:02}__e")).collect();
        let org = Org::within(Options { channels: channels.clone(), ..Options::default() }).await?;
        // More than Kafka takes in the time, whoever's turn it is.
        let count = (self.bytes_per_second * self.seconds / EVENT_BYTES / FEEDS * 2) + 10_000;
        for channel in &channels {
            org.publish(&Publish { bytes: EVENT_BYTES as usize, ..Publish::new(channel, count) }).await?;
        }
        slow_down(kafka.bootstrap(), Some(self.bytes_per_second)).await?;
        let mut config =
            format!("memory = \"{}MiB\"\n", self.memory_mib) + &surroundings(folder, &org, kafka.bootstrap())?;
        // A quota counts bytes as they are written.
        config += "librdkafka = { \"compression.codec\" = \"none\" }\n";
        for channel in &channels {
            config += &feed(channel.rsplit('/').next().unwrap_or_default(), &[channel], TOPIC);
        }
        let mut bridge = Bridge::start(folder, &config).await?;
        let (mut held, mut clock) = (Vec::new(), tokio::time::interval(Duration::from_secs(1)));
        for _ in 0..self.seconds {
            clock.tick().await;
            held.push(Held::by(bridge.pid())?);
        }
        let durable = bridge.status().await?.feeds.iter().map(|feed| feed.events).sum();
        let reopens = reopens(&bridge.metrics().await?);
        let stats = org.stats().await?;
        let sent = channels.iter().map(|channel| stats.channel(channel).delivered).sum();
        slow_down(kafka.bootstrap(), None).await?;
        bridge.stop().await?;
        let (mut doubled, mut out_of_order) = (0, 0);
        for name in &channels {
            let topic = TOPIC.replace("{channel}", &name.trim_start_matches('/').replace('/', "."));
            let verdict = channel(&org, &kafka.cluster(), &topic, name, Keyed::Anyhow).await?;
            doubled += verdict.doubled;
            out_of_order += verdict.out_of_order + verdict.altered + verdict.unknown;
        }
        Ok(Squeezed { order: self, held, sent, durable, reopens, doubled, out_of_order })
    }
}

impl Squeezed {
    /// What should not have been; nothing where all is well.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut expect = |holds: bool, what: String| {
            if !holds {
                found.push(what);
            }
        };
        let (begin, end) = self.flat();
        let growth = end.resident as f64 / begin.resident.max(1) as f64;
        expect(growth <= 1.0 + self.order.flat_within as f64 / 100.0, format!("memory grew from {begin} to {end}"));
        let most = (self.order.memory_mib << 20) + BESIDE;
        expect(self.peak() <= most, format!("{} bytes at most, of {most}", self.peak()));
        expect(self.sent <= self.most_sent(), format!("{} events sent, of {}", self.sent, self.most_sent()));
        expect(self.doubled == 0, format!("{} doubled", self.doubled));
        expect(self.out_of_order == 0, format!("{} out of order", self.out_of_order));
        let others: Vec<&String> = self.reopens.keys().filter(|reason| *reason != "no_room").collect();
        expect(others.is_empty(), format!("opened again for other reasons: {others:?}"));
        found
    }

    /// The mean of the first and of the last third of the time in which it should be flat.
    #[must_use]
    pub fn flat(&self) -> (Held, Held) {
        let from = usize::try_from(self.order.flat_from).unwrap_or_default();
        let flat = self.held.get(from..).unwrap_or_default();
        let third = flat.len() / 3;
        let (begin, end) = (flat.get(..third), flat.get(flat.len() - third..));
        (Held::mean(begin.unwrap_or_default()), Held::mean(end.unwrap_or_default()))
    }

    /// Most bytes of memory that it held.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.held.iter().map(|held| held.resident).max().unwrap_or_default()
    }

    /// What is durable, what is on its way (the budget, and a reply more), and for each session that was closed on purpose
    /// the answer to its goodbye, which brings events, too.
    fn most_sent(&self) -> u64 {
        let closed = self.reopens.get("no_room").copied().unwrap_or_default();
        let replies = (closed + FEEDS) * Options::default().reply_bytes as u64;
        self.durable + ((self.order.memory_mib << 20) + replies) / EVENT_BYTES
    }
}

impl fmt::Display for Squeezed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pressure { seconds, flat_from, bytes_per_second, memory_mib, .. } = self.order;
        writeln!(f, "{FEEDS} feeds for {seconds} s, Kafka takes {bytes_per_second} bytes/s, budget {memory_mib} MiB")?;
        for (second, held) in self.held.iter().enumerate().step_by(10) {
            writeln!(f, "  {second:>4} s: {held}")?;
        }
        let (begin, end) = self.flat();
        writeln!(
            f,
            "from second {flat_from} on: {begin}; at the end: {end}; at most {:.1} MB",
            self.peak() as f64 / 1e6
        )?;
        let Self { sent, durable, reopens, doubled, out_of_order, .. } = self;
        write!(
            f,
            "sent {sent}, durable {durable}, doubled {doubled}, out of order {out_of_order}, reopened {reopens:?}"
        )
    }
}

/// A feed from channels, all that they retain, to topics that it creates.
#[must_use]
pub fn feed(name: &str, channels: &[&str], topic: &str) -> String {
    format!(
        r#"
[feed.{name}]
delivery = "at_least_once"
[feed.{name}.from.salesforce]
org = "acme"
channels = {channels:?}
start = "earliest"
[feed.{name}.to.kafka]
cluster = "main"
topic = "{topic}"
create = {{ partitions = 1, replication = 1 }}
"#
    )
}

/// How often feeds opened again, by reason, all together.
#[must_use]
pub fn reopens(metrics: &str) -> BTreeMap<String, u64> {
    let mut reopens = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("crossfeed_reopens_total{")) {
        let reason = line.split("reason=\"").nth(1).and_then(|rest| rest.split('"').next());
        let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
        if let (Some(reason), Some(count)) = (reason, count.filter(|count| *count > 0.0)) {
            *reopens.entry(reason.to_owned()).or_default() += count as u64;
        }
    }
    reopens
}

const FEEDS: u64 = 20;
const TOPIC: &str = "squeeze.{channel}";
const EVENT_BYTES: u64 = 1024;
/// What a bridge may take beside its budget.
const BESIDE: u64 = 100 << 20;
