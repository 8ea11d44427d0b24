//! What happens: traffic both ways, a kill half way, and a count.

use crate::Arguments;
use crate::progress::{Progress, Seen};
use crate::shipments;
use crate::stage::{BACK, CHANNELS, LIMIT, OUTWARD, Stage};
use harness::verify::{Keyed, Verdict, channel, way_back};
use harness::{Bridge, Error, Kafka, Org, Publish, Status};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Runs the show; the verdict of each channel, and of the way back.
pub(crate) async fn run(
    stage: &mut Stage,
    arguments: &Arguments,
    progress: &mut Progress,
) -> Result<(Vec<(&'static str, Verdict)>, Verdict), Error> {
    for ((name, _), count) in CHANNELS.iter().zip(shares(arguments.events)) {
        let rate = Some(count as f64 / TRAFFIC.as_secs_f64());
        stage.org.publish(&Publish { rate, ..Publish::new(name, count) }).await?;
    }
    let Stage { bridge, org, producer, kafka } = stage;
    let ((), before) = tokio::try_join!(
        shipments::produce(producer, arguments.records, TRAFFIC),
        watch(bridge, org, kafka, arguments, progress)
    )?;
    settle(stage, &before).await?;
    stage.bridge.stop().await?;
    progress.note("Everything was delivered and crossfeed has stopped; now comparing every record …");
    let cluster = stage.kafka.cluster();
    let mut outward = Vec::new();
    for (name, topic) in CHANNELS {
        outward.push((name, channel(&stage.org, &cluster, topic, name, Keyed::ByRecord).await?));
    }
    let back = way_back(&stage.org, shipments::OBJECT, shipments::sent(arguments.records)).await?;
    Ok((outward, back))
}

/// Follows the traffic until as much has arrived as was made, and kills the bridge when that is half done. Returns how
/// the bridge stood before.
async fn watch(
    bridge: &mut Bridge,
    org: &Org,
    kafka: &Kafka,
    arguments: &Arguments,
    progress: &mut Progress,
) -> Result<Status, Error> {
    let (begin, mut clock) = (Instant::now(), interval(TICK));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        clock.tick().await;
        let seen = look(org, kafka).await?;
        progress.show(seen);
        if before.is_none() && seen.arrived >= arguments.events / 2 {
            before = Some(bridge.status().await?);
            bridge.kill()?;
            progress.note(&format!("{} events have arrived: crossfeed is killed with SIGKILL …", seen.arrived));
            bridge.start_again().await?;
            progress.note("… and started again; Kafka waits 10 s for the killed consumer, and so does the way back");
        }
        let status = bridge.status().await?;
        let all = seen.made == arguments.events
            && seen.arrived >= arguments.events
            && seen.back >= u64::from(arguments.records);
        if let Some(before) = before.take_if(|_| all) {
            return Ok(before);
        }
        if begin.elapsed() > WATCH_LIMIT || is_stuck(&status) {
            let said = format!("\n{seen:?}\n{status:#?}\nthe log: {}", bridge.log().display());
            return Err(Error::Late { what: "as much arrives as was made".to_owned(), limit: WATCH_LIMIT, said });
        }
    }
}

/// What there is on each side.
async fn look(org: &Org, kafka: &Kafka) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    for (_, topic) in CHANNELS {
        let ranges = kafka::ranges(&kafka.cluster(), topic, LIMIT).await?;
        seen.arrived += ranges.iter().map(|range| (range.end - range.begin).unsigned_abs()).sum::<u64>();
    }
    // Last, so that nothing seems to arrive before it was made.
    let stats = org.stats().await?;
    seen.made = CHANNELS.iter().map(|(name, _)| stats.channel(name).made).sum();
    seen.back = stats.channel("/event/Shipment__e").made;
    Ok(seen)
}

/// Waits until the bridge says that the last of everything is durable: doubled records may have made the count full early.
async fn settle(stage: &mut Stage, before: &Status) -> Result<(), Error> {
    let mut places = Vec::new();
    for (name, _) in CHANNELS {
        if let Some(newest) = stage.org.newest(name).await? {
            places.push((OUTWARD, name.to_owned(), newest.to_string()));
        }
    }
    for range in kafka::ranges(&stage.kafka.cluster(), shipments::TOPIC, LIMIT).await? {
        if range.end > range.begin {
            places.push((BACK, format!("{}/{}", shipments::TOPIC, range.partition), range.end.to_string()));
        }
    }
    // Of a stream that was done before the kill, nothing is told after it.
    let is_done = |status: &Status| {
        let is_at = |status: &Status, (feed, stream, place): &(&str, String, String)| status.is_at(feed, stream, place);
        places.iter().all(|place| is_at(status, place) || is_at(before, place))
    };
    stage.bridge.wait_for("the last event of every stream is durable", LIMIT, is_done).await.map(drop)
}

fn is_stuck(status: &Status) -> bool {
    status.feeds.iter().any(|feed| feed.state == "stopped")
}

fn shares(events: u64) -> [u64; 2] {
    [events - events / 2, events / 2]
}

/// How long the traffic lasts.
const TRAFFIC: Duration = Duration::from_secs(13);
const TICK: Duration = Duration::from_millis(200);
const WATCH_LIMIT: Duration = Duration::from_secs(90);
