//! Ways out, one file each. A new one is a file, a variant of [`config::To`] and an arm here.

mod kafka;
mod platform_event;

use crate::config::{self, To};
use crate::feed::{Pace, Reason, Sink, Status, Stop};
use crate::process::Shared;
use ::kafka::Error as KafkaError;
use salesforce::{Disposition, Error as SalesforceError};
use std::sync::Arc;

/// The sink of a feed.
#[must_use]
pub(crate) fn build(feed: &config::Feed, shared: &Shared, status: &Arc<Status>) -> Option<Box<dyn Sink>> {
    Some(match &feed.to {
        To::Kafka(to) => {
            let cluster = shared.clusters.get(&to.cluster)?.clone();
            Box::new(kafka::Kafka::new(feed, to, cluster, shared, status.clone()))
        }
        To::PlatformEvent(to) => {
            let org = shared.orgs.get(&to.org)?.clone();
            Box::new(platform_event::PlatformEvent::new(to, org.gate, status.clone()))
        }
    })
}

/// What a feed does about an error of Kafka's.
pub(crate) fn kafka_stop(error: &KafkaError) -> Stop {
    let quick = Pace::at_once(1, 60);
    match error {
        KafkaError::TopicMissing { .. } => Stop::fatal(
            Reason::Topic,
            error,
            "create the topic, or let the feed do it: create = { partitions = 3, replication = 3 } in its `to.kafka`",
        ),
        KafkaError::TopicInvalid { .. } => {
            Stop::fatal(Reason::Topic, error, "mend the topic's name, partitions or replication in the configuration")
        }
        KafkaError::NotAllowed { .. } => {
            Stop::fatal(Reason::Kafka, error, "check the credentials in [kafka.NAME] librdkafka, and the user's ACLs")
        }
        KafkaError::Rejected { .. } => Stop::fatal(
            Reason::Rejected,
            error,
            "let the topic take it (max.message.bytes, compaction needs a key), then restart: nothing after it was skipped",
        ),
        KafkaError::Configuration { .. } => {
            Stop::fatal(Reason::Kafka, error, "mend [kafka.NAME] librdkafka in the configuration")
        }
        KafkaError::Unreachable { .. } => Stop::transient(Reason::Kafka, error, Pace::growing(1, 60)),
        KafkaError::Lost | KafkaError::TimedOut { .. } => Stop::transient(Reason::Receipt, error, quick),
        _ => Stop::transient(Reason::Kafka, error, quick),
    }
}

/// What a feed does about an error of Salesforce's.
pub(crate) fn salesforce_stop(error: &SalesforceError) -> Stop {
    let reason = match error {
        SalesforceError::Login { .. } => Reason::Login,
        SalesforceError::Unauthorized { .. } => Reason::Unauthorized,
        SalesforceError::Transport { .. } => Reason::Transport,
        SalesforceError::Throttled { .. } => Reason::Busy,
        SalesforceError::Record { .. } => Reason::Rejected,
        _ => Reason::Salesforce,
    };
    let remedy = || error.remedy().unwrap_or("see Salesforce's words; then restart").to_owned();
    match (error.disposition(), error) {
        (Disposition::Transient, SalesforceError::Throttled { .. }) => {
            Stop::transient(reason, error, Pace::growing(60, 300))
        }
        (Disposition::Transient, _) => Stop::transient(reason, chain(error), Pace::growing(1, 60)),
        // Dead letters are not built yet: one record that Salesforce refuses stops the feed.
        (Disposition::Fatal | Disposition::Rejected, _) => Stop::fatal(reason, error, remedy()),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}
