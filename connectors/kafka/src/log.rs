//! What librdkafka says, in our words: its log lines to `tracing`, and one line for each change of reachability.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::error::KafkaError;
use rdkafka::error::RDKafkaErrorCode as Code;
use tracing::{debug, error, info, trace, warn};

use crate::Error;
use crate::error::{is_connection, is_refusal};

/// What one client has heard from librdkafka.
pub(crate) struct Log {
    client: String,
    brokers: String,
    down: AtomicBool,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    failure: Option<String>,
    /// That a broker hung up, or sent what is not Kafka's protocol: a TLS alert, an answer of HTTP.
    hung_up: Option<String>,
    refusal: Option<String>,
}

impl Log {
    pub(crate) fn new(client: &str, brokers: &str) -> Log {
        Log {
            client: client.to_owned(),
            brokers: brokers.to_owned(),
            down: AtomicBool::new(false),
            last: Mutex::default(),
        }
    }

    /// One line of librdkafka's log. Failed connections come once per broker and attempt: they are for debugging, the
    /// news is in [`Log::error`].
    pub(crate) fn line(&self, level: Level, facility: &str, line: &str) {
        let client = self.client.as_str();
        // With it `log.connection.close` lets through what never becomes an error: that a broker hung up.
        if facility == "FAIL" {
            self.failed(line.split_once("]: ").map_or(line, |(_thread, words)| words));
        }
        match level {
            _ if matches!(facility, "FAIL" | "ERROR" | "CONFWARN") => {
                debug!(target: "librdkafka", client, facility, "{line}")
            }
            _ if Log::is_gap(level, facility) => error!(target: "librdkafka", client, "{line}"),
            Level::Emerg | Level::Alert | Level::Critical | Level::Error | Level::Warning => {
                warn!(target: "librdkafka", client, facility, "{line}");
            }
            Level::Notice | Level::Info => debug!(target: "librdkafka", client, facility, "{line}"),
            Level::Debug => trace!(target: "librdkafka", client, facility, "{line}"),
        }
    }

    /// An error that belongs to no call.
    pub(crate) fn error(&self, error: &KafkaError, reason: &str) {
        let client = self.client.as_str();
        let Some(code) = error.rdkafka_error_code() else {
            warn!(target: "librdkafka", client, "{reason}");
            return;
        };
        if is_refusal(code) {
            if self.last().refusal.replace(reason.to_owned()).as_deref() != Some(reason) {
                warn!(target: "librdkafka", client, "not let in: {reason}");
            }
        } else if code == Code::AllBrokersDown {
            if !self.down.swap(true, Ordering::Relaxed) {
                let last = self.last().failure.clone().unwrap_or_else(|| reason.to_owned());
                warn!(target: "librdkafka", client, brokers = self.brokers, "no broker can be reached: {last}");
            }
        } else if is_connection(code) {
            debug!(target: "librdkafka", client, "{reason}");
            self.failed(reason);
        } else if code == Code::Fatal {
            warn!(target: "librdkafka", client, "fatal: {reason}");
        } else {
            debug!(target: "librdkafka", client, "{reason}");
        }
    }

    /// Whether a line of the log says that the position was gone and the consumer went on elsewhere.
    pub(crate) fn is_gap(level: Level, facility: &str) -> bool {
        facility == "OFFSET" && matches!(level, Level::Warning)
    }

    /// Whether no broker can be reached, as far as is known.
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Whether the cluster does not accept who we are, and no broker is left to try.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_down() && self.last().refusal.is_some()
    }

    /// A broker has answered. Called per record, so it costs one load while all is well.
    pub(crate) fn answered(&self) {
        if self.down.load(Ordering::Relaxed) && self.down.swap(false, Ordering::Relaxed) {
            // Whatever was said before, it let us in now.
            *self.last() = Last::default();
            info!(target: "librdkafka", client = self.client, brokers = self.brokers, "reached again");
        }
    }

    /// Why nobody answered: refused, where the cluster said so, else unreachable.
    pub(crate) fn unanswered(&self) -> Error {
        let last = self.last();
        match (&last.refusal, &last.failure) {
            (Some(reason), _) => Error::NotAllowed { reason: reason.clone() },
            (None, failure) => Error::Unreachable {
                brokers: self.brokers.clone(),
                reason: failure.clone().unwrap_or_else(|| "no answer in time".to_owned()),
            },
        }
    }

    /// As [`Log::unanswered`], for a client that has never had an answer: a listener that does nothing but hang up was not
    /// spoken to as it wants. librdkafka has hints for that, but 2.12 never gives them: `rd_kafka_broker_set_error` looks
    /// for "Disconnected" in a format, which is always `%s`.
    pub(crate) fn never_answered(&self) -> Error {
        let hung_up = self.last().hung_up.clone();
        match (self.unanswered(), hung_up) {
            (Error::Unreachable { brokers, .. }, Some(reason)) => Error::HungUp { brokers, reason },
            (error, _) => error,
        }
    }

    fn failed(&self, reason: &str) {
        let mut last = self.last();
        last.failure = Some(reason.to_owned());
        if reason.contains("Disconnected") || reason.contains("Receive failed") {
            last.hung_up = Some(reason.to_owned());
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
