//! A batch: the unit of everything on an event's way.

use super::guarantee::Ticket;
use super::stop::Stop;
use crate::position::{Gap, Trace};
use bytes::Bytes;
use jiff::Timestamp;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// The events of one reply, or of one consumer poll.
pub struct Batch {
    /// In the order of their streams.
    pub events: Vec<Event>,
    /// The positions that hold once all of them are durable.
    pub positions: Positions,
    /// What they take of the byte budget, given back once they are durable.
    pub charge: Option<Box<dyn bayeux::Charge>>,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// The channel or topic it came on.
    pub stream: Arc<str>,
    /// Its JSON exactly as it came: a slice of the reply.
    pub value: Bytes,
    /// Its time in milliseconds since 1970.
    pub time_ms: Option<i64>,
    /// What else is known of it, by where it came from.
    pub origin: Origin,
}

/// Where an event came from.
#[derive(Debug)]
pub enum Origin {
    /// Salesforce's event bus.
    Salesforce(Box<salesforce::Data>),
    /// Another CometD server. What is read of an event is what Salesforce's would have, where it has it.
    Bayeux(Box<salesforce::Data>),
    /// Ourselves: the event is the record of a gap, in its place among the channel's events.
    Gap(Box<Gap>),
    /// A Kafka topic.
    Kafka {
        /// The partition.
        partition: i32,
        /// The offset within it.
        offset: i64,
    },
}

/// An ordered sequence within a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stream {
    /// A channel.
    Channel(Arc<str>),
    /// A partition of a topic.
    Partition(Arc<str>, i32),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => f.write_str(channel),
            Self::Partition(topic, partition) => write!(f, "{topic}/{partition}"),
        }
    }
}

/// Where a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// After this event of a channel.
    After(crate::position::Position),
    /// Before this offset of a partition.
    Next(i64),
}

/// One place a stream, and what is saved beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    places: Vec<(Stream, Place)>,
    /// What the events leave beside their positions.
    pub trace: Trace,
}

impl Positions {
    /// Sets a stream's place; a later one replaces an earlier one.
    pub fn set(&mut self, stream: Stream, place: Place) {
        match self.places.iter_mut().find(|(known, _)| *known == stream) {
            Some((_, known)) => *known = place,
            None => self.places.push((stream, place)),
        }
    }

    /// Sets all places of `later`, and adds what is beside them.
    pub fn replace(&mut self, later: Self) {
        for (stream, place) in later.places {
            self.set(stream, place);
        }
        self.trace.extend(later.trace);
    }

    /// Each stream and its place.
    pub fn iter(&self) -> impl Iterator<Item = (&Stream, &Place)> {
        self.places.iter().map(|(stream, place)| (stream, place))
    }

    /// Whether there is nothing to save.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.trace.is_empty()
    }
}

/// A sink's promise to say when a batch is durable.
pub struct Receipt(Pin<Box<dyn Future<Output = Result<(), Stop>> + Send>>);

/// The sink's end of a receipt. Dropping it means *lost*, never *done*.
pub struct Settle(oneshot::Sender<Result<(), Stop>>);

impl Receipt {
    /// A receipt, and the means to settle it.
    #[must_use]
    pub fn new() -> (Settle, Self) {
        let (sender, receiver) = oneshot::channel();
        let receipt = async move { receiver.await.unwrap_or_else(|_| Err(Stop::receipt_lost())) };
        (Settle(sender), Self(Box::pin(receipt)))
    }

    /// A receipt that another future settles.
    pub fn from_future(future: impl Future<Output = Result<(), Stop>> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }
}

impl Settle {
    /// Says what became of the batch.
    pub fn settle(self, outcome: Result<(), Stop>) {
        // Nobody waits any more: the batch was given up.
        let _ = self.0.send(outcome);
    }
}

/// What is counted of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure {
    /// Events in it.
    pub events: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// The time of the oldest event, milliseconds since 1970.
    pub oldest_ms: Option<i64>,
}

impl Batch {
    /// What is counted of it; the records of gaps are no events.
    #[must_use]
    pub fn measure(&self) -> Measure {
        let mut measure = Measure::default();
        for event in self.events.iter().filter(|event| !matches!(event.origin, Origin::Gap(_))) {
            measure.events += 1;
            measure.bytes += event.value.len() as u64;
            measure.oldest_ms = [measure.oldest_ms, event.time_ms].into_iter().flatten().min();
        }
        measure
    }
}

impl Measure {
    /// Seconds from the oldest event's time to now; none where a server's clock is ahead of ours.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<f64> {
        // Any number may come from the network: as floats they cannot overflow.
        self.oldest_ms.map(|oldest| ((now.as_millisecond() as f64 - oldest as f64) / 1e3).max(0.0))
    }
}

/// A batch that waits for its receipt.
pub(super) struct Pending {
    ticket: Ticket,
    receipt: Receipt,
    measure: Measure,
    charge: Option<Box<dyn bayeux::Charge>>,
}

/// What became of it.
pub(super) struct Settled {
    pub(super) ticket: Ticket,
    pub(super) outcome: Result<(), Stop>,
    pub(super) measure: Measure,
    _charge: Option<Box<dyn bayeux::Charge>>,
}

impl Pending {
    pub(super) fn new(
        ticket: Ticket,
        receipt: Receipt,
        measure: Measure,
        charge: Option<Box<dyn bayeux::Charge>>,
    ) -> Self {
        Self { ticket, receipt, measure, charge }
    }
}

impl Future for Pending {
    type Output = Settled;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Settled> {
        let outcome = std::task::ready!(self.receipt.0.as_mut().poll(context));
        let (ticket, measure, charge) = (self.ticket, self.measure, self.charge.take());
        Poll::Ready(Settled { ticket, outcome, measure, _charge: charge })
    }
}
