//! To platform events: records as JSON objects, up to 200 a call, in the order in which they came.

use crate::config;
use crate::decide;
use crate::feed::{Event, Origin, Pace, Reason, Receipt, Settle, Sink, Status, Stop, Writing};
use async_trait::async_trait;
use bytes::Bytes;
use salesforce::{Disposition, Org, Row};
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A platform event as a sink.
pub(super) struct PlatformEvent {
    event: String,
    org: Org,
    status: Arc<Status>,
}

impl PlatformEvent {
    pub(super) fn new(to: &config::PlatformEventSink, org: Org, status: Arc<Status>) -> Self {
        Self { event: to.event.clone(), org, status }
    }
}

#[async_trait]
impl Sink for PlatformEvent {
    async fn open(&mut self) -> Result<Box<dyn Writing>, Stop> {
        self.org.token().await.map_err(|error| decide::salesforce(&error))?;
        let (jobs, waiting) = mpsc::channel(MOST_JOBS);
        let publisher = Publisher { event: self.event.clone(), org: self.org.clone(), status: self.status.clone() };
        Ok(Box::new(Publishing { jobs, publisher: tokio::spawn(publisher.run(waiting)) }))
    }
}

/// An open publisher: one call at a time, so that order is kept.
struct Publishing {
    jobs: mpsc::Sender<Job>,
    publisher: JoinHandle<()>,
}

struct Job {
    records: Vec<Outgoing>,
    settle: Settle,
}

struct Outgoing {
    value: Bytes,
    /// Where it came from, for people.
    place: String,
}

#[async_trait]
impl Writing for Publishing {
    fn cluster(&self) -> Option<&str> {
        None
    }

    async fn deliver(&mut self, events: Vec<Event>) -> Result<Receipt, Stop> {
        let (settle, receipt) = Receipt::new();
        let records = events.into_iter().map(Outgoing::from).collect();
        // A publisher that ended drops what it was given: the receipt says that it is lost.
        let _ = self.jobs.send(Job { records, settle }).await;
        Ok(receipt)
    }

    async fn close(&mut self) {
        self.publisher.abort();
        // Aborted, or ended before: either way it publishes nothing any more.
        let _ = (&mut self.publisher).await;
    }
}

impl Drop for Publishing {
    /// What was not answered is given up: a generation never outlives its successor.
    fn drop(&mut self) {
        self.publisher.abort();
    }
}

impl From<Event> for Outgoing {
    fn from(event: Event) -> Self {
        let place = match event.origin {
            Origin::Kafka { partition, offset } => {
                format!("topic {} partition {partition} offset {offset}", event.stream)
            }
            Origin::Salesforce(_) | Origin::Bayeux(_) | Origin::Gap(_) => event.stream.to_string(),
        };
        Self { value: event.value, place }
    }
}

struct Publisher {
    event: String,
    org: Org,
    status: Arc<Status>,
}

impl Publisher {
    /// Publishes until a call fails. What comes after it would be out of order, so it is dropped, and so is lost.
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut held = None;
        while let Some(first) = next(&mut held, &mut jobs).await {
            let mut call = vec![first];
            let mut records = call.first().map_or(0, |job| job.records.len());
            // What has queued up meanwhile goes along, as far as one call takes it.
            while let Ok(job) = jobs.try_recv() {
                if records + job.records.len() > RECORDS_A_CALL {
                    held = Some(job);
                    break;
                }
                records += job.records.len();
                call.push(job);
            }
            if !self.publish(call).await {
                return;
            }
        }
    }

    async fn publish(&self, call: Vec<Job>) -> bool {
        let mut bodies = Vec::new();
        let mut unfit = None;
        for record in call.iter().flat_map(|job| &job.records) {
            match json_object(record) {
                Ok(body) => bodies.push(body),
                // What comes before it is published all the same: whoever steps over it steps over nothing else.
                Err(stop) => {
                    unfit = Some(stop);
                    break;
                }
            }
        }
        let rows = match self.rows(&mut bodies, &mut unfit).await {
            Ok(rows) => rows,
            Err(stop) => return self.refuse(call, &stop),
        };
        let mut rows = rows.into_iter();
        for job in call {
            let outcome = job.records.iter().try_for_each(|record| match (rows.next(), &unfit) {
                (Some(row), _) => self.taken(record, &row),
                (None, Some(unfit)) => Err(Stop { text: format!("{}: {}", record.place, unfit.text), ..unfit.clone() }),
                (None, None) => Err(Stop::transient(Reason::Salesforce, "a row was not answered", QUICK)),
            });
            let failed = outcome.is_err();
            if failed {
                self.status.metrics().produce_errors.inc();
            }
            job.settle.settle(outcome);
            if failed {
                return false;
            }
        }
        true
    }

    /// The answers to `bodies`, up to the first that cannot be sent; that one is then `unfit`.
    async fn rows(&self, bodies: &mut Vec<&RawValue>, unfit: &mut Option<Stop>) -> Result<Vec<Row>, Stop> {
        loop {
            if bodies.is_empty() {
                return Ok(Vec::new());
            }
            match self.org.publish(&self.event, bodies).await {
                Err(salesforce::Error::Record { index, problem }) if index < bodies.len() => {
                    *unfit = Some(Stop::fatal(
                        Reason::Rejected,
                        format!("a record cannot be published: {problem}"),
                        REJECTED,
                    ));
                    bodies.truncate(index);
                }
                answered => return answered.map_err(|error| decide::salesforce(&error)),
            }
        }
    }

    /// Fails every job of a call with one reason.
    fn refuse(&self, call: Vec<Job>, stop: &Stop) -> bool {
        self.status.metrics().produce_errors.inc();
        for job in call {
            job.settle.settle(Err(stop.clone()));
        }
        false
    }

    /// Whether Salesforce took a record. Success is what `success` says: a list of errors is not empty then either, it
    /// names the event's uuid (Platform Events Developer Guide, "Publish event messages with REST API").
    fn taken(&self, record: &Outgoing, row: &Row) -> Result<(), Stop> {
        let Some(disposition) = row.disposition() else { return Ok(()) };
        let errors: Vec<String> = row.errors.iter().map(|error| format!("{}: {}", error.code, error.message)).collect();
        let text = format!("{} refused {}: {}", self.event, record.place, errors.join("; "));
        Err(match disposition {
            Disposition::Transient => Stop::transient(Reason::Salesforce, text, QUICK),
            Disposition::Fatal => {
                Stop::fatal(Reason::Salesforce, text, row.remedy().unwrap_or("see Salesforce's words; then restart"))
            }
            // Dead letters are not built yet.
            Disposition::Rejected => Stop::fatal(Reason::Rejected, text, REJECTED),
        })
    }
}

async fn next(held: &mut Option<Job>, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
    match held.take() {
        Some(job) => Some(job),
        None => jobs.recv().await,
    }
}

/// The record's JSON as it came, once it is known to be an object.
fn json_object(record: &Outgoing) -> Result<&RawValue, Stop> {
    let refused = |reason: String| Stop::fatal(Reason::Rejected, format!("not a JSON object: {reason}"), REJECTED);
    let body: &RawValue = serde_json::from_slice(&record.value).map_err(|error| refused(decide::chain(&error)))?;
    if body.get().starts_with('{') { Ok(body) } else { Err(refused("another type".to_owned())) }
}

/// sObject collections take so many records (REST API Developer Guide, "sObject Collections").
const RECORDS_A_CALL: usize = 200;
/// More than a source hands on before it hears of receipts.
const MOST_JOBS: usize = 2_048;
const QUICK: Pace = Pace::at_once(1, 60);
const REJECTED: &str = "let the topic's producer mend what it writes; to step over this one record, stop, set the consumer \
     group's offset of this partition to the one after it (kafka-consumer-groups --reset-offsets), and start: all before \
     it are published";
