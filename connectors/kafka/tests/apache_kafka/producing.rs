use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka::{Error, Producer, Record, Sent, read_all};

use crate::broker::{Broker, LIMIT, nowhere, send_numbered, within};

#[tokio::test]
async fn a_receipt_means_that_every_record_is_there_as_it_was_sent() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("as-sent", 1).await;
    let producer = broker.producer();
    let mut batch = producer.batch();
    let headers: &[(&str, &[u8])] = &[("channel", b"/event/A__e"), ("empty", b"")];
    for number in 0..1000 {
        let value = format!("value {number}");
        let record = Record {
            topic: &topic,
            key: Some(b"key"),
            value: value.as_bytes(),
            time_ms: Some(1_700_000_000_000 + number),
            headers,
            ..Record::default()
        };
        assert_eq!(batch.send(&record), Ok(Sent::Queued));
    }
    within("the receipt", batch.finish()).await.unwrap();

    let records = read_all(&broker.cluster, &topic, LIMIT).await.unwrap();
    assert_eq!(records.len(), 1000);
    for (number, record) in records.iter().enumerate() {
        assert_eq!((&*record.topic, record.partition, record.offset), (&*topic, 0, number as i64));
        assert_eq!(record.key.as_deref(), Some(b"key".as_slice()));
        assert_eq!(record.value.as_deref(), Some(format!("value {number}").as_bytes()));
        assert_eq!(record.time_ms, Some(1_700_000_000_000 + number as i64));
        let headers: Vec<_> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref().unwrap())).collect();
        assert_eq!(headers, [("channel", b"/event/A__e".as_slice()), ("empty", b"")]);
    }
}

#[tokio::test]
async fn an_empty_batch_is_durable_at_once() {
    let producer = Producer::new(&nowhere(&[]), "test", 1 << 20).unwrap();
    within("the receipt", producer.batch().finish()).await.unwrap();
}

/// Expectations printed by `Utils.toPositive(Utils.murmur2(key)) % 10` of kafka-clients 4.3.1.
#[tokio::test]
async fn keys_go_to_the_partition_the_java_client_chooses() {
    let Some(broker) = Broker::shared() else { return };
    let expected = [
        ("", 1),
        ("a", 4),
        ("key", 1),
        ("0015g00000XyZ1AAAV", 7),
        ("0015g00000XyZ2AAAV", 0),
        ("0065g00000AbCdEAAW", 4),
        ("Ümläut", 7),
        ("order-42", 4),
        ("f9c1b0de-6f7f-4b9e-9d4a-0b1f6f0d9a11", 1),
        ("The quick brown fox jumps over the lazy dog", 8),
    ];
    let topic = broker.topic("placed", 10).await;
    let producer = broker.producer();
    let mut batch = producer.batch();
    for (key, _) in expected {
        let record = Record { topic: &topic, key: Some(key.as_bytes()), value: key.as_bytes(), ..Record::default() };
        assert_eq!(batch.send(&record), Ok(Sent::Queued));
    }
    within("the receipt", batch.finish()).await.unwrap();
    let records = read_all(&broker.cluster, &topic, LIMIT).await.unwrap();
    for (key, partition) in expected {
        let found = records.iter().find(|record| record.key.as_deref() == Some(key.as_bytes())).unwrap();
        assert_eq!(found.partition, partition, "{key:?}");
    }
}

#[tokio::test]
async fn a_record_the_broker_finds_too_large_fails_the_receipt_and_no_neighbour() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("too-large", 1).await;
    let producer = broker.producer();
    let large = incompressible(1_500_000);
    let mut batch = producer.batch();
    for value in [b"before".as_slice(), &large, b"after"] {
        assert_eq!(batch.send(&Record { topic: &topic, value, ..Record::default() }), Ok(Sent::Queued));
    }
    match within("the receipt", batch.finish()).await {
        Err(Error::Rejected { topic: refusing, .. }) => assert_eq!(refusing, topic),
        other => panic!("{other:?}"),
    }
    let values: Vec<_> =
        read_all(&broker.cluster, &topic, LIMIT).await.unwrap().into_iter().filter_map(|record| record.value).collect();
    assert_eq!(values, ["before", "after"]);
}

#[tokio::test]
async fn a_record_that_is_refused_at_once_is_no_part_of_its_batch() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("refused-at-once", 1).await;
    let producer = broker.producer();
    let mut batch = producer.batch();
    for size in [17 << 20, 33 << 20] {
        let value = vec![0; size];
        let refused = batch.send(&Record { topic: &topic, value: &value, ..Record::default() });
        assert!(matches!(refused, Err(Error::Rejected { .. })), "{refused:?}");
    }
    assert_eq!(batch.send(&Record { topic: &topic, value: b"small", ..Record::default() }), Ok(Sent::Queued));
    within("the receipt", batch.finish()).await.unwrap();
    assert_eq!(read_all(&broker.cluster, &topic, LIMIT).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_topic_that_does_not_exist_fails_the_receipt() {
    let Some(broker) = Broker::shared() else { return };
    let mut cluster = broker.cluster.clone();
    cluster.librdkafka.insert("topic.metadata.propagation.max.ms".to_owned(), "0".to_owned());
    let producer = Producer::new(&cluster, "test", 1 << 20).unwrap();
    let receipt = within("the receipt", send_numbered(&producer, "nobody-made-it", 0..1)).await;
    assert_eq!(receipt, Err(Error::TopicMissing { topic: "nobody-made-it".to_owned() }));
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let Some(broker) = Broker::shared() else { return };
    let topic = broker.topic("full", 1).await;
    let producer = Producer::new(&broker.cluster, "test", 1 << 20).unwrap();
    let value = incompressible(100_000);
    let (mut batch, mut waits) = (producer.batch(), 0);
    for _ in 0..200 {
        while batch.send(&Record { topic: &topic, value: &value, ..Record::default() }) == Ok(Sent::Full) {
            within("room", batch.room()).await.unwrap();
            waits += 1;
        }
    }
    within("the receipt", batch.finish()).await.unwrap();
    assert!(waits > 0, "20 MB never filled a queue of 1 MiB");
    assert_eq!(read_all(&broker.cluster, &topic, LIMIT).await.unwrap().len(), 200);
}

#[tokio::test]
async fn an_outage_delays_the_receipt_and_loses_nothing() {
    let Some(broker) = Broker::start().map(Arc::new) else { return };
    let topic = broker.topic("outage", 1).await;
    let producer = broker.producer();
    within("the first receipt", send_numbered(&producer, &topic, 0..100)).await.unwrap();
    let mut before = send_numbered(&producer, &topic, 100..5000);
    broker.kill();
    let mut during = send_numbered(&producer, &topic, 5000..6000);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut during).await.is_err(), "a receipt without a broker");
    let restarted = Arc::clone(&broker);
    tokio::task::spawn_blocking(move || restarted.restart()).await.unwrap();
    within("the receipt from before", &mut before).await.unwrap();
    within("the receipt from the outage", &mut during).await.unwrap();
    let numbers: Vec<usize> = read_all(&broker.cluster, &topic, LIMIT)
        .await
        .unwrap()
        .iter()
        .map(|record| std::str::from_utf8(record.value.as_ref().unwrap()).unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (0..6000).collect::<Vec<_>>(), "each once and in order");
}

#[tokio::test]
async fn a_dropped_producer_loses_what_was_not_answered() {
    let producer = Producer::new(&nowhere(&[]), "test", 1 << 20).unwrap();
    let receipt = send_numbered(&producer, "t", 0..100);
    let mut open = producer.batch();
    assert_eq!(open.send(&Record { topic: "t", value: b"1", ..Record::default() }), Ok(Sent::Queued));
    let started = Instant::now();
    drop(producer);
    assert!(started.elapsed() < Duration::from_millis(50), "dropping blocked for {:?}", started.elapsed());
    assert_eq!(open.send(&Record { topic: "t", value: b"2", ..Record::default() }), Err(Error::Lost));
    assert_eq!(within("the receipt", receipt).await, Err(Error::Lost));
    assert_eq!(within("the open batch's receipt", open.finish()).await, Err(Error::Lost));
}

#[tokio::test]
async fn a_record_that_waited_too_long_is_timed_out() {
    let producer = Producer::new(&nowhere(&[("message.timeout.ms", "300")]), "test", 1 << 20).unwrap();
    let receipt = within("the receipt", send_numbered(&producer, "t", 0..3)).await;
    assert!(matches!(receipt, Err(Error::TimedOut { .. })), "{receipt:?}");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_unreachable() {
    let producer = Producer::new(&nowhere(&[]), "test", 1 << 20).unwrap();
    let error = producer.cluster_id(Duration::from_millis(500)).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { brokers, .. } if brokers == "127.0.0.1:1"), "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_cluster_has_an_id() {
    let Some(broker) = Broker::shared() else { return };
    assert_eq!(broker.producer().cluster_id(LIMIT).await.unwrap().len(), 22);
}

// Noise that lz4 makes no smaller: an xorshift generator with a fixed seed.
fn incompressible(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}
