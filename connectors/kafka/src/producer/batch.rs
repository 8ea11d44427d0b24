//! The batch: records that share one receipt.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _};
use tokio::sync::watch;

use super::receipt::{Answer, Tally};
use super::{Client, Receipt};
use crate::error::classify;
use crate::{Error, Record};

/// Records that are written together, in this order per partition. They are on their way from [`Batch::send`] on;
/// dropping an unfinished batch only gives up the knowledge of what became of them.
#[derive(Debug)]
#[must_use = "an unfinished batch has no receipt"]
pub struct Batch {
    client: Weak<Client>,
    closed: watch::Receiver<()>,
    tally: Arc<Tally>,
    answer: Answer,
    queue_bytes: usize,
    /// Reports that had come when the queue was last found full.
    seen: u64,
}

/// What became of a record given to [`Batch::send`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a record that found no room was not sent"]
pub enum Sent {
    /// It is in librdkafka's queue and part of the receipt.
    Queued,
    /// The queue is full, and the record was **not** taken: await [`Batch::room`] and send it again.
    Full,
}

impl Batch {
    pub(super) fn new(client: Weak<Client>, closed: watch::Receiver<()>, queue_bytes: usize) -> Batch {
        let (tally, answer) = Tally::new();
        Batch { client, closed, tally: Arc::new(tally), answer, queue_bytes, seen: 0 }
    }

    /// Queues a record; never blocks. An error means that the record is not part of the batch, which can go on without
    /// it: [`Error::Rejected`] for one that can never be written, [`Error::Lost`] after the producer was dropped,
    /// [`Error::Fatal`] or [`Error::Fenced`] when the producer has to be replaced.
    pub fn send(&mut self, record: &Record<'_>) -> Result<Sent, Error> {
        let Some(client) = self.client.upgrade().filter(|client| !client.closing.load(Ordering::Relaxed)) else {
            return Err(Error::Lost);
        };
        if record.value.len() > self.queue_bytes {
            let reason = format!("its {} bytes are more than the producer's queue holds", record.value.len());
            return Err(Error::Rejected { topic: record.topic.to_owned(), reason });
        }
        // Before the attempt: a report in between must not be waited for.
        let seen = client.base.context().count.load(Ordering::Acquire);
        let mut out =
            BaseRecord::<[u8], [u8], _>::with_opaque_to(record.topic, Arc::clone(&self.tally)).payload(record.value);
        out.key = record.key;
        out.partition = record.partition;
        out.timestamp = record.time_ms;
        out.headers = headers(record.headers);
        self.tally.expect();
        let Err((error, _)) = client.base.send(out) else { return Ok(Sent::Queued) };
        self.tally.take_back();
        match error {
            KafkaError::MessageProduction(Code::QueueFull) => {
                self.seen = seen;
                Ok(Sent::Full)
            }
            KafkaError::MessageProduction(code) => Err(classify(code, Some(record.topic))),
            KafkaError::Nul(_) => Err(Error::TopicInvalid {
                topic: record.topic.replace('\0', "\\0"),
                reason: "its name holds a zero byte".to_owned(),
            }),
            error => Err(crate::error::from_client(error, Some(record.topic))),
        }
    }

    /// Waits until a record has left the queue since the last [`Sent::Full`]; there may be room then. Cancel-safe.
    /// [`Error::Lost`] when the producer is gone.
    pub async fn room(&mut self) -> Result<(), Error> {
        // Woken without a strong reference, which would keep a dropped producer alive.
        let Some(client) = self.client.upgrade() else { return Err(Error::Lost) };
        let reports = Arc::clone(client.base.context());
        drop(client);
        let next = reports.room.notified();
        tokio::pin!(next);
        next.as_mut().enable();
        if reports.count.load(Ordering::Acquire) != self.seen {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = next => Ok(()),
            () = async { while self.closed.changed().await.is_ok() {} } => Err(Error::Lost),
        }
    }

    /// Ends the batch. An empty one is durable at once.
    pub fn finish(self) -> Receipt {
        self.tally.report(None);
        Receipt::new(self.answer, self.closed)
    }
}

fn headers(list: &[(&str, &[u8])]) -> Option<OwnedHeaders> {
    if list.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(list.len());
    Some(list.iter().fold(empty, |headers, &(key, value)| headers.insert(Header { key, value: Some(value) })))
}
