//! To Kafka: one record an event, or one for each record id of a merged change event, all in one receipt.

use crate::config::{self, Creation, Facts, Template};
use crate::decide;
use crate::feed::{Event, Origin, Pace, Reason, Receipt, Sink, Status, Stop, Writing};
use crate::shared::Shared;
use ::kafka::{Batch, Cluster, Producer, Record, Sent, Topic};
use async_trait::async_trait;
use salesforce::Data;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Topics as a sink.
pub(super) struct Kafka {
    feed: String,
    to: config::KafkaSink,
    cluster: Cluster,
    queue_bytes: usize,
    /// The channels of the source, without filters: topics that follow from them are seen to before anything is read.
    channels: Vec<String>,
    org: Option<salesforce::Org>,
    status: Arc<Status>,
}

impl Kafka {
    pub(super) fn new(
        feed: &config::Feed,
        to: &config::KafkaSink,
        cluster: Cluster,
        shared: &Shared,
        status: Arc<Status>,
    ) -> Self {
        let org = match &feed.from {
            config::From::Salesforce(from) => shared.orgs.get(&from.org).map(|org| org.gate.clone()),
            config::From::Bayeux(_) | config::From::Kafka(_) => None,
        };
        let channels = feed.from.channels().into_iter().map(str::to_owned).collect();
        // Not what is waited for: room is the budget's business. Only a merged change event, which becomes a record for
        // each of its ids, takes more here than it is charged for.
        let queue_bytes = shared.memory.saturating_add(shared.reply_limit);
        Self { feed: feed.name.clone(), to: to.clone(), cluster, queue_bytes, channels, org, status }
    }
}

#[async_trait]
impl Sink for Kafka {
    async fn open(&mut self) -> Result<Box<dyn Writing>, Stop> {
        let client_id = format!("crossfeed.{}", self.feed);
        let producer =
            Producer::new(&self.cluster, &client_id, self.queue_bytes).map_err(|error| decide::kafka(&error))?;
        let cluster = producer.cluster_id(OPEN_LIMIT).await.map_err(|error| decide::kafka(&error))?;
        let org = match &self.org {
            Some(org) => org.token().await.map_err(|error| decide::salesforce(&error))?.org_id.to_string(),
            None => String::new(),
        };
        let mut topics = Topics {
            producer: Some(producer),
            cluster,
            feed: self.feed.clone(),
            org,
            topic: self.to.topic.clone(),
            key: self.to.key.clone(),
            gaps: self.to.gaps.clone(),
            create: self.to.create,
            known: HashMap::new(),
            status: self.status.clone(),
        };
        // A gap that cannot be told would hold up the feed on the day it happens.
        topics.see_to(self.to.gaps.clone()).await?;
        if self.to.topic.is_known_ahead() {
            for channel in &self.channels {
                topics.see_to(self.to.topic_of(channel, &topics.org, &self.feed)).await?;
            }
        }
        Ok(Box::new(topics))
    }
}

/// An open producer, and what is known of its topics.
struct Topics {
    /// Absent once it is closed.
    producer: Option<Producer>,
    cluster: String,
    feed: String,
    org: String,
    topic: Template,
    key: Option<Template>,
    /// The topic of gaps.
    gaps: String,
    create: Option<Creation>,
    /// Topics that are there, and how many partitions they have.
    known: HashMap<String, i32>,
    status: Arc<Status>,
}

#[async_trait]
impl Writing for Topics {
    fn cluster(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    async fn deliver(&mut self, events: Vec<Event>) -> Result<Receipt, Stop> {
        let producer = self.producer.as_ref().ok_or_else(closed)?;
        let mut batch = producer.batch();
        let (mut topic, mut key) = (String::new(), String::new());
        for (index, event) in events.iter().enumerate() {
            // librdkafka takes a few microseconds a record: others get their turn well within half a millisecond.
            if index % RECORDS_A_TURN == RECORDS_A_TURN - 1 {
                tokio::task::yield_now().await;
            }
            let (data, names) = match &event.origin {
                Origin::Salesforce(data) => (data, &SALESFORCE),
                Origin::Bayeux(data) => (data, &BAYEUX),
                Origin::Gap(_) => {
                    self.deliver_gap(&mut batch, event).await?;
                    continue;
                }
                Origin::Kafka { .. } => {
                    return Err(Stop::fatal(
                        Reason::Rejected,
                        "an event of Kafka's cannot go to Kafka",
                        "mend the feed",
                    ));
                }
            };
            let facts = facts(&self.feed, &self.org, event, data);
            topic.clear();
            self.topic.render_topic(&facts, &mut topic);
            let partitions = match self.known.get(&topic) {
                Some(partitions) => *partitions,
                None => {
                    let partitions = see_to(producer, &topic, self.create).await?;
                    self.known.insert(topic.clone(), partitions);
                    partitions
                }
            };
            let by_record = self.key.as_ref().is_some_and(Template::is_by_record);
            let copies = if by_record { data.record_ids.len().max(1) } else { 1 };
            for copy in 0..copies {
                let facts = Facts { record_id: data.record_ids.get(copy).map(|id| &**id), ..facts };
                key.clear();
                let has_key = self.key.as_ref().is_some_and(|template| template.render_key(&facts, &mut key));
                let mut headers: [(&str, &[u8]); 4] = [(names.channel, event.stream.as_bytes()), EMPTY, EMPTY, EMPTY];
                let mut count = 1;
                let org = Some(&*self.org).filter(|org| !org.is_empty());
                let others = [(names.org, org), (names.replay_id, facts.replay_id), (names.uuid, facts.uuid)];
                for (name, value) in others {
                    if let (Some(value), Some(slot)) = (value, headers.get_mut(count)) {
                        *slot = (name, value.as_bytes());
                        count += 1;
                    }
                }
                let record = Record {
                    topic: &topic,
                    key: has_key.then_some(key.as_bytes()),
                    partition: facts.replay_id.filter(|_| !has_key).and_then(|id| spread(id, partitions)),
                    value: &event.value,
                    time_ms: event.time_ms,
                    headers: headers.get(..count).unwrap_or_default(),
                };
                self.send(&mut batch, &record).await?;
            }
        }
        let (receipt, status) = (batch.finish(), self.status.clone());
        Ok(Receipt::from_future(async move {
            receipt.await.map_err(|error| {
                status.metrics().produce_errors.inc();
                decide::kafka(&error)
            })
        }))
    }

    async fn close(&mut self) {
        if let Some(producer) = self.producer.take()
            && tokio::time::timeout(CLOSE_LIMIT, producer.close()).await.is_err()
        {
            tracing::warn!(feed = self.feed, "closing the producer took too long");
        }
    }
}

impl Topics {
    async fn see_to(&mut self, topic: String) -> Result<(), Stop> {
        if !self.known.contains_key(&topic) {
            let producer = self.producer.as_ref().ok_or_else(closed)?;
            let partitions = see_to(producer, &topic, self.create).await?;
            self.known.insert(topic, partitions);
        }
        Ok(())
    }

    /// A gap's record: keyed by feed and channel, so that the gaps of a channel stay in order.
    async fn deliver_gap(&self, batch: &mut Batch, event: &Event) -> Result<(), Stop> {
        let key = format!("{} {}", self.feed, event.stream);
        let record = Record {
            topic: &self.gaps,
            key: Some(key.as_bytes()),
            partition: None,
            value: &event.value,
            time_ms: event.time_ms,
            headers: &[("channel", event.stream.as_bytes())],
        };
        self.send(batch, &record).await
    }

    async fn send(&self, batch: &mut Batch, record: &Record<'_>) -> Result<(), Stop> {
        while batch.send(record).map_err(|error| self.failed(&error))? == Sent::Full {
            batch.room().await.map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    fn failed(&self, error: &::kafka::Error) -> Stop {
        self.status.metrics().produce_errors.inc();
        decide::kafka(error)
    }
}

fn closed() -> Stop {
    Stop::transient(Reason::Kafka, "the producer is closed", Pace::at_once(1, 60))
}

fn facts<'a>(feed: &'a str, org: &'a str, event: &'a Event, data: &'a Data) -> Facts<'a> {
    let channel = event.stream.split('?').next().unwrap_or_default();
    let last_part = || channel.rsplit('/').next().unwrap_or_default();
    Facts {
        channel,
        event: data.entity.as_deref().unwrap_or_else(last_part),
        org,
        feed,
        record_id: None,
        replay_id: data.replay_id.as_ref().map(salesforce::ReplayId::as_str),
        uuid: data.uuid.as_deref(),
    }
}

/// The partition of an event without a key: the same one each time the event is written. Were it any, an event that comes
/// again after a crash could land behind later ones in another partition than the first time.
fn spread(replay_id: &str, partitions: i32) -> Option<i32> {
    let hash = crc32fast::hash(replay_id.as_bytes());
    let partitions = u32::try_from(partitions).ok().filter(|partitions| *partitions > 0)?;
    i32::try_from(hash % partitions).ok()
}

/// Sees to it that a topic is there, and says how many partitions it has.
async fn see_to(producer: &Producer, topic: &str, create: Option<Creation>) -> Result<i32, Stop> {
    let topic = Topic { name: topic.to_owned(), create: create.map(Into::into) };
    let ensured = producer.ensure_topic(&topic, OPEN_LIMIT).await.map_err(|error| decide::kafka(&error))?;
    Ok(ensured.partitions)
}

/// The names of a record's headers.
struct Headers {
    channel: &'static str,
    org: &'static str,
    replay_id: &'static str,
    uuid: &'static str,
}

const SALESFORCE: Headers =
    Headers { channel: "sf.channel", org: "sf.org_id", replay_id: "sf.replay_id", uuid: "sf.event_uuid" };
const BAYEUX: Headers = Headers {
    channel: "bayeux.channel",
    org: "bayeux.org_id",
    replay_id: "bayeux.replay_id",
    uuid: "bayeux.event_uuid",
};
const EMPTY: (&str, &[u8]) = ("", b"");
const OPEN_LIMIT: Duration = Duration::from_secs(10);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
const RECORDS_A_TURN: usize = 64;
