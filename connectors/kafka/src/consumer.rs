//! The consumer: a member of a consumer group that hands out records in batches and commits only what it is told to.

mod membership;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use rdkafka::consumer::{CommitMode, Consumer as _, MessageStream, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{Offset as Place, TopicPartitionList};
use tokio::sync::oneshot;

pub use membership::Change;

use crate::error::{classify, from_client, is_connection};
use crate::log::Log;
use crate::producer::blocking;
use crate::record::Copier;
use crate::{Cluster, Consumed, Error};
use membership::Membership;

/// A member of a consumer group. It commits only on request, sees only committed records, and keeps what is not taken
/// from it when the group changes.
///
/// **Partitions that move away.** A call of [`Consumer::poll`] returns early, maybe empty, when the assignment changes;
/// [`Consumer::take_changes`] says how. Revoked partitions stay ours until the *next* call of `poll`, so that work in
/// hand can be finished and committed first; the whole group waits meanwhile. Lost ones are gone at once.
///
/// **Staying a member.** A future of `poll` must be pending, or be called again, within `max.poll.interval.ms` (60 s).
/// Whoever can take no more records calls [`Consumer::pause`] and goes on polling.
///
/// Records behind an open transaction are not seen before it ends; its owner having died, that is its time-out plus
/// some ten seconds.
///
/// Dropping it leaves the group, on a thread of its own; [`Consumer::close`] waits for that.
pub struct Consumer {
    client: Arc<Inner>,
    topics: String,
    copier: Copier,
    /// An error that came behind records: for the next poll.
    failure: Option<Error>,
    left: Option<oneshot::Sender<()>>,
}

type Inner = StreamConsumer<Membership>;

/// Where to start in a partition the group has no committed offset for, or one that is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the oldest record that is kept.
    #[default]
    Earliest,
    /// With the next one to be written. Records from before the first commit are never seen.
    Latest,
}

/// A place in a partition: everything before `next` is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset of the first record that is not done.
    pub next: i64,
}

/// How far behind the group is in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// Offsets between the committed one and the end. Where records were compacted away, or transactions ended, an upper bound.
    pub behind: i64,
}

impl Consumer {
    /// Joins `group` for `topics`, once it is polled. Needs a tokio runtime. An absent cluster is no error here; a
    /// missing topic is one of [`Consumer::poll`].
    pub fn new(
        cluster: &Cluster,
        client_id: &str,
        group: &str,
        topics: &[String],
        start: Start,
    ) -> Result<Consumer, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Client { reason: "a consumer needs a tokio runtime".to_owned() });
        }
        let reset = match start {
            Start::Earliest => "earliest",
            Start::Latest => "latest",
        };
        let config = cluster.settings(
            client_id,
            DEFAULTS,
            &[FIXED, &[("group.id", group), ("auto.offset.reset", reset)]].concat(),
        )?;
        let membership = Membership::new(Log::new(client_id, &cluster.brokers));
        let client: Inner = config.create_with_context(membership).map_err(|e| from_client(e, None))?;
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        client
            .subscribe(&names)
            .map_err(|e| Error::Configuration { key: "topics".to_owned(), reason: e.to_string() })?;
        Ok(Consumer {
            client: Arc::new(client),
            topics: topics.join(", "),
            copier: Copier::default(),
            failure: None,
            left: None,
        })
    }

    /// Waits for a record, then takes what is there: at most `max` records and about 4 MiB. Returns early, maybe empty,
    /// when the assignment changes. Partitions revoked earlier are given up by this call. Cancel-safe: no record is lost
    /// when the future is dropped. Absent brokers are no error; librdkafka goes on trying.
    pub async fn poll(&mut self, max: usize) -> Result<Vec<Consumed>, Error> {
        self.client.context().release(&self.client)?;
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let mut taken = Taken {
            copier: &mut self.copier,
            failure: &mut self.failure,
            topics: &self.topics,
            max: max.max(1),
            records: Vec::new(),
            bytes: 0,
        };
        // One stream for the whole call: dropping it would drop the waker too.
        let mut stream = self.client.stream();
        let membership = self.client.context();
        poll_fn(|context| taken.fill(&mut stream, membership, context)).await?;
        Ok(taken.records)
    }

    /// What happened to the assignment, oldest first: after all records returned so far, and before all later ones.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.client.context().take_changes()
    }

    /// Commits, and waits for the coordinator's answer, which may take as long as the session when brokers are away.
    /// [`Error::Evicted`] where a partition is no longer ours: the others are committed all the same.
    pub async fn commit(&self, offsets: &[Offset]) -> Result<(), Error> {
        let (ours, gone): (Vec<&Offset>, Vec<&Offset>) =
            offsets.iter().partition(|offset| self.owns(&offset.topic, offset.partition));
        let wanted = list(&ours)?;
        let client = Arc::clone(&self.client);
        if wanted.count() > 0 {
            blocking(move || commit_all(&client, &wanted)).await?;
        }
        match gone.first() {
            None => Ok(()),
            Some(offset) => {
                Err(Error::Evicted { reason: format!("{} [{}] is no longer ours", offset.topic, offset.partition) })
            }
        }
    }

    /// The partitions that are ours.
    #[must_use]
    pub fn assignment(&self) -> Vec<(Arc<str>, i32)> {
        self.client.context().assignment()
    }

    /// Whether a partition is ours. Records of one that is not may be with another member by now.
    #[must_use]
    pub fn owns(&self, topic: &str, partition: i32) -> bool {
        self.client.context().owns(topic, partition)
    }

    /// Takes no more records, from partitions assigned later neither, until [`Consumer::resume`]. Go on polling.
    pub fn pause(&self) -> Result<(), Error> {
        self.client.context().pause(&self.client, true)
    }

    /// Takes records again.
    pub fn resume(&self) -> Result<(), Error> {
        self.client.context().pause(&self.client, false)
    }

    /// What the group has committed for our partitions; those without a commit are left out.
    pub async fn committed(&self, limit: Duration) -> Result<Vec<Offset>, Error> {
        let client = Arc::clone(&self.client);
        let partitions = self.assignment();
        blocking(move || committed(&client, &partitions, limit)).await
    }

    /// How far behind the group is in our partitions. Asks a broker once per partition.
    pub async fn lag(&self, limit: Duration) -> Result<Vec<Lag>, Error> {
        let client = Arc::clone(&self.client);
        let partitions = self.assignment();
        blocking(move || {
            let done = committed(&client, &partitions, limit)?;
            let behind = |(topic, partition): (Arc<str>, i32)| {
                let (begin, end) = client.fetch_watermarks(&topic, partition, limit).map_err(|e| failed(&client, e))?;
                let next =
                    done.iter().find(|at| at.topic == topic && at.partition == partition).map_or(begin, |at| at.next);
                Ok(Lag { topic, partition, behind: (end - next).max(0) })
            };
            partitions.into_iter().map(behind).collect()
        })
        .await
    }

    /// The cluster's own id. [`Error::Unreachable`] or [`Error::NotAllowed`] when no broker answers within `limit`.
    pub async fn cluster_id(&self, limit: Duration) -> Result<String, Error> {
        let client = Arc::clone(&self.client);
        blocking(move || client.client().fetch_cluster_id(limit).ok_or_else(|| client.context().log.unanswered())).await
    }

    /// Leaves the group and waits until that is done, so that others have the partitions at once. Commits nothing.
    pub async fn close(mut self) {
        let (left, done) = oneshot::channel();
        self.left = Some(left);
        drop(self);
        let _thread_gone_is_done_too = done.await;
    }
}

/// Closing takes round-trips to the broker, which must not be on the runtime.
impl Drop for Consumer {
    fn drop(&mut self) {
        let client = Arc::clone(&self.client);
        client.context().closing.store(true, Ordering::Release);
        let left = self.left.take();
        let leave = move || {
            let _ = client.context().release(&client);
            // Whoever else holds it is in the middle of a call.
            while Arc::strong_count(&client) > 1 {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "on a thread of its own; librdkafka tells nobody when it has left"
                )]
                thread::sleep(Duration::from_millis(1));
            }
            drop(client);
            left.map(|left| left.send(()))
        };
        if let Err(error) = thread::Builder::new().name("kafka-leave".to_owned()).spawn(leave) {
            tracing::warn!("no thread to leave the group on: {error}");
        }
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("topics", &self.topics)
            .field("assignment", &self.assignment())
            .finish_non_exhaustive()
    }
}

/// What one poll has taken so far.
struct Taken<'a> {
    copier: &'a mut Copier,
    failure: &'a mut Option<Error>,
    topics: &'a str,
    max: usize,
    records: Vec<Consumed>,
    bytes: usize,
}

impl Taken<'_> {
    fn fill(
        &mut self,
        stream: &mut MessageStream<'_, Membership>,
        membership: &Membership,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            match stream.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(message))) => {
                    membership.log.answered();
                    let record = self.copier.copy(&message);
                    self.bytes += record.value.as_ref().map_or(0, Bytes::len);
                    self.records.push(record);
                }
                Poll::Ready(Some(Err(error))) => {
                    if let Some(error) = news(error, self.topics) {
                        if self.records.is_empty() {
                            return Poll::Ready(Err(error));
                        }
                        *self.failure = Some(error);
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(None) => {
                    return Poll::Ready(Err(Error::Fatal { reason: "the consumer has ended".to_owned() }));
                }
                Poll::Pending if membership.take_fresh() || !self.records.is_empty() => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
            if membership.take_fresh() || self.records.len() >= self.max || self.bytes >= POLL_BYTES {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// What of an error the caller has to know.
fn news(error: KafkaError, topics: &str) -> Option<Error> {
    if let KafkaError::MessageConsumption(code) = error {
        let known_otherwise =
            is_connection(code) || matches!(code, Code::PollExceeded | Code::PartitionEOF | Code::AssignmentLost);
        return (!known_otherwise).then(|| classify(code, Some(topics)));
    }
    Some(from_client(error, Some(topics)))
}

fn failed(client: &Inner, error: KafkaError) -> Error {
    match error.rdkafka_error_code() {
        Some(code) if is_connection(code) => client.context().log.unanswered(),
        _ => from_client(error, None),
    }
}

/// librdkafka reports a commit as failed only when *all* its partitions failed, so where there are several the
/// coordinator is asked what it has.
fn commit_all(client: &Inner, wanted: &TopicPartitionList) -> Result<(), Error> {
    client.commit(wanted, CommitMode::Sync).map_err(|e| from_client(e, None))?;
    if wanted.count() < 2 {
        return Ok(());
    }
    let found = client.committed_offsets(wanted.clone(), CHECK).map_err(|e| failed(client, e))?;
    for want in wanted.elements() {
        let Some(have) = found.find_partition(want.topic(), want.partition()) else { continue };
        have.error().map_err(|e| from_client(e, Some(want.topic())))?;
        if have.offset() != want.offset() {
            return Err(Error::Client {
                reason: format!("the commit for {} [{}] was not taken", want.topic(), want.partition()),
            });
        }
    }
    Ok(())
}

fn committed(client: &Inner, partitions: &[(Arc<str>, i32)], limit: Duration) -> Result<Vec<Offset>, Error> {
    let mut asked = TopicPartitionList::new();
    for (topic, partition) in partitions {
        asked.add_partition(topic, *partition);
    }
    let found = client.committed_offsets(asked, limit).map_err(|e| failed(client, e))?;
    let mut offsets = Vec::new();
    for at in found.elements() {
        at.error().map_err(|e| from_client(e, Some(at.topic())))?;
        if let Place::Offset(next) = at.offset() {
            offsets.push(Offset { topic: at.topic().into(), partition: at.partition(), next });
        }
    }
    Ok(offsets)
}

fn list(offsets: &[&Offset]) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::new();
    for at in offsets {
        list.add_partition_offset(&at.topic, at.partition, Place::Offset(at.next))
            .map_err(|e| from_client(e, Some(&at.topic)))?;
    }
    Ok(list)
}

// What one poll may bring into memory, give or take one record.
const POLL_BYTES: usize = 4 * 1024 * 1024;

const CHECK: Duration = Duration::from_secs(10);

const DEFAULTS: &[(&str, &str)] = &[
    // A member that died is missed after this; one that is alive says so often, and hears of a rebalance as soon.
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "500"),
    // How long one member may hold up the group's rebalance.
    ("max.poll.interval.ms", "60000"),
    // librdkafka's 64 MiB is a quarter of the process's budget.
    ("queued.max.messages.kbytes", "16384"),
    // With the smaller queue a full one is normal, and must not stop the fetcher for a second.
    ("fetch.queue.backoff.ms", "20"),
];

const FIXED: &[(&str, &str)] = &[
    // An offset is committed when its record is done, not when it was read.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // What was aborted never happened.
    ("isolation.level", "read_committed"),
    // Only partitions that move are interrupted; with `range`, topics of one partition would all go to one member.
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("allow.auto.create.topics", "false"),
];
