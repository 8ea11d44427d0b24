use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use kafka::{Cluster, Creation, Error, GroupSeen, Look, Rights, Seen, Topic, TopicSeen};

use crate::broker::{Broker, LIMIT, cluster, nowhere, user};

/// Topics and groups to look at.
fn at(topics: &[&str], groups: &[&str]) -> Look {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Look { topics: owned(topics), groups: owned(groups), ..Look::default() }
}

/// Topics that might be created, with one partition and so many copies.
fn creations(topics: &[(&str, i32)]) -> Look {
    let topic = |(name, replication): &(&str, i32)| Topic {
        name: (*name).to_owned(),
        create: Some(Creation { partitions: 1, replication: *replication }),
    };
    Look { create: topics.iter().map(topic).collect(), ..Look::default() }
}

async fn seen(cluster: &Cluster, look: &Look) -> Seen {
    cluster.look(look, LIMIT).await.unwrap()
}

fn exists(partitions: i32, read: bool, write: bool) -> TopicSeen {
    let rights = Rights { read: Some(read), write: Some(write), describe: Some(true) };
    TopicSeen::Exists { partitions, rights }
}

#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(found: &BTreeMap<String, T>, expected: &[(&str, T)]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (name, expected) in expected {
        assert_eq!(found.get(*name), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_topic_tells_what_the_user_may_do_with_it() {
    let Some(broker) = Broker::guarded() else { return };
    for (name, partitions, operations) in [
        ("only-describe", 2, &["describe"][..]),
        ("only-read", 1, &["read"]),
        ("only-write", 1, &["write"]),
        ("both", 3, &["read", "write"]),
        ("hidden", 1, &[]),
    ] {
        broker.topic(name, partitions).await;
        for operation in operations {
            broker.allow("crossfeed", operation, &format!("topic:{name}"));
        }
    }
    broker.allow("crossfeed", "describe", "topic:missing");
    let names =
        ["only-describe", "only-read", "only-write", "both", "hidden", "missing", "hidden-or-missing", "missing"];
    let found = seen(&broker.seen_by("crossfeed"), &at(&names, &[])).await;
    check(
        &found.topics,
        &[
            ("only-describe", exists(2, false, false)),
            ("only-read", exists(1, true, false)),
            ("only-write", exists(1, false, true)),
            ("both", exists(3, true, true)),
            ("hidden", TopicSeen::Hidden),
            ("missing", TopicSeen::Missing),
            ("hidden-or-missing", TopicSeen::Hidden),
        ],
    );
    assert_eq!((found.cluster_id.len(), found.brokers), (22, 1));
    assert_eq!(found.may_create_topics, None, "who may not describe the cluster is told nothing about it");
}

#[tokio::test]
async fn a_group_tells_whether_the_user_may_join_it() {
    let Some(broker) = Broker::guarded() else { return };
    broker.allow("crossfeed", "read", "group:joined");
    broker.allow("crossfeed", "describe", "group:only-seen");
    let found = seen(&broker.seen_by("crossfeed"), &at(&[], &["joined", "only-seen", "foreign", "joined"])).await;
    check(
        &found.groups,
        &[
            ("joined", GroupSeen::Visible { read: Some(true) }),
            ("only-seen", GroupSeen::Visible { read: Some(false) }),
            ("foreign", GroupSeen::Hidden),
        ],
    );
}

#[tokio::test]
async fn a_creation_is_tried_and_nothing_is_created() {
    let Some(broker) = Broker::guarded() else { return };
    broker.topic("there-already", 1).await;
    for name in ["wanted", "three-copies-wanted", "no/slash", "there-already"] {
        broker.allow("crossfeed", "create", &format!("topic:{name}"));
    }
    let tried = [
        ("wanted", 1),
        ("three-copies-wanted", 3),
        ("no/slash", 1),
        ("there-already", 1),
        ("not-mine", 1),
        ("no-copies", -7),
    ];
    let mut look = creations(&tried);
    look.create.push(Topic { name: "never-created".to_owned(), create: None });
    let found = seen(&broker.seen_by("crossfeed"), &look).await;
    let invalid = |topic: &str, part: &str| match &found.creatable[topic] {
        Err(Error::TopicInvalid { topic: named, reason }) if named == topic && reason.contains(part) => {}
        other => panic!("{topic}: {other:?}"),
    };
    invalid("three-copies-wanted", "The target replication factor of 3 cannot be reached because only 1 broker(s)");
    invalid("no/slash", "contains one or more characters other than");
    invalid("no-copies", "replication_factor");
    assert_eq!(found.creatable["wanted"], Ok(()));
    assert_eq!(found.creatable["there-already"], Ok(()));
    assert!(matches!(&found.creatable["not-mine"], Err(Error::NotAllowed { .. })), "{found:?}");
    assert_eq!(found.creatable.len(), tried.len(), "{found:?}");

    let after = seen(&broker.cluster, &at(&["wanted", "three-copies-wanted"], &[])).await;
    check(&after.topics, &[("wanted", TopicSeen::Missing), ("three-copies-wanted", TopicSeen::Missing)]);
}

#[tokio::test]
async fn a_right_on_the_whole_cluster_is_told_to_those_who_may_describe_it() {
    let Some(broker) = Broker::guarded() else { return };
    let operator = broker.seen_by("operator");
    broker.allow("operator", "describe", "cluster:kafka-cluster");
    assert_eq!(seen(&operator, &Look::default()).await.may_create_topics, Some(false));
    broker.allow("operator", "create", "cluster:kafka-cluster");
    let found = seen(&operator, &creations(&[("of-any-name", 1)])).await;
    assert_eq!(found.may_create_topics, Some(true));
    check(&found.creatable, &[("of-any-name", Ok(()))]);
}

#[tokio::test]
async fn without_an_authorizer_everything_is_allowed() {
    let Some(broker) = Broker::shared() else { return };
    broker.topic("free", 1).await;
    let mut look = creations(&[("creatable", 1)]);
    look.topics = vec!["free".to_owned(), "absent".to_owned(), "no/slash".to_owned()];
    look.groups = vec!["anybody".to_owned()];
    let found = seen(&broker.cluster, &look).await;
    assert_eq!(found.may_create_topics, Some(true));
    assert_eq!(found.topics["free"], exists(1, true, true));
    assert_eq!(found.topics["absent"], TopicSeen::Missing);
    assert!(matches!(&found.topics["no/slash"], TopicSeen::Failed(Error::TopicInvalid { .. })), "{found:?}");
    check(&found.groups, &[("anybody", GroupSeen::Visible { read: Some(true) })]);
    check(&found.creatable, &[("creatable", Ok(()))]);
}

/// Looks for `limit`, and returns what went wrong by then.
async fn fails(cluster: &Cluster, limit: Duration) -> Error {
    let started = Instant::now();
    let error = cluster.look(&at(&["t"], &["g"]), limit).await.unwrap_err();
    let took = started.elapsed();
    assert!(took < limit + Duration::from_secs(2), "{limit:?} became {took:?}: {error}");
    error
}

#[tokio::test]
async fn a_wrong_password_is_told_in_librdkafkas_words() {
    let Some(broker) = Broker::guarded() else { return };
    let error = fails(&user(&broker.cluster.brokers, "crossfeed", "wr0ng"), LIMIT).await;
    assert!(matches!(&error, Error::NotAllowed { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("Authentication failed: Invalid username or password"), "{said}");
    assert!(!said.contains("wr0ng"), "{said}");
}

#[tokio::test]
async fn a_mechanism_the_broker_does_not_offer_is_told() {
    let Some(broker) = Broker::guarded() else { return };
    let mut cluster = broker.seen_by("crossfeed");
    cluster.librdkafka.insert("sasl.mechanism".to_owned(), "SCRAM-SHA-512".to_owned());
    let error = fails(&cluster, LIMIT).await;
    assert!(matches!(&error, Error::NotAllowed { .. }), "{error:?}");
    assert!(error.to_string().contains("Unsupported SASL mechanism"), "{error}");
}

#[tokio::test]
async fn tls_to_a_listener_without_it_is_told() {
    let Some(broker) = Broker::guarded() else { return };
    let tls = cluster(&broker.cluster.brokers, &[("security.protocol", "ssl")]);
    let error = fails(&tls, Duration::from_secs(3)).await;
    assert!(matches!(&error, Error::HungUp { .. }), "{error:?}");
    assert!(error.to_string().contains("connecting to a PLAINTEXT broker listener?"), "{error}");
}

#[tokio::test]
async fn no_sasl_where_it_is_wanted_is_told() {
    let Some(broker) = Broker::guarded() else { return };
    let error = fails(&cluster(&broker.cluster.brokers, &[]), Duration::from_secs(3)).await;
    assert!(matches!(&error, Error::HungUp { .. }), "{error:?}");
    assert!(error.to_string().contains("in state UP"), "{error}");
}

/// Answers every connection in the same way, and closes it.
fn listener(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let brokers = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _hung_up = connection.read(&mut [0; 512]).and_then(|_| connection.write_all(answer));
        }
    });
    brokers
}

#[tokio::test]
async fn what_is_not_kafka_is_told() {
    let error = fails(&cluster(&listener(b"HTTP/1.1 400 Bad Request\r\n\r\n"), &[]), Duration::from_secs(3)).await;
    assert!(matches!(&error, Error::HungUp { .. }), "{error:?}");
    assert!(error.to_string().contains("Invalid response size"), "{error}");
}

/// Kafka's TLS listener closes a connection that does not begin with a handshake.
#[tokio::test]
async fn plain_text_to_a_tls_listener_is_told() {
    let brokers = listener(b"");
    let error = fails(&cluster(&brokers, &[]), Duration::from_secs(3)).await;
    assert!(matches!(&error, Error::HungUp { .. }), "{error:?}");
    assert!(error.to_string().contains("in state APIVERSION_QUERY"), "{error}");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_unreachable_within_the_limit() {
    let error = fails(&nowhere(&[]), Duration::from_millis(500)).await;
    assert!(matches!(&error, Error::Unreachable { brokers, .. } if brokers == "127.0.0.1:1"), "{error:?}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_cluster_that_never_answers_is_unreachable_within_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = fails(&cluster(&listener.local_addr().unwrap().to_string(), &[]), Duration::from_millis(500)).await;
    assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_name_that_cannot_be_sent_is_refused_before_anything_is_asked() {
    for name in ["", "with\0zero"] {
        let refused = nowhere(&[]).look(&at(&[name], &[]), LIMIT).await;
        assert!(matches!(&refused, Err(Error::TopicInvalid { topic, .. }) if topic == name), "{refused:?}");
    }
    let refused = nowhere(&[]).look(&at(&[], &["with\0zero"]), LIMIT).await;
    assert!(matches!(&refused, Err(Error::Configuration { key, .. }) if key == "group.id"), "{refused:?}");
}
