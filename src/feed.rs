//! The loop: from a source to a sink, both ways.
//!
//! Starting and recovering are the same thing here: open at the saved positions, run until something ends it, let what
//! was accepted become durable, wait, and open again. No part repairs itself in place. What a position may be saved for
//! is decided in [`guarantee`] and nowhere else.

mod backoff;
mod batch;
mod budget;
mod guarantee;
mod loss;
mod status;
mod stop;

pub use batch::{Batch, Event, Origin, Place, Positions, Receipt, Settle, Stream};
pub use budget::Budget;
pub use guarantee::{Guarantee, Ticket};
pub use loss::watch;
pub use status::{ChannelState, ChannelStatus, Phase, Snapshot, Status};
pub use stop::{Decision, Pace, Reason, Stop};

use async_trait::async_trait;
pub(crate) use backoff::Backoff;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A way in.
#[async_trait]
pub trait Source: Send {
    /// Opens at the saved positions. `cluster` is the id of what the sink writes to, where that is a Kafka cluster.
    ///
    /// # Errors
    /// Whatever keeps it from opening, with what to do about it.
    async fn open(&mut self, cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop>;
}

/// An open source. What ended stays ended: after an error it is only closed.
#[async_trait]
pub trait Reading: Send {
    /// The next batch. Cancel-safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// The source ended.
    async fn next(&mut self) -> Result<Batch, Stop>;

    /// Saves positions of which everything before is durable in the sink.
    ///
    /// # Errors
    /// They could not be saved; the events after the last saved ones will come again.
    async fn save(&mut self, positions: &Positions) -> Result<(), Stop>;

    /// Says goodbye, within a few seconds.
    async fn close(&mut self);
}

/// A way out.
#[async_trait]
pub trait Sink: Send {
    /// Gets ready to write.
    ///
    /// # Errors
    /// Whatever keeps it from writing, with what to do about it.
    async fn open(&mut self) -> Result<Box<dyn Writing>, Stop>;
}

/// An open sink. Batches become durable in the order in which they were delivered, or not at all.
#[async_trait]
pub trait Writing: Send {
    /// The id of the Kafka cluster that is written to, where it is one.
    fn cluster(&self) -> Option<&str>;

    /// Accepts a batch; its receipt says when it is durable. Accepted is not durable.
    ///
    /// # Errors
    /// The batch was not accepted.
    async fn deliver(&mut self, events: Vec<Event>) -> Result<Receipt, Stop>;

    /// Gives up what is not durable yet, within a few seconds: a generation never outlives its successor.
    async fn close(&mut self);
}

/// A feed, ready to run.
pub struct Feed {
    /// Where events come from.
    pub source: Box<dyn Source>,
    /// Where they go.
    pub sink: Box<dyn Sink>,
    /// How it does, for people and metrics.
    pub status: Arc<Status>,
    /// How long a shut-down waits for receipts.
    pub shutdown_timeout: Duration,
}

/// Runs a feed until it is told to stop, or until a person must act. One feed's end is never another's.
pub async fn run(mut feed: Feed, shutdown: CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        feed.status.opening();
        let Err(stop) = once(&mut feed, &shutdown).await else { return feed.status.done() };
        if shutdown.is_cancelled() {
            return feed.status.done();
        }
        let Decision::Transient(pace) = stop.decision else { return feed.status.stopped(&stop) };
        let wait = backoff.next(pace, feed.status.lived());
        feed.status.waiting(&stop, wait);
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return feed.status.done(),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Opens and runs until something ends it: `Ok` where we were told to stop.
async fn once(feed: &mut Feed, shutdown: &CancellationToken) -> Result<(), Stop> {
    // The sink first: an org is not bothered while there is nowhere to write to.
    let mut writing = tokio::select! {
        biased;
        () = shutdown.cancelled() => return Ok(()),
        writing = feed.sink.open() => writing?,
    };
    let cluster = writing.cluster().map(str::to_owned);
    let reading = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(None),
        reading = feed.source.open(cluster.as_deref()) => reading.map(Some),
    };
    let ended = match reading {
        Ok(Some(mut reading)) => {
            let ended = flow(&feed.status, &mut *reading, &mut *writing, shutdown, feed.shutdown_timeout).await;
            // What the sink still holds ends with it, before a successor may write.
            tokio::join!(writing.close(), reading.close());
            return ended;
        }
        Ok(None) => Ok(()),
        Err(stop) => Err(stop),
    };
    writing.close().await;
    ended
}

/// Runs until something ends it, and lets what was accepted become durable.
async fn flow(
    status: &Status,
    reading: &mut dyn Reading,
    writing: &mut dyn Writing,
    shutdown: &CancellationToken,
    shutdown_timeout: Duration,
) -> Result<(), Stop> {
    let mut flow = Flow { guarantee: Guarantee::default(), receipts: FuturesUnordered::new(), status };
    let ended = flow.run(reading, writing, shutdown).await;
    // After a failed receipt nothing later can be saved, and what still became durable would stand before what comes
    // again: it is given up at once.
    if !matches!(ended, Ended::Sink(_)) {
        status.draining();
        flow.drain(reading, shutdown_limit(shutdown, shutdown_timeout)).await;
    }
    match ended {
        Ended::Told => Ok(()),
        Ended::Source(stop) | Ended::Sink(stop) => Err(stop),
    }
}

/// Ends `timeout` after the shut-down began, or never where there is none.
async fn shutdown_limit(shutdown: &CancellationToken, timeout: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(timeout).await;
}

/// What is on its way between an open source and an open sink.
struct Flow<'f> {
    guarantee: Guarantee,
    receipts: FuturesUnordered<batch::Pending>,
    status: &'f Status,
}

/// What ended a flow.
enum Ended {
    /// We were told to.
    Told,
    /// The source, or the saving of a position.
    Source(Stop),
    /// A receipt failed, or a batch was not accepted.
    Sink(Stop),
}

impl Flow<'_> {
    async fn run(
        &mut self,
        reading: &mut dyn Reading,
        writing: &mut dyn Writing,
        shutdown: &CancellationToken,
    ) -> Ended {
        loop {
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ended::Told,
                Some(settled) = self.receipts.next() => self.settle(settled, reading).await,
                batch = reading.next(), if self.receipts.len() < MOST_BATCHES => match batch {
                    Ok(batch) => tokio::select! {
                        biased;
                        () = shutdown.cancelled() => return Ended::Told, // the batch is given up: it comes again
                        accepted = self.accept(batch, writing) => accepted.map_err(Ended::Sink),
                    },
                    Err(stop) => Err(Ended::Source(stop)),
                },
                // A source that is not read would go deaf: it is closed on purpose, and opened where it stopped.
                () = tokio::time::sleep(ROOM_LIMIT), if self.receipts.len() >= MOST_BATCHES => {
                    let text = "too many batches wait for their receipts";
                    Err(Ended::Source(Stop::transient(Reason::NoRoom, text, Pace::at_once(1, 60))))
                }
            };
            if let Err(ended) = step {
                return ended;
            }
        }
    }

    async fn accept(&mut self, batch: Batch, writing: &mut dyn Writing) -> Result<(), Stop> {
        self.status.accepted(&batch);
        let measure = batch.measure();
        let Batch { events, positions, charge } = batch;
        let receipt = writing.deliver(events).await?;
        let ticket = self.guarantee.accept(positions);
        self.receipts.push(batch::Pending::new(ticket, receipt, measure, charge));
        Ok(())
    }

    async fn settle(&mut self, settled: batch::Settled, reading: &mut dyn Reading) -> Result<(), Ended> {
        settled.outcome.map_err(Ended::Sink)?;
        self.status.delivered(&settled.measure);
        self.guarantee.durable(settled.ticket);
        if let Some(positions) = self.guarantee.take() {
            reading.save(&positions).await.map_err(Ended::Source)?;
            self.status.saved(&positions);
        }
        Ok(())
    }

    /// Waits until every accepted batch is durable, so that nothing is fetched twice that need not be; until one is not,
    /// or until `limit`.
    async fn drain(&mut self, reading: &mut dyn Reading, limit: impl Future<Output = ()>) {
        let (status, batches) = (self.status, self.receipts.len());
        let all = async {
            while let Some(settled) = self.receipts.next().await {
                self.settle(settled, reading).await?;
            }
            Ok::<(), Ended>(())
        };
        let drained = tokio::select! {
            biased;
            drained = all => drained.is_ok(),
            () = limit => false,
        };
        if !drained {
            tracing::warn!(
                feed = status.name(),
                of = batches,
                "what is still on its way is given up and will come again"
            );
        }
    }
}

/// So many batches may be on their way at once; their bytes are bounded by the budget.
const MOST_BATCHES: usize = 1024;
/// How long a source may go unread: Salesforce forgets a session after 40 s.
const ROOM_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
