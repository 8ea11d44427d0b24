//! The soak: a bridge that is disturbed without pause, both at the org and at Kafka, while events are made; and then
//! everything is compared.

mod blow;
mod chance;
mod report;
mod storm;

pub use report::Report;

use crate::pressure::{feed, reopens};
use crate::verify::{Keyed, Verdict, channel};
use crate::{Bridge, Error, Held, Kafka, Org, Proxy, Publish, surroundings, until};
use simulator::Options;
use std::path::Path;
use std::time::Duration;
use storm::Storm;
use tokio::time::Instant;

/// How long, and with which chances.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Seconds of disturbances.
    pub seconds: u64,
    /// The same seed is the same row of disturbances.
    pub seed: u64,
    /// How often Kafka is killed and started again.
    pub restarts: u64,
}

impl Order {
    /// Runs it. `folder` is for configuration, positions and log; `say` hears how it goes, a line at a time.
    ///
    /// # Errors
    /// Something cannot be started, ends by itself, or does not come to rest.
    pub async fn run(self, folder: &Path, say: impl Fn(&str)) -> Result<Report, Error> {
        let channels: Vec<String> = (1..=CHANNELS).map(|number| format!("/event/Soak_{number:02}__e")).collect();
        let options = Options { hold: HOLD, expiry: EXPIRY, channels: channels.clone(), ..Options::default() };
        let org = Org::within(options).await?;
        let to_org = Proxy::start(org.url().trim_start_matches("http://")).await?;
        let (mut kafka, to_kafka) = Kafka::behind_a_proxy().await?;
        let through = format!("http://{}", to_org.address());
        let mut config = format!("memory = \"{}MiB\"\n", MEMORY >> 20)
            + &surroundings(folder, &org, &to_kafka.address().to_string())?.replace(org.url(), &through);
        let mut rest = channels.as_slice();
        for (number, count) in FEEDS.into_iter().enumerate() {
            let (of_feed, after) = rest.split_at(count.min(rest.len()));
            let of_feed: Vec<&str> = of_feed.iter().map(String::as_str).collect();
            config += &feed(&format!("f{number}"), &of_feed, TOPIC);
            rest = after;
        }
        // What is retained is replayed at full speed first: from then on the bridge has had all that it ever needs.
        for channel in &channels {
            org.publish(&Publish::new(channel, BACKLOG)).await?;
        }
        let mut bridge = Bridge::start(folder, &config).await?;
        bridge.wait_for("every feed runs", START_LIMIT, crate::Status::all_run).await?;
        arrived(&org, &mut bridge, &channels).await?;
        let made = self.seconds * RATE;
        for channel in &channels {
            org.publish(&Publish { rate: Some(RATE as f64), ..Publish::new(channel, made) }).await?;
        }
        let storm = Storm { org: &org, to_org: &to_org, to_kafka: &to_kafka, order: self };
        let mut samples = Vec::new();
        let blows = tokio::select! {
            blows = storm.rage(&mut kafka) => blows?,
            error = sample(&bridge, &mut samples, &say) => return Err(error),
        };
        say("the disturbances have ended: waiting until everything is in Kafka");
        let begin = Instant::now();
        all_made(&org, &channels, BACKLOG + made).await?;
        arrived(&org, &mut bridge, &channels).await?;
        let drained = begin.elapsed();
        // A session that could not be told its end is forgotten by the org in its own time.
        tokio::time::sleep(EXPIRY + Duration::from_secs(2)).await;
        let sessions = org.stats().await?.sessions;
        samples.push(Held::by(bridge.pid())?);
        let reopens = reopens(&bridge.metrics().await?);
        bridge.stop().await?;
        let mut verdict = Verdict::default();
        for name in &channels {
            let topic = TOPIC.replace("{channel}", &name.trim_start_matches('/').replace('/', "."));
            let one = channel(&org, &kafka.cluster(), &topic, name, Keyed::Anyhow).await?;
            verdict = added(verdict, one);
        }
        Ok(Report { order: self, blows, verdict, reopens, sessions, feeds: FEEDS.len() as u64, drained, samples })
    }
}

async fn sample(bridge: &Bridge, samples: &mut Vec<Held>, say: &impl Fn(&str)) -> Error {
    let (begin, mut clock) = (Instant::now(), tokio::time::interval(SAMPLE));
    loop {
        clock.tick().await;
        match Held::by(bridge.pid()) {
            Ok(held) => {
                say(&format!("{:>5} s: {held}", begin.elapsed().as_secs()));
                samples.push(held);
            }
            Err(error) => return error,
        }
    }
}

async fn all_made(org: &Org, channels: &[String], made: u64) -> Result<(), Error> {
    let all = async || {
        let stats = org.stats().await?;
        Ok(channels.iter().all(|channel| stats.channel(channel).made >= made).then_some(()))
    };
    until("everything is made", DRAIN_LIMIT, all).await
}

async fn arrived(org: &Org, bridge: &mut Bridge, channels: &[String]) -> Result<(), Error> {
    for channel in channels {
        let newest = org.newest(channel).await?.unwrap_or_default().to_string();
        let there = |status: &crate::Status| {
            let mut at = status.feeds.iter().filter_map(|feed| feed.positions.get(channel));
            at.any(|at| at.position == newest)
        };
        bridge.wait_for(&format!("all of {channel} is durable"), DRAIN_LIMIT, there).await?;
    }
    Ok(())
}

fn added(one: Verdict, other: Verdict) -> Verdict {
    Verdict {
        made: one.made + other.made,
        arrived: one.arrived + other.arrived,
        lost: one.lost + other.lost,
        doubled: one.doubled + other.doubled,
        out_of_order: one.out_of_order + other.out_of_order,
        altered: one.altered + other.altered,
        unknown: one.unknown + other.unknown,
    }
}

const CHANNELS: usize = 20;
/// Channels of each feed.
const FEEDS: [usize; 8] = [1, 1, 1, 1, 2, 4, 5, 5];
const TOPIC: &str = "soak.{channel}";
/// Events on each channel before it begins.
const BACKLOG: u64 = 3_000;
/// Events a second, on each channel.
const RATE: u64 = 20;
const MEMORY: u64 = 8 << 20;
const HOLD: Duration = Duration::from_secs(3);
const EXPIRY: Duration = Duration::from_secs(10);
const SAMPLE: Duration = Duration::from_secs(5);
const START_LIMIT: Duration = Duration::from_secs(60);
/// The longest wait of a feed is 78 s, and a request that hangs in librdkafka has 60 s.
const DRAIN_LIMIT: Duration = Duration::from_secs(240);
