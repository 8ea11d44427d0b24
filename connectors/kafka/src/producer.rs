//! The producer: writes batches, and says of each when Kafka has all of it.

mod batch;
mod receipt;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::{ClientContext, Message};
use tokio::sync::{Notify, watch};

pub use batch::{Batch, Sent};
pub use receipt::Receipt;

use crate::error::from_client;
use crate::log::Log;
use crate::topic::{self, Ensured, Topic};
use crate::{Cluster, Error};
use receipt::Tally;

/// Writes records to Kafka: idempotent, acknowledged by all replicas in sync, keys placed as every JVM producer does.
///
/// Dropping it gives up what Kafka has not answered yet: those receipts end in [`Error::Lost`]. It returns at once; the
/// connection is closed by the producer's own thread.
pub struct Producer {
    cluster: Cluster,
    client_id: String,
    client: Arc<Client>,
    closed: watch::Receiver<()>,
    queue_bytes: usize,
}

impl Producer {
    /// A producer that connects by itself, so that an absent cluster is no error here. `queue_bytes` bounds what waits
    /// in librdkafka (values only; at least 1 MiB): see [`Sent::Full`].
    pub fn new(cluster: &Cluster, client_id: &str, queue_bytes: usize) -> Result<Producer, Error> {
        let kbytes = (queue_bytes / 1024).clamp(1024, i32::MAX as usize);
        let queue = kbytes.to_string();
        let config = cluster.settings(
            client_id,
            DEFAULTS,
            &[FIXED, &[("queue.buffering.max.kbytes", queue.as_str())]].concat(),
        )?;
        let reports =
            Reports { log: Log::new(client_id, &cluster.brokers), count: AtomicU64::new(0), room: Notify::new() };
        let base = config.create_with_context(reports).map_err(|e| from_client(e, None))?;
        let client = Arc::new(Client { base, closing: AtomicBool::new(false) });
        let (open, closed) = watch::channel(());
        let served = Arc::clone(&client);
        thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || serve(served, open))
            .map_err(|e| Error::Client { reason: format!("no thread for the producer: {e}") })?;
        Ok(Producer {
            cluster: cluster.clone(),
            client_id: client_id.to_owned(),
            client,
            closed,
            queue_bytes: kbytes * 1024,
        })
    }

    /// The cluster's own id, which says whether it is still the cluster positions belong to.
    /// [`Error::Unreachable`] or [`Error::NotAllowed`] when no broker answers within `limit`.
    pub async fn cluster_id(&self, limit: Duration) -> Result<String, Error> {
        let client = Arc::clone(&self.client);
        blocking(move || {
            let id = client.base.client().fetch_cluster_id(limit);
            id.ok_or_else(|| client.base.context().log.unanswered())
        })
        .await
    }

    /// Sees to it that a topic exists, within about `limit`. An existing topic is left as it is. [`Error::TopicMissing`]
    /// where it is missing and not to be created, [`Error::TopicInvalid`] or [`Error::NotAllowed`] where the cluster
    /// refuses to create it. Never creates a topic only by asking, whatever the broker's `auto.create.topics.enable`.
    pub async fn ensure_topic(&self, topic: &Topic, limit: Duration) -> Result<Ensured, Error> {
        let (cluster, client_id, topic) = (self.cluster.clone(), self.client_id.clone(), topic.clone());
        let runtime = tokio::runtime::Handle::current();
        blocking(move || topic::ensure(&cluster, &client_id, &topic, limit, &runtime)).await
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch {
        Batch::new(Arc::downgrade(&self.client), self.closed.clone(), self.queue_bytes)
    }

    /// Gives up what Kafka has not answered yet, and waits until librdkafka is gone with all of its connections.
    pub async fn close(self) {
        let mut closed = self.closed.clone();
        drop(self);
        while closed.changed().await.is_ok() {}
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.client.closing.store(true, Ordering::Release);
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer")
            .field("cluster", &self.cluster)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// librdkafka's handle: shared by the producer, its thread, and for the length of a call by its batches.
struct Client {
    base: BaseProducer<Reports>,
    closing: AtomicBool,
}

/// What happens when librdkafka has something to say.
struct Reports {
    log: Log,
    /// How many reports have come: whoever found the queue full waits for the next.
    count: AtomicU64,
    room: Notify,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Tally>;

    fn delivery(&self, result: &DeliveryResult<'_>, tally: Arc<Tally>) {
        tally.report(match result {
            Ok(_) => {
                self.log.answered();
                None
            }
            Err((error, message)) => Some(from_client(error.clone(), Some(message.topic()))),
        });
        self.count.fetch_add(1, Ordering::Release);
        self.room.notify_waiters();
    }
}

/// The producer's thread: hands out reports until the producer is dropped, then gives up what is left. `open` is
/// dropped last, when no report can come any more.
fn serve(client: Arc<Client>, open: watch::Sender<()>) {
    while !client.closing.load(Ordering::Acquire) {
        client.base.poll(POLL);
    }
    client.base.purge(PurgeConfig::default().queue().inflight());
    // Calls that run end by their own limits, and need the thread until then.
    while Arc::strong_count(&client) > 1 {
        client.base.poll(Duration::from_millis(5));
    }
    drop(client);
    drop(open);
}

/// Runs what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(e) => Err(Error::Client { reason: format!("the call did not end: {e}") }),
    }
}

// How long the end of a dropped producer may go unseen by its thread.
const POLL: Duration = Duration::from_millis(50);

const DEFAULTS: &[(&str, &str)] = &[
    // Enough for full batches under load, little enough not to be felt.
    ("linger.ms", "2"),
    // Half of what a broker takes by default (1 MiB), and measured as fast as a whole. A record larger than this travels
    // alone, so that one the broker refuses for its size takes no neighbour with it.
    ("batch.size", "524288"),
    // Least CPU for its ratio on JSON.
    ("compression.codec", "lz4"),
    // The topic's `max.message.bytes` is to decide; librdkafka's own default (1 MB) would refuse what the topic takes.
    ("message.max.bytes", "16777216"),
    // An outage of minutes is ridden out. Past that the receipt fails, and the source, which is durable, is read again.
    ("message.timeout.ms", "300000"),
];

const FIXED: &[(&str, &str)] = &[
    // No duplicates and no reordering by retries; implies acks=all and at most 5 requests in flight.
    ("enable.idempotence", "true"),
    // librdkafka's default hashes differently from every JVM producer.
    ("partitioner", "murmur2_random"),
    // The bound is in bytes; a bound in records would only come on top.
    ("queue.buffering.max.messages", "0"),
];
