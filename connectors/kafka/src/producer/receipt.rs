//! The receipt: one counter per batch, and one answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

use crate::Error;

/// Says whether Kafka has a batch: `Ok` once every record of it is acknowledged by all replicas in sync, else the first
/// failure. It always ends, at the latest when the producer is gone ([`Error::Lost`]); then, and after
/// [`Error::TimedOut`], records may be there all the same. Dropping it changes nothing about the records.
#[must_use = "a batch without its receipt is not known to be durable"]
pub struct Receipt {
    answer: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
}

impl Receipt {
    pub(super) fn new(answer: Answer, mut closed: watch::Receiver<()>) -> Receipt {
        let answer = async move {
            tokio::select! {
                biased;
                answer = answer => answer.unwrap_or(Err(Error::Lost)),
                // Ends when the producer's thread does. librdkafka may have kept a report to itself.
                () = async { while closed.changed().await.is_ok() {} } => Err(Error::Lost),
            }
        };
        Receipt { answer: Box::pin(answer) }
    }
}

impl Future for Receipt {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(context)
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receipt")
    }
}

pub(super) type Answer = oneshot::Receiver<Result<(), Error>>;

/// Counts the reports of one batch. librdkafka holds one reference per record.
#[derive(Debug)]
pub(super) struct Tally {
    /// Records without a report, plus one while the batch is open.
    pending: AtomicUsize,
    failure: OnceLock<Error>,
    answer: Mutex<Option<oneshot::Sender<Result<(), Error>>>>,
}

impl Tally {
    pub(super) fn new() -> (Tally, Answer) {
        let (sender, answer) = oneshot::channel();
        (Tally { pending: AtomicUsize::new(1), failure: OnceLock::new(), answer: Mutex::new(Some(sender)) }, answer)
    }

    /// One more record will be reported.
    pub(super) fn expect(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// A record expected before was never handed over.
    pub(super) fn take_back(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }

    /// A record's report, or the end of the batch's open time.
    pub(super) fn report(&self, failure: Option<Error>) {
        if let Some(failure) = failure {
            let _first_wins = self.failure.set(failure);
        }
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            let sender = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            let result = self.failure.get().cloned().map_or(Ok(()), Err);
            if let Some(sender) = sender {
                let _nobody_waits = sender.send(result);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answer: &mut Answer) -> Option<Result<(), Error>> {
        answer.try_recv().ok()
    }

    #[test]
    fn nothing_is_answered_before_the_batch_is_finished_and_every_record_reported() {
        let (tally, mut answer) = Tally::new();
        tally.expect();
        tally.report(None);
        assert_eq!(answered(&mut answer), None);
        tally.expect();
        tally.report(None);
        tally.expect();
        tally.report(None);
        assert_eq!(answered(&mut answer), None);
        tally.expect();
        tally.report(None);
        tally.report(None);
        assert_eq!(answered(&mut answer), Some(Ok(())));
    }

    #[test]
    fn the_first_failure_is_the_answer_once_all_reports_are_in() {
        let (tally, mut answer) = Tally::new();
        tally.expect();
        tally.expect();
        tally.report(Some(Error::Lost));
        tally.report(None);
        assert_eq!(answered(&mut answer), None);
        tally.report(Some(Error::Client { reason: "later".to_owned() }));
        assert_eq!(answered(&mut answer), Some(Err(Error::Lost)));
    }

    #[test]
    fn a_record_taken_back_is_not_waited_for() {
        let (tally, mut answer) = Tally::new();
        tally.expect();
        tally.take_back();
        tally.report(None);
        assert_eq!(answered(&mut answer), Some(Ok(())));
    }

    #[tokio::test]
    async fn a_report_that_never_comes_is_lost_with_the_producer() {
        let (open, closed) = watch::channel(());
        let (tally, answer) = Tally::new();
        tally.expect();
        tally.report(None);
        let receipt = Receipt::new(answer, closed);
        drop(open);
        assert_eq!(receipt.await, Err(Error::Lost));
    }
}
