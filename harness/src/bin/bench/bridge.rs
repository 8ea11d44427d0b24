//! The bridge's legs: replaying what is retained, and doing nothing.

use crate::raw::PARTITIONS;
use crate::report::{Figures, Start};
use harness::verify::{Keyed, Verdict, channel};
use harness::{Bridge, Error, Kafka, Org, surroundings};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::interval;

/// Runs the bridge from its start until the last of `count` retained events has its receipt, and sees whether all arrived.
pub(crate) async fn replay(
    folder: &Path,
    org: &Org,
    kafka: &Kafka,
    stream: &str,
    count: u64,
) -> Result<(Figures, Verdict), Error> {
    let begin = Instant::now();
    let mut bridge = start(folder, org, kafka, stream).await?;
    delivered(&bridge, count).await?;
    let figures = Figures::since(&harness::Figures::default(), &bridge.figures()?, count, begin.elapsed());
    bridge.stop().await?;
    let topic = topic(stream);
    Ok((figures, channel(org, &kafka.cluster(), &topic, stream, Keyed::ByRecord).await?))
}

/// Starts the bridge with one retained event, and then leaves it alone.
pub(crate) async fn idle(folder: &Path, org: &Org, kafka: &Kafka, stream: &str) -> Result<Start, Error> {
    let begin = Instant::now();
    let mut bridge = start(folder, org, kafka, stream).await?;
    delivered(&bridge, 1).await?;
    let first_event_seconds = begin.elapsed().as_secs_f64();
    let idle_bytes = settled(&bridge).await?;
    bridge.stop().await?;
    Ok(Start { first_event_seconds, idle_bytes })
}

async fn start(folder: &Path, org: &Org, kafka: &Kafka, stream: &str) -> Result<Bridge, Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Io { what: folder.display().to_string(), source })?;
    let surroundings = surroundings(folder, org, kafka.bootstrap())?;
    let feed = format!(
        r#"
[feed.bench]
delivery = "at_least_once"

[feed.bench.from.salesforce]
org = "acme"
channels = ["{stream}"]
start = "earliest"

[feed.bench.to.kafka]
cluster = "main"
topic = "sf.{{channel}}"
key = "{{record_id}}"
create = {{ partitions = {PARTITIONS}, replication = 1 }}
"#
    );
    Bridge::start(folder, &format!("{surroundings}{feed}")).await
}

async fn delivered(bridge: &Bridge, count: u64) -> Result<(), Error> {
    let (begin, mut clock, mut before, mut moved) = (Instant::now(), interval(TICK), 0, Instant::now());
    loop {
        clock.tick().await;
        let status = bridge.status().await?;
        let events = status.feed("bench").map_or(0, |feed| feed.events);
        if events >= count {
            return Ok(());
        }
        if events > before {
            (before, moved) = (events, Instant::now());
        }
        if moved.elapsed() > STILL_LIMIT {
            let said = format!("\n{events} of {count} after {:?}\n{status:#?}", begin.elapsed());
            let what = format!("the bridge goes on; its log is {}", bridge.log().display());
            return Err(Error::Late { what, limit: STILL_LIMIT, said });
        }
    }
}

/// The memory that it holds once that has not changed for three seconds.
pub(crate) async fn settled(bridge: &Bridge) -> Result<u64, Error> {
    let (begin, mut clock) = (Instant::now(), interval(SETTLE_TICK));
    let (mut last, mut since) = (0, Instant::now());
    loop {
        clock.tick().await;
        let now = bridge.figures()?.resident;
        if now.abs_diff(last) > PAGES {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > SETTLED || begin.elapsed() > SETTLE_LIMIT {
            return Ok(now);
        }
    }
}

fn topic(stream: &str) -> String {
    format!("sf.{}", stream.trim_start_matches('/').replace('/', "."))
}

/// Often enough to time it, seldom enough not to be felt.
const TICK: Duration = Duration::from_millis(20);
const STILL_LIMIT: Duration = Duration::from_secs(60);
const SETTLE_TICK: Duration = Duration::from_millis(100);
const SETTLED: Duration = Duration::from_secs(3);
const SETTLE_LIMIT: Duration = Duration::from_secs(30);
/// Changes that are none.
const PAGES: u64 = 64 << 10;
