//! The reader: a topic from its beginning to its end, without a group. For verification, and for small state topics.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};

use crate::error::{classify, from_client, is_connection};
use crate::log::Log;
use crate::producer::blocking;
use crate::record::Copier;
use crate::topic::Probe;
use crate::{Cluster, Consumed, Error};

/// What a partition holds: offsets from `begin` to just before `end`, as read-committed readers see it. Markers of
/// transactions and compaction leave holes, so `end - begin` is only an upper bound for the number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionRange {
    /// The partition.
    pub partition: i32,
    /// The oldest offset that is kept.
    pub begin: i64,
    /// The offset after the last.
    pub end: i64,
}

/// Reads what a topic held when the reader was made: committed records of all partitions, in order within each.
pub struct Reader {
    client: StreamConsumer<Reading>,
    topic: String,
    ends: BTreeMap<i32, i64>,
    copier: Copier,
    limit: Duration,
}

impl Reader {
    /// Looks up the topic's partitions and where they end. Each later wait for a record is bounded by `limit` too.
    pub async fn new(cluster: &Cluster, topic: &str, limit: Duration) -> Result<Reader, Error> {
        let ranges = ranges(cluster, topic, limit).await?;
        let config = cluster.settings(CLIENT, DEFAULTS, FIXED)?;
        let reading = Reading(Log::new(CLIENT, &cluster.brokers));
        let client: StreamConsumer<Reading> = config.create_with_context(reading).map_err(|e| from_client(e, None))?;
        let filled: Vec<&PartitionRange> = ranges.iter().filter(|range| range.begin < range.end).collect();
        let mut from = TopicPartitionList::new();
        for range in &filled {
            from.add_partition_offset(topic, range.partition, Offset::Offset(range.begin))
                .map_err(|e| from_client(e, Some(topic)))?;
        }
        client.assign(&from).map_err(|e| from_client(e, Some(topic)))?;
        let ends = filled.iter().map(|range| (range.partition, range.end)).collect();
        Ok(Reader { client, topic: topic.to_owned(), ends, copier: Copier::default(), limit })
    }

    /// The next record, or `None` when every partition was read to its end. Cancel-safe. [`Error::TimedOut`] or
    /// [`Error::Unreachable`] when nothing comes within the limit; it may be called again.
    pub async fn next(&mut self) -> Result<Option<Consumed>, Error> {
        while !self.ends.is_empty() {
            let Ok(received) = tokio::time::timeout(self.limit, self.client.recv()).await else {
                return Err(self.nothing());
            };
            match received {
                Ok(message) => {
                    let Some(&end) = self.ends.get(&message.partition()) else { continue };
                    if message.offset() + 1 >= end {
                        self.ends.remove(&message.partition());
                    }
                    if message.offset() < end {
                        return Ok(Some(self.copier.copy(&message)));
                    }
                }
                // The last offsets may be markers of transactions, which are no records.
                Err(KafkaError::PartitionEOF(partition)) => {
                    self.ends.remove(&partition);
                }
                Err(KafkaError::MessageConsumption(code)) if is_connection(code) => {}
                Err(KafkaError::MessageConsumption(code)) => return Err(classify(code, Some(&self.topic))),
                Err(error) => return Err(from_client(error, Some(&self.topic))),
            }
        }
        Ok(None)
    }

    fn nothing(&self) -> Error {
        match self.client.context().0.unanswered() {
            Error::Unreachable { .. } if !self.client.context().0.is_down() => {
                Error::TimedOut { reason: format!("no record of {} within {} s", self.topic, self.limit.as_secs()) }
            }
            error => error,
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("topic", &self.topic).field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// Everything a topic holds now, sorted by partition and offset. For topics that fit into memory.
pub async fn read_all(cluster: &Cluster, topic: &str, limit: Duration) -> Result<Vec<Consumed>, Error> {
    let mut reader = Reader::new(cluster, topic, limit).await?;
    let mut records = Vec::new();
    while let Some(record) = reader.next().await? {
        records.push(record);
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

/// Where a topic's partitions begin and end now. [`Error::TopicMissing`] where there is no such topic.
pub async fn ranges(cluster: &Cluster, topic: &str, limit: Duration) -> Result<Vec<PartitionRange>, Error> {
    let (cluster, topic) = (cluster.clone(), topic.to_owned());
    blocking(move || {
        let probe = Probe::new(&cluster, CLIENT)?;
        let Some(partitions) = probe.partitions(&topic, limit)? else { return Err(Error::TopicMissing { topic }) };
        let range = |partition| {
            let (begin, end) = probe.ends(&topic, partition, limit)?;
            Ok(PartitionRange { partition, begin, end })
        };
        partitions.into_iter().map(range).collect()
    })
    .await
}

struct Reading(Log);

impl ClientContext for Reading {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ConsumerContext for Reading {}

const CLIENT: &str = "reader";

const DEFAULTS: &[(&str, &str)] = &[
    ("queued.max.messages.kbytes", "16384"),
    // A full queue is normal while reading a whole topic.
    ("fetch.queue.backoff.ms", "5"),
    // The end of a topic is reached when a fetch comes back empty: no need to wait half a second for one.
    ("fetch.wait.max.ms", "50"),
];

const FIXED: &[(&str, &str)] = &[
    // librdkafka wants one to assign partitions by hand. Nobody joins it and nothing is committed.
    ("group.id", CLIENT),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("isolation.level", "read_committed"),
    ("allow.auto.create.topics", "false"),
    ("enable.partition.eof", "true"),
    // Records that vanished while being read are an error of the reading, not a reason to start over.
    ("auto.offset.reset", "error"),
];
