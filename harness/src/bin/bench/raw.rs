//! The bare producer: the same payloads, keys, headers and settings, in batches of the size of one reply.

use crate::report::Figures;
use harness::Error;
use kafka::{Cluster, Creation, Producer, Record, Sent, Topic};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    channel: String,
    #[arg(long)]
    count: u64,
    /// A reply of the simulator: its events are produced again and again
    #[arg(long)]
    reply: PathBuf,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Figures, Error> {
    let body = std::fs::read(&arguments.reply)
        .map_err(|source| Error::Io { what: arguments.reply.display().to_string(), source })?;
    let events = events(&body)?;
    let cluster = Cluster { brokers: arguments.brokers.clone(), ..Cluster::default() };
    let producer = Producer::new(&cluster, "crossfeed.raw", QUEUE_BYTES)?;
    let create = Some(Creation { partitions: PARTITIONS, replication: 1 });
    producer.ensure_topic(&Topic { name: TOPIC.to_owned(), create }, LIMIT).await?;
    let org = simulator::Options::default().org_id;
    let (before, begin) = (harness::figures(0)?, Instant::now());
    let (mut sent, mut receipts) = (0, VecDeque::new());
    while sent < arguments.count {
        // Well below the queue's bound: a full queue is asked again after each single report.
        if receipts.len() == MOST_BATCHES
            && let Some(oldest) = receipts.pop_front()
        {
            oldest.await?;
        }
        let mut batch = producer.batch();
        for event in events.iter().take(usize::try_from(arguments.count - sent).unwrap_or(usize::MAX)) {
            // Those that the bridge writes of a change event.
            let headers: [(&str, &[u8]); 3] = [
                ("sf.channel", arguments.channel.as_bytes()),
                ("sf.org_id", org.as_bytes()),
                ("sf.replay_id", event.replay_id.as_bytes()),
            ];
            let record = Record {
                topic: TOPIC,
                partition: None,
                key: Some(event.record_id.as_bytes()),
                value: event.data.as_bytes(),
                time_ms: Some(event.time_ms),
                headers: &headers,
            };
            while batch.send(&record)? == Sent::Full {
                batch.room().await?;
            }
            sent += 1;
        }
        receipts.push_back(batch.finish());
    }
    for receipt in receipts {
        receipt.await?;
    }
    Ok(Figures::since(&before, &harness::figures(0)?, sent, begin.elapsed()))
}

struct Event<'a> {
    data: &'a str,
    replay_id: String,
    record_id: String,
    time_ms: i64,
}

/// The events of a reply; the meta message behind them is none.
fn events(body: &[u8]) -> Result<Vec<Event<'_>>, Error> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }
    let malformed = |reason: String| Error::Malformed { call: "connect".to_owned(), reason };
    let messages: Vec<Message<'_>> = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let event = |data: &'_ RawValue| -> Option<(String, String, i64)> {
        let event: serde_json::Value = serde_json::from_str(data.get()).ok()?;
        let header = event.pointer("/payload/ChangeEventHeader")?;
        let record_id = header.pointer("/recordIds/0")?.as_str()?.to_owned();
        Some((event.pointer("/event/replayId")?.to_string(), record_id, header.get("commitTimestamp")?.as_i64()?))
    };
    let events: Option<Vec<Event<'_>>> = messages
        .iter()
        .filter_map(|message| message.data)
        .map(|data| {
            let (replay_id, record_id, time_ms) = event(data)?;
            Some(Event { data: data.get(), replay_id, record_id, time_ms })
        })
        .collect();
    events.filter(|events| !events.is_empty()).ok_or_else(|| malformed("it has no change events".to_owned()))
}

/// As the bridge's topics are created here.
pub(crate) const PARTITIONS: i32 = 3;
const TOPIC: &str = "raw";
/// The bridge's default.
const QUEUE_BYTES: usize = 128 << 20;
/// Some 64 MiB.
const MOST_BATCHES: usize = 16;
const LIMIT: Duration = Duration::from_secs(30);
