use std::time::Duration;

use kafka::{Creation, Ensured, Error, Producer, Topic, ranges};

use crate::broker::{Broker, LIMIT, nowhere};

fn topic(name: &str, create: Option<(i32, i32)>) -> Topic {
    Topic {
        name: name.to_owned(),
        create: create.map(|(partitions, replication)| Creation { partitions, replication }),
    }
}

#[tokio::test]
async fn a_missing_topic_is_named_and_not_created_by_asking() {
    let Some(broker) = Broker::shared() else { return };
    let producer = broker.producer();
    for _ in 0..2 {
        let missing = producer.ensure_topic(&topic("missing", None), LIMIT).await;
        assert_eq!(missing, Err(Error::TopicMissing { topic: "missing".to_owned() }));
    }
    assert_eq!(
        ranges(&broker.cluster, "missing", LIMIT).await,
        Err(Error::TopicMissing { topic: "missing".to_owned() })
    );
}

#[tokio::test]
async fn a_topic_is_created_once_and_left_as_it_is_later() {
    let Some(broker) = Broker::shared() else { return };
    let producer = broker.producer();
    let first = producer.ensure_topic(&topic("ensured", Some((3, 1))), LIMIT).await;
    assert_eq!(first, Ok(Ensured { partitions: 3, created: true }));
    let again = producer.ensure_topic(&topic("ensured", Some((7, 1))), LIMIT).await;
    assert_eq!(again, Ok(Ensured { partitions: 3, created: false }));
    let only_asked = producer.ensure_topic(&topic("ensured", None), LIMIT).await;
    assert_eq!(only_asked, Ok(Ensured { partitions: 3, created: false }));
}

#[tokio::test]
async fn a_topic_the_cluster_cannot_make_is_invalid() {
    let Some(broker) = Broker::shared() else { return };
    let producer = broker.producer();
    for (name, partitions, replication) in [("no/slash", 1, 1), ("three-copies", 1, 3)] {
        let refused = producer.ensure_topic(&topic(name, Some((partitions, replication))), LIMIT).await;
        assert!(matches!(&refused, Err(Error::TopicInvalid { topic, .. }) if topic == name), "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn a_topic_cannot_be_ensured_without_a_broker() {
    let producer = Producer::new(&nowhere(&[]), "test", 1 << 20).unwrap();
    let refused = producer.ensure_topic(&topic("t", Some((1, 1))), Duration::from_millis(500)).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
}
