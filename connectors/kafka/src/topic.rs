//! Topics: looked up without creating them by accident, created only on request.

use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{DefaultClientContext, NativeClient};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::error::{classify, from_client, is_connection, text};
use crate::log::Log;
use crate::{Cluster, Error};

/// A topic that has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How to create it where it is missing. `None`: not at all.
    pub create: Option<Creation>,
}

/// The shape of a topic that is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each partition; -1 leaves it to the broker.
    pub replication: i32,
}

/// A topic that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ensured {
    /// How many partitions it has, whatever was asked for.
    pub partitions: i32,
    /// Whether this call created it.
    pub created: bool,
}

/// A client that only asks. It is a consumer, because a producer that asks for a topic creates it on brokers with
/// `auto.create.topics.enable`.
pub(crate) struct Probe {
    consumer: BaseConsumer<Asking>,
}

impl Probe {
    pub(crate) fn new(cluster: &Cluster, client_id: &str) -> Result<Probe, Error> {
        let config = cluster.settings(client_id, &[], FIXED)?;
        let context = Asking(Log::new(client_id, &cluster.brokers));
        Ok(Probe { consumer: config.create_with_context(context).map_err(|e| from_client(e, None))? })
    }

    /// The topic's partitions, or `None` where there is no such topic. Blocks up to `limit`.
    pub(crate) fn partitions(&self, topic: &str, limit: Duration) -> Result<Option<Vec<i32>>, Error> {
        let metadata = self.consumer.fetch_metadata(Some(topic), limit).map_err(|e| self.failed(e, topic))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
        match found.error().map(Code::from) {
            None => Ok(Some(found.partitions().iter().map(|partition| partition.id()).collect())),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
            // New, and still without a leader.
            Some(Code::LeaderNotAvailable) => Ok(Some(Vec::new())),
            Some(code) => Err(classify(code, Some(topic))),
        }
    }

    /// The first offset, and the one after the last that read-committed readers see. Blocks up to `limit`.
    pub(crate) fn ends(&self, topic: &str, partition: i32, limit: Duration) -> Result<(i64, i64), Error> {
        self.consumer.fetch_watermarks(topic, partition, limit).map_err(|e| self.failed(e, topic))
    }

    /// For questions that rdkafka has no call for.
    pub(crate) fn native(&self) -> &NativeClient {
        self.consumer.client().native_client()
    }

    /// Takes the events that wait to be looked at: what went wrong is in them.
    pub(crate) fn hear(&self) {
        while self.consumer.poll(Duration::ZERO).is_some() {}
    }

    pub(crate) fn log(&self) -> &Log {
        &self.consumer.context().0
    }

    fn failed(&self, error: KafkaError, topic: &str) -> Error {
        match error.rdkafka_error_code() {
            Some(code) if is_connection(code) => {
                self.hear();
                self.log().unanswered()
            }
            _ => from_client(error, Some(topic)),
        }
    }
}

/// Sees to it that `topic` exists, and waits until brokers know it. Blocks up to `limit`.
pub(crate) fn ensure(
    cluster: &Cluster,
    client_id: &str,
    topic: &Topic,
    limit: Duration,
    runtime: &tokio::runtime::Handle,
) -> Result<Ensured, Error> {
    let deadline = Instant::now() + limit;
    let probe = Probe::new(cluster, client_id)?;
    if let Some(partitions) = known(probe.partitions(&topic.name, limit)?) {
        return Ok(Ensured { partitions, created: false });
    }
    let Some(shape) = topic.create else { return Err(Error::TopicMissing { topic: topic.name.clone() }) };
    let created = runtime.block_on(create(cluster, client_id, &topic.name, shape, limit))?;
    // The controller knows the topic before the brokers do.
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::TimedOut {
                reason: format!("topic {} was created, but no broker shows it yet", topic.name),
            });
        }
        if let Some(partitions) = known(probe.partitions(&topic.name, left)?) {
            return Ok(Ensured { partitions, created });
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "on a thread for blocking calls; there is nothing to wait for but time"
        )]
        std::thread::sleep(SETTLING);
    }
}

fn known(partitions: Option<Vec<i32>>) -> Option<i32> {
    partitions.filter(|list| !list.is_empty()).and_then(|list| i32::try_from(list.len()).ok())
}

/// False where somebody else was faster.
async fn create(
    cluster: &Cluster,
    client_id: &str,
    name: &str,
    shape: Creation,
    limit: Duration,
) -> Result<bool, Error> {
    let admin: AdminClient<DefaultClientContext> =
        cluster.settings(client_id, &[], &[])?.create().map_err(|e| from_client(e, Some(name)))?;
    let options = AdminOptions::new().request_timeout(Some(limit)).operation_timeout(Some(limit));
    let topic = NewTopic::new(name, shape.partitions, TopicReplication::Fixed(shape.replication));
    let results = admin.create_topics([&topic], &options).await.map_err(|e| from_client(e, Some(name)))?;
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, Code::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(not_created(code, name, text(code))),
        None => Err(Error::Client { reason: format!("no answer about topic {name}") }),
    }
}

/// Why a topic is not created; `words` say what is wrong with it.
pub(crate) fn not_created(code: Code, topic: &str, words: String) -> Error {
    match classify(code, Some(topic)) {
        // A policy of the cluster speaks about the topic here, not about a record.
        Error::TopicInvalid { topic, .. } | Error::Rejected { topic, .. } => {
            Error::TopicInvalid { topic, reason: words }
        }
        Error::Client { .. } => Error::Client { reason: words },
        error => error,
    }
}

struct Asking(Log);

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ConsumerContext for Asking {}

const SETTLING: Duration = Duration::from_millis(20);

const FIXED: &[(&str, &str)] = &[
    ("allow.auto.create.topics", "false"),
    // A client that lives for seconds has no idle connections: one that is closed says why nobody answers.
    ("log.connection.close", "true"),
];
