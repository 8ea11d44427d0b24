//! What a feed does about an error of a connector's: the one place where that is decided.

use crate::feed::{Pace, Reason, Stop};

/// What a feed does about an error of Kafka's.
pub(crate) fn kafka(error: &::kafka::Error) -> Stop {
    let quick = Pace::at_once(1, 60);
    match error {
        ::kafka::Error::TopicMissing { .. } => Stop::fatal(
            Reason::Topic,
            error,
            "create the topic, or let the feed do it: create = { partitions = 3, replication = 3 } in its `to.kafka`",
        ),
        ::kafka::Error::TopicInvalid { .. } => {
            Stop::fatal(Reason::Topic, error, "mend the topic's name, partitions or replication in the configuration")
        }
        ::kafka::Error::NotAllowed { .. } => {
            Stop::fatal(Reason::Kafka, error, "check the credentials in [kafka.NAME] librdkafka, and the user's ACLs")
        }
        ::kafka::Error::Rejected { .. } => Stop::fatal(
            Reason::Rejected,
            error,
            "let the topic take it (max.message.bytes, compaction needs a key), then restart: nothing after it was skipped",
        ),
        ::kafka::Error::Configuration { .. } => {
            Stop::fatal(Reason::Kafka, error, "mend [kafka.NAME] librdkafka in the configuration")
        }
        ::kafka::Error::Unreachable { .. } => Stop::transient(Reason::Kafka, error, Pace::growing(1, 60)),
        ::kafka::Error::Lost | ::kafka::Error::TimedOut { .. } => Stop::transient(Reason::Receipt, error, quick),
        _ => Stop::transient(Reason::Kafka, error, quick),
    }
}

/// What a feed does about an error of Salesforce's.
pub(crate) fn salesforce(error: &::salesforce::Error) -> Stop {
    let reason = match error {
        ::salesforce::Error::Login { .. } | ::salesforce::Error::Remembered { .. } => Reason::Login,
        ::salesforce::Error::Unauthorized { .. } | ::salesforce::Error::FreshTokens { .. } => Reason::Unauthorized,
        ::salesforce::Error::Transport { .. } => Reason::Transport,
        ::salesforce::Error::Certificate { .. } | ::salesforce::Error::Proxy { .. } => Reason::Transport,
        ::salesforce::Error::Throttled { .. } => Reason::Busy,
        ::salesforce::Error::Record { .. } => Reason::Rejected,
        _ => Reason::Salesforce,
    };
    match (error.disposition(), error) {
        (::salesforce::Disposition::Transient, ::salesforce::Error::Throttled { .. }) => {
            Stop::transient(reason, error, Pace::growing(60, 300)).advising(error.remedy())
        }
        (::salesforce::Disposition::Transient, _) => {
            Stop::transient(reason, chain(error), Pace::growing(1, 60)).advising(error.remedy())
        }
        // Dead letters are not built yet: one record that Salesforce refuses stops the feed.
        (::salesforce::Disposition::Fatal | ::salesforce::Disposition::Rejected, _) => {
            Stop::fatal(reason, error, error.remedy().unwrap_or("see Salesforce's words; then restart"))
        }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
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
