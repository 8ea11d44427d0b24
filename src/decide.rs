//! What a feed does about an error of a connector's: the one place where that is decided.

use crate::feed::{Pace, Reason, Stop};

/// What a feed does about an error of Kafka's.
pub(crate) fn kafka(error: &::kafka::Error) -> Stop {
    let quick = Pace::at_once(1, 60);
    match error {
        ::kafka::Error::TopicMissing { .. } => Stop::fatal(Reason::Topic, error, CREATE_TOPIC),
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
        ::salesforce::Error::Credential { .. } => Reason::Login,
        ::salesforce::Error::Unauthorized { .. } | ::salesforce::Error::FreshTokens { .. } => Reason::Unauthorized,
        ::salesforce::Error::Transport { .. } => Reason::Transport,
        ::salesforce::Error::Certificate { .. } | ::salesforce::Error::Proxy { .. } => Reason::Transport,
        ::salesforce::Error::Throttled { .. } => Reason::Busy,
        ::salesforce::Error::Reserved { .. } => Reason::Limit,
        ::salesforce::Error::Record { .. } => Reason::Rejected,
        _ => Reason::Salesforce,
    };
    // Whoever answered said how long to wait: sooner is vain, and from there on it grows as it would have.
    let asked = |pace: Pace| match error.wait() {
        Some(wait) => Pace { first: pace.first.max(wait), from: pace.from.max(wait), to: pace.to.max(wait) },
        None => pace,
    };
    let pace = match error {
        ::salesforce::Error::Throttled { scope: ::salesforce::Scope::Concurrent, .. } => Pace::growing(5, 60),
        ::salesforce::Error::Throttled { scope: ::salesforce::Scope::Daily, .. } => Pace::growing(600, 3600),
        ::salesforce::Error::Throttled { .. } => Pace::growing(60, 300),
        _ => Pace::growing(1, 60),
    };
    match error.disposition() {
        ::salesforce::Disposition::Transient => {
            Stop::transient(reason, chain(error), asked(pace)).advising(error.remedy())
        }
        // Dead letters are not built yet: one record that Salesforce refuses stops the feed.
        ::salesforce::Disposition::Fatal | ::salesforce::Disposition::Rejected => {
            Stop::fatal(reason, chain(error), error.remedy().unwrap_or("see Salesforce's words; then restart"))
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

/// What to do about a topic that is not there and is not to be created.
pub(crate) const CREATE_TOPIC: &str =
    "create the topic, or let the feed do it: create = { partitions = 3, replication = 3 } in its `to.kafka`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Decision;
    use std::time::Duration;

    #[test]
    fn a_wait_that_salesforce_asks_for_is_kept() {
        let check = |scope, seconds: Option<u64>, first: u64, to: u64| {
            let (code, message, request_id) = (String::new(), String::new(), None);
            let retry_after = seconds.map(Duration::from_secs);
            let error = ::salesforce::Error::Throttled { status: 403, code, message, scope, retry_after, request_id };
            let Decision::Transient(pace) = salesforce(&error).decision else { panic!("{scope:?} is not transient") };
            assert_eq!((pace.first, pace.to), (Duration::from_secs(first), Duration::from_secs(to)), "{scope:?}");
        };
        check(::salesforce::Scope::Concurrent, None, 5, 60);
        check(::salesforce::Scope::Concurrent, Some(90), 90, 90);
        check(::salesforce::Scope::Other, Some(1), 60, 300);
        check(::salesforce::Scope::Daily, None, 600, 3600);
    }
}
