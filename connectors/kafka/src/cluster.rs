//! A cluster as configured: its addresses, and the librdkafka settings the user passes through.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::Error;
use crate::error::from_client;

/// Where a cluster is and how to talk to it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Bootstrap addresses, `host:port`, separated by commas.
    pub brokers: String,
    /// librdkafka settings passed through as they are (`CONFIGURATION.md` of librdkafka), minus those that [`guarded`] keeps.
    pub librdkafka: BTreeMap<String, String>,
}

impl Cluster {
    /// Checks every passed-through setting without connecting: [`Error::Configuration`] names the first one that is
    /// guarded, unknown or has a value librdkafka does not take.
    pub fn check(&self) -> Result<(), Error> {
        self.settings("check", &[], &[])?.create_native_config().map(drop).map_err(|e| from_client(e, None))
    }

    /// librdkafka's settings for one client: `defaults` give way to the user's, `fixed` do not.
    pub(crate) fn settings(
        &self,
        client_id: &str,
        defaults: &[(&str, &str)],
        fixed: &[(&str, &str)],
    ) -> Result<ClientConfig, Error> {
        if self.brokers.trim().is_empty() {
            return Err(Error::Configuration {
                key: "bootstrap.servers".to_owned(),
                reason: "no broker is given".to_owned(),
            });
        }
        let mut config = ClientConfig::new();
        for (key, value) in COMMON.iter().chain(defaults) {
            config.set(*key, *value);
        }
        for (key, value) in &self.librdkafka {
            if let Some(reason) = guarded(key) {
                return Err(Error::Configuration { key: key.clone(), reason: reason.to_owned() });
            }
            config.set(key, value);
        }
        config.set("bootstrap.servers", &self.brokers).set("client.id", client_id);
        for (key, value) in fixed {
            config.set(*key, *value);
        }
        // Always at least this level: the warning that offsets were reset must arrive, whatever the filter shows.
        let level = if tracing::enabled!(target: "librdkafka", tracing::Level::TRACE) {
            RDKafkaLogLevel::Debug
        } else {
            RDKafkaLogLevel::Info
        };
        config.set_log_level(level);
        Ok(config)
    }
}

/// Names the settings, never their values: passwords are among them.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("brokers", &self.brokers).field("librdkafka", &self.librdkafka.keys()).finish()
    }
}

/// Why a librdkafka setting may not be passed through: it carries a guarantee, or belongs to this crate. `None`: it may.
#[must_use]
pub fn guarded(key: &str) -> Option<&'static str> {
    GUARDED.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, reason)| *reason)
}

const GUARDED: &[(&[&str], &str)] = &[
    (&["bootstrap.servers", "metadata.broker.list"], "is given as `brokers`"),
    (&["client.id"], "is chosen per client, so that a broker's log tells the feeds apart"),
    (&["enable.idempotence"], "is always on: without it a retry could write a record twice or out of order"),
    (
        &["acks", "request.required.acks"],
        "is always `all`: with less, a receipt would not mean that the record is safe",
    ),
    (&["max.in.flight", "max.in.flight.requests.per.connection"], "is at most 5, or retries could change the order"),
    (&["retries", "message.send.max.retries"], "is unlimited: a record is given up by time, not by count"),
    (&["enable.gapless.guarantee"], "would end the producer for good at the first record that times out"),
    (&["queuing.strategy"], "is always fifo, or the order would change"),
    (&["delivery.report.only.error"], "would leave out the reports that a receipt is made of"),
    (&["partitioner"], "is always `murmur2_random`: a key goes to the partition every JVM producer chooses"),
    (&["queue.buffering.max.kbytes", "queue.buffering.max.messages"], "comes from the byte budget of the process"),
    (&["transactional.id", "transaction.timeout.ms"], "is chosen per feed, so that it fences exactly its predecessor"),
    (&["group.id"], "is given where the topics are"),
    (&["group.instance.id"], "would make a planned stop invisible to the group until the session ends"),
    (
        &["group.protocol", "group.protocol.type", "group.remote.assignor"],
        "is always `classic`: hand-over of partitions is built on it",
    ),
    (&["partition.assignment.strategy"], "is always `cooperative-sticky`: only what moves is interrupted"),
    (
        &["enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms"],
        "is always off: an offset is committed when its record is done, not when it was read",
    ),
    (&["enable.auto.offset.store", "offset.store.method"], "is always off, as automatic commits are"),
    (&["auto.offset.reset"], "is given as `start`"),
    (&["isolation.level"], "is always `read_committed`: records of an aborted transaction never happened"),
    (&["enable.partition.eof"], "is the crate's own: ends of partitions are no records"),
    (&["topic.blacklist"], "would leave topics out without a word"),
    (&["allow.auto.create.topics"], "is always off: a mistyped topic is an error, not a new topic"),
    (&["log_level", "log.queue"], "belongs to the logging of the process"),
];

const COMMON: &[(&str, &str)] = &[
    // A broker that restarts is back in use within two seconds, not ten.
    ("reconnect.backoff.max.ms", "2000"),
    // Load balancers and NATs forget an idle connection without telling; a feed may be idle for days.
    ("socket.keepalive.enable", "true"),
    // Brokers close idle connections; that is no news.
    ("log.connection.close", "false"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn cluster(settings: &[(&str, &str)]) -> Cluster {
        let librdkafka = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Cluster { brokers: "localhost:9092".to_owned(), librdkafka }
    }

    #[track_caller]
    fn refused(settings: &[(&str, &str)], key: &str) -> String {
        match cluster(settings).check() {
            Err(Error::Configuration { key: named, reason }) if named == key => reason,
            other => panic!("{settings:?}: {other:?}"),
        }
    }

    #[test]
    fn what_may_pass_passes() {
        cluster(&[("security.protocol", "sasl_ssl"), ("sasl.password", "s3cret"), ("linger.ms", "20")])
            .check()
            .unwrap();
    }

    #[test]
    fn what_carries_a_guarantee_is_refused_by_name() {
        for key in [
            "acks",
            "request.required.acks",
            "enable.idempotence",
            "group.instance.id",
            "isolation.level",
            "partitioner",
        ] {
            refused(&[(key, "1")], key);
        }
    }

    #[test]
    fn unknown_settings_and_values_are_refused_by_name() {
        refused(&[("linger", "20")], "linger");
        assert!(refused(&[("security.protocol", "tls")], "security.protocol").contains("tls"));
    }

    #[test]
    fn no_value_of_a_passed_through_setting_is_ever_shown() {
        let cluster = cluster(&[("sasl.password", "s3cret")]);
        assert!(!format!("{cluster:?}").contains("s3cret"));
        assert!(
            !refused(&[("sasl.oauthbearer.client.secret.x", "s3cret")], "sasl.oauthbearer.client.secret.x")
                .contains("s3cret")
        );
    }

    #[test]
    fn every_guarded_setting_is_one_librdkafka_knows() {
        let known = |key: &str| {
            ClientConfig::new()
                .set(key, "?")
                .create_native_config()
                .err()
                .is_none_or(|e| !e.to_string().contains("No such"))
        };
        for key in GUARDED.iter().flat_map(|(keys, _)| *keys) {
            assert!(known(key), "{key}");
        }
    }
}
