//! From Kafka: topics of a cluster, as a member of a consumer group.
//!
//! Offsets are committed by hand, after the sink's receipt. While too much is on its way the consumer is paused and goes
//! on polling, so that it stays a member of its group.

use crate::config;
use crate::decide;
use crate::feed::{
    Batch, Budget, Event, Origin, Pace, Place, Positions, Reading, Reason, Source, Status, Stop, Stream,
};
use async_trait::async_trait;
use bayeux::Room as _;
use bytes::Bytes;
use kafka::{Consumed, Consumer, Offset, Start};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Topics as a source.
pub(super) struct Kafka {
    feed: String,
    from: config::KafkaSource,
    cluster: kafka::Cluster,
    budget: Budget,
    status: Arc<Status>,
}

impl Kafka {
    pub(super) fn new(
        feed: &str,
        from: &config::KafkaSource,
        cluster: kafka::Cluster,
        budget: Budget,
        status: Arc<Status>,
    ) -> Self {
        Self { feed: feed.to_owned(), from: from.clone(), cluster, budget, status }
    }
}

#[async_trait]
impl Source for Kafka {
    async fn open(&mut self, _cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
        let start = if self.from.latest { Start::Latest } else { Start::Earliest };
        let client_id = format!("crossfeed.{}", self.feed);
        let consumer = Consumer::new(&self.cluster, &client_id, &self.from.group, &self.from.topics, start)
            .map_err(|error| decide::kafka(&error))?;
        consumer.cluster_id(OPEN_LIMIT).await.map_err(|error| decide::kafka(&error))?;
        self.status.running();
        let (budget, room) = (self.budget.clone(), self.budget.changes());
        let feed = self.feed.clone();
        Ok(Box::new(Membership {
            feed,
            consumer: Some(consumer),
            budget,
            room,
            on_their_way: HashMap::new(),
            paused: false,
            leaving: None,
        }))
    }
}

/// An open membership.
struct Membership {
    feed: String,
    budget: Budget,
    room: watch::Receiver<bool>,
    /// Absent once it is closed.
    consumer: Option<Consumer>,
    /// Per partition: the offset after the last record handed on, and the last one saved.
    on_their_way: HashMap<(Arc<str>, i32), (i64, i64)>,
    paused: bool,
    /// Until when partitions that are asked back wait for what is on its way.
    leaving: Option<Instant>,
}

#[async_trait]
impl Reading for Membership {
    async fn next(&mut self) -> Result<Batch, Stop> {
        loop {
            let crowded = self.records_on_their_way() >= MOST_RECORDS || !*self.room.borrow_and_update();
            let consumer = self.consumer.as_mut().ok_or_else(closed)?;
            if crowded != self.paused {
                let told = if crowded { consumer.pause() } else { consumer.resume() };
                told.map_err(|error| decide::kafka(&error))?;
                self.paused = crowded;
            }
            // Partitions that are asked back are ours until the next poll: what is on its way is finished first. What is
            // saved meanwhile ends this call, and the next one looks again.
            if let Some(until) = self.leaving {
                if self.on_their_way.values().any(|(handed, saved)| handed > saved) {
                    tokio::time::sleep_until(until).await;
                }
                self.leaving = None;
            }
            let records = tokio::select! {
                biased;
                Ok(()) = self.room.changed() => continue,
                records = consumer.poll(BATCH_RECORDS) => records.map_err(|error| source_stop(&error))?,
            };
            for change in consumer.take_changes() {
                match change {
                    kafka::Change::Gap { detail } => tracing::error!(
                        feed = self.feed,
                        "records are gone that were not read yet: {detail}; lengthen the topic's retention"
                    ),
                    kafka::Change::Lost(partitions) => {
                        let text = format!("the consumer group went on without this member: {partitions:?}");
                        return Err(Stop::transient(Reason::Kafka, text, Pace::at_once(1, 60)));
                    }
                    kafka::Change::Revoked(partitions) if !partitions.is_empty() => {
                        tracing::info!(feed = self.feed, ?partitions, "partitions are asked back");
                        self.leaving = Some(Instant::now() + LEAVE_LIMIT);
                    }
                    change => tracing::info!(feed = self.feed, ?change, "the group's assignment changed"),
                }
            }
            if !records.is_empty() {
                return Ok(self.batch(records));
            }
        }
    }

    async fn save(&mut self, positions: &Positions) -> Result<(), Stop> {
        let mut offsets = Vec::new();
        for (stream, place) in positions.iter() {
            if let (Stream::Partition(topic, partition), Place::Next(next)) = (stream, place) {
                offsets.push(Offset { topic: topic.clone(), partition: *partition, next: *next });
                if let Some((_, saved)) = self.on_their_way.get_mut(&(topic.clone(), *partition)) {
                    *saved = *next;
                }
            }
        }
        let consumer = self.consumer.as_ref().ok_or_else(closed)?;
        match consumer.commit(&offsets).await {
            // Another member has them now and delivers them again: at least once.
            Err(error @ kafka::Error::Evicted { .. }) => {
                tracing::warn!(%error, "offsets of partitions that moved away were not committed");
                Ok(())
            }
            done => done.map_err(|error| decide::kafka(&error)),
        }
    }

    async fn close(&mut self) {
        if let Some(consumer) = self.consumer.take()
            && tokio::time::timeout(CLOSE_LIMIT, consumer.close()).await.is_err()
        {
            tracing::warn!("leaving the consumer group took too long");
        }
    }
}

impl Membership {
    fn batch(&mut self, records: Vec<Consumed>) -> Batch {
        let mut positions = Positions::default();
        let mut events = Vec::with_capacity(records.len());
        for record in records {
            let Consumed { topic, partition, offset, value, time_ms, .. } = record;
            let known = self.on_their_way.entry((topic.clone(), partition)).or_insert((offset, offset));
            if known.0 != offset {
                // The first record after a rebalance, or after a hole that compaction left.
                known.1 = known.1.max(known.1 + offset - known.0);
            }
            known.0 = offset + 1;
            positions.set(Stream::Partition(topic.clone(), partition), Place::Next(offset + 1));
            let origin = Origin::Kafka { partition, offset };
            // A tombstone has no value; a sink that cannot write one says so.
            events.push(Event { stream: topic, value: value.unwrap_or_else(Bytes::new), time_ms, origin });
        }
        let mut charge = self.budget.open();
        charge.grow(events.iter().map(|event| event.value.len()).sum());
        Batch { events, positions, charge: Some(charge) }
    }

    fn records_on_their_way(&self) -> i64 {
        self.on_their_way.values().map(|(handed, saved)| handed - saved).sum()
    }
}

/// A topic that is missing here is not ours to create.
fn source_stop(error: &kafka::Error) -> Stop {
    match error {
        kafka::Error::TopicMissing { .. } => Stop::fatal(
            Reason::Topic,
            error,
            "create the topic, or mend `topics` of the feed's `from.kafka`; then restart",
        ),
        _ => decide::kafka(error),
    }
}

fn closed() -> Stop {
    Stop::transient(Reason::Kafka, "the consumer is closed", Pace::at_once(1, 60))
}

/// One poll is one call to Salesforce at most: sObject collections take 200 records.
const BATCH_RECORDS: usize = 200;
/// With more records than this on their way nothing further is read.
const MOST_RECORDS: i64 = 2_000;
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// The whole group waits meanwhile.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
