//! What can go wrong, by what a caller does about it.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// A failure, with a variant for each thing a caller does differently. None of them carries a payload or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No broker answered in time. It may well later.
    #[error("no broker of {brokers} can be reached: {reason}")]
    Unreachable {
        /// The addresses that were tried.
        brokers: String,
        /// What librdkafka last said.
        reason: String,
    },
    /// Somebody is there and ends every connection, as a listener does that is spoken to in a wrong `security.protocol`
    /// (plain text for TLS, TLS for plain text, no SASL where it is wanted), or that misses the client's certificate. A
    /// broker that is only starting may do so too.
    #[error("{brokers} ends every connection, check security.protocol and the client's certificate: {reason}")]
    HungUp {
        /// The addresses that were tried.
        brokers: String,
        /// What librdkafka said.
        reason: String,
    },
    /// The topic does not exist, and nobody asked to create it.
    #[error("topic {topic} does not exist")]
    TopicMissing {
        /// Its name.
        topic: String,
    },
    /// The topic cannot be created as asked: a name, a number of partitions or a replication the cluster does not take.
    #[error("topic {topic} cannot be created: {reason}")]
    TopicInvalid {
        /// Its name.
        topic: String,
        /// What the cluster said.
        reason: String,
    },
    /// The cluster knows who we are and refuses, or does not accept our credentials. A person has to act.
    #[error("not allowed: {reason}")]
    NotAllowed {
        /// What was refused, by which rule.
        reason: String,
    },
    /// Kafka will never take this record as it is: too large, against the topic's rules, an impossible time.
    #[error("topic {topic} takes no such record: {reason}")]
    Rejected {
        /// The topic that refuses it.
        topic: String,
        /// Why.
        reason: String,
    },
    /// There was no answer in time, and whether it was done is not known.
    #[error("timed out: {reason}")]
    TimedOut {
        /// What was waited for.
        reason: String,
    },
    /// The consumer group has moved on without this member: what it polled may belong to another one by now.
    #[error("the consumer group went on without this member: {reason}")]
    Evicted {
        /// What the coordinator said.
        reason: String,
    },
    /// A newer client with the same identity has taken over. This one must never write again.
    #[error("fenced by a newer client: {reason}")]
    Fenced {
        /// What the broker said.
        reason: String,
    },
    /// This client cannot go on; a new one can.
    #[error("the client has failed for good: {reason}")]
    Fatal {
        /// What librdkafka said.
        reason: String,
    },
    /// The producer went away before Kafka had answered. The record may or may not be there.
    #[error("the producer went away before Kafka answered")]
    Lost,
    /// A setting is unknown, has a value librdkafka does not take, or is not the user's to choose.
    #[error("librdkafka setting {key}: {reason}")]
    Configuration {
        /// The setting's name, empty where librdkafka names none.
        key: String,
        /// What is wrong with it. Never its value where that might be a secret.
        reason: String,
    },
    /// Everything else, mostly of the kind that goes away by itself.
    #[error("{reason}")]
    Client {
        /// What librdkafka said.
        reason: String,
    },
}

/// What a broker's or librdkafka's code means; `topic` where one was spoken of.
pub(crate) fn classify(code: Code, topic: Option<&str>) -> Error {
    let reason = text(code);
    let topic = topic.unwrap_or("?").to_owned();
    match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic => Error::TopicMissing { topic },
        Code::InvalidTopic
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidReplicaAssignment
        | Code::InvalidConfig => Error::TopicInvalid { topic, reason },
        Code::TopicAuthorizationFailed => Error::NotAllowed { reason: format!("{reason} (topic {topic})") },
        Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::Authentication
        | Code::SSL => Error::NotAllowed { reason },
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::UnsupportedForMessageFormat
        | Code::PolicyViolation => Error::Rejected { topic, reason },
        Code::MessageTimedOut | Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue => {
            Error::TimedOut { reason }
        }
        Code::UnknownMemberId
        | Code::IllegalGeneration
        | Code::RebalanceInProgress
        | Code::AssignmentLost
        | Code::FencedInstanceId
        | Code::PollExceeded => Error::Evicted { reason },
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Error::Fenced { reason },
        Code::Fatal | Code::GaplessGuarantee | Code::Inconsistent => Error::Fatal { reason },
        Code::PurgeQueue | Code::PurgeInflight => Error::Lost,
        _ => Error::Client { reason },
    }
}

/// The error of a call that spoke of no topic, or of `topic`.
pub(crate) fn from_client(error: KafkaError, topic: Option<&str>) -> Error {
    match error {
        KafkaError::ClientConfig(_, description, key, _) => {
            Error::Configuration { reason: without_value(&key, description), key }
        }
        KafkaError::ClientCreation(description) => Error::Configuration { key: String::new(), reason: description },
        KafkaError::MessageConsumptionFatal(code) => match classify(code, topic) {
            fenced @ Error::Fenced { .. } => fenced,
            _ => Error::Fatal { reason: text(code) },
        },
        error => match error.rdkafka_error_code() {
            Some(code) => classify(code, topic),
            None => Error::Client { reason: error.to_string() },
        },
    }
}

/// Whether a code only says that brokers are away: librdkafka goes on trying by itself.
pub(crate) fn is_connection(code: Code) -> bool {
    matches!(code, Code::AllBrokersDown | Code::BrokerTransportFailure | Code::Resolve | Code::OperationTimedOut)
}

/// Whether a code says that the cluster does not accept who we are.
pub(crate) fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Authentication | Code::SaslAuthenticationFailed | Code::SSL | Code::UnsupportedSASLMechanism)
}

/// librdkafka's words for a code.
pub(crate) fn text(code: Code) -> String {
    KafkaError::Global(code).to_string().trim_start_matches("Global error: ").to_owned()
}

// librdkafka quotes the value it does not like.
fn without_value(key: &str, description: String) -> String {
    if ["password", "secret", "key", "token", "jaas", "config"].iter().any(|word| key.contains(word)) {
        "its value is not accepted".to_owned()
    } else {
        description
    }
}
