use std::sync::Arc;
use std::time::Duration;

use kafka::{Change, Consumed, Consumer, Error, Lag, Offset, Start};

use crate::broker::{Broker, LIMIT, send_numbered, within};

fn consumer(broker: &Broker, group: &str, topic: &str) -> Consumer {
    Consumer::new(&broker.cluster, "test", group, &[topic.to_owned()], Start::Earliest).unwrap()
}

fn number(record: &Consumed) -> usize {
    std::str::from_utf8(record.value.as_ref().unwrap()).unwrap().parse().unwrap()
}

/// Polls until there are `count` records, at most `max` a time.
async fn take(consumer: &mut Consumer, count: usize, max: usize) -> Vec<usize> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        numbers.extend(within("records", consumer.poll(max)).await.unwrap().iter().map(number));
    }
    numbers
}

fn next(topic: &str, partition: i32, next: i64) -> Offset {
    Offset { topic: topic.into(), partition, next }
}

#[tokio::test]
async fn a_group_goes_on_where_it_committed() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("resumed", 1).await;
    within("the receipt", send_numbered(&broker.producer(), &topic, 0..20)).await.unwrap();

    let mut first = consumer(broker, "resumed", &topic);
    assert_eq!(take(&mut first, 10, 10).await, (0..10).collect::<Vec<_>>());
    assert_eq!(first.committed(LIMIT).await.unwrap(), []);
    first.commit(&[next(&topic, 0, 7)]).await.unwrap();
    assert_eq!(first.committed(LIMIT).await.unwrap(), [next(&topic, 0, 7)]);
    assert_eq!(first.lag(LIMIT).await.unwrap(), [Lag { topic: Arc::from(topic.as_str()), partition: 0, behind: 13 }]);
    within("leaving", first.close()).await;

    let mut second = consumer(broker, "resumed", &topic);
    assert_eq!(take(&mut second, 13, 100).await, (7..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_poll_that_is_given_up_takes_no_record_with_it() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("given-up", 1).await;
    within("the receipt", send_numbered(&broker.producer(), &topic, 0..2000)).await.unwrap();
    let mut consumer = consumer(broker, "given-up", &topic);
    let mut numbers = Vec::new();
    within("all records", async {
        while numbers.len() < 2000 {
            tokio::select! {
                biased;
                records = consumer.poll(7) => numbers.extend(records.unwrap().iter().map(number)),
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_missing_topic_is_an_error_of_the_poll() {
    let Some(broker) = Broker::shared() else { return };
    let mut consumer = consumer(broker, "missing-topic", "never-made");
    let polled = within("the error", consumer.poll(1)).await;
    assert_eq!(polled, Err(Error::TopicMissing { topic: "never-made".to_owned() }));
}

#[tokio::test]
async fn revoked_partitions_are_ours_until_the_next_poll_and_then_the_others() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("handed-over", 2).await;
    let mut first = consumer(broker, "handed-over", &topic);
    within("the assignment", async {
        while first.assignment().len() < 2 {
            first.poll(1).await.unwrap();
        }
    })
    .await;
    assert!(matches!(&*first.take_changes(), [Change::Assigned(all)] if all.len() == 2));

    let mut second = consumer(broker, "handed-over", &topic);
    let joining = tokio::spawn(async move {
        while second.assignment().is_empty() {
            second.poll(1).await.unwrap();
        }
        second
    });
    let revoked = within("the revocation", async {
        loop {
            first.poll(1).await.unwrap();
            if let Some(Change::Revoked(list)) = first.take_changes().into_iter().next() {
                break list;
            }
        }
    })
    .await;
    let [(_, partition)] = *revoked else { panic!("{revoked:?}") };
    assert!(first.owns(&topic, partition), "given up before the next poll");
    first.commit(&[next(&topic, partition, 0)]).await.unwrap();
    assert!(!joining.is_finished(), "two owners");

    let second = within("the hand-over", async {
        let polling = async {
            loop {
                first.poll(1).await.unwrap();
            }
        };
        tokio::select! {
            second = joining => second.unwrap(),
            () = polling => unreachable!(),
        }
    })
    .await;
    assert_eq!(second.assignment(), [(Arc::from(topic.as_str()), partition)]);
    assert!(!first.owns(&topic, partition));
    let late = first.commit(&[next(&topic, partition, 0), next(&topic, 1 - partition, 0)]).await;
    assert!(matches!(late, Err(Error::Evicted { .. })), "{late:?}");
    assert_eq!(
        first.committed(LIMIT).await.unwrap(),
        [next(&topic, 1 - partition, 0)],
        "what is still ours was committed"
    );
}

#[tokio::test]
async fn a_position_that_is_gone_is_told() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("gone", 1).await;
    within("the receipt", send_numbered(&broker.producer(), &topic, 0..3)).await.unwrap();
    let mut first = consumer(broker, "gone", &topic);
    take(&mut first, 3, 10).await;
    first.commit(&[next(&topic, 0, 1000)]).await.unwrap();
    within("leaving", first.close()).await;

    let mut second = consumer(broker, "gone", &topic);
    assert_eq!(take(&mut second, 3, 10).await, [0, 1, 2]);
    let changes = second.take_changes();
    assert!(
        changes.iter().any(|change| matches!(change, Change::Gap { detail } if detail.contains("gone [0]"))),
        "{changes:?}"
    );
}

#[tokio::test]
async fn a_paused_consumer_takes_nothing_and_goes_on_where_it_was() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("paused", 1).await;
    let producer = broker.producer();
    within("the receipt", send_numbered(&producer, &topic, 0..5)).await.unwrap();
    let mut consumer = consumer(broker, "paused", &topic);
    assert_eq!(take(&mut consumer, 2, 2).await, [0, 1]);
    consumer.pause().unwrap();
    within("the receipt", send_numbered(&producer, &topic, 5..10)).await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(700), consumer.poll(10)).await.is_err(),
        "a record while paused"
    );
    consumer.resume().unwrap();
    assert_eq!(take(&mut consumer, 8, 100).await, (2..10).collect::<Vec<_>>());
}
