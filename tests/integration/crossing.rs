//! Events that cross while nothing fails.

use crate::scene::{CHANGES, LIMIT, ORDERS, Scene, until_state};
use harness::Publish;
use harness::verify::{WayBack, way_back};
use kafka::{Creation, Producer, Record, Sent, Topic, read_all};
use serde_json::json;

#[tokio::test]
async fn events_cross_once_and_as_they_came() {
    let Some(scene) = Scene::set("crossing").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 500)).await.unwrap();
    scene.org.publish(&Publish::new(ORDERS, 500)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES, ORDERS], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    scene.org.publish(&Publish::new(CHANGES, 100)).await.unwrap();
    for channel in [CHANGES, ORDERS] {
        scene.caught_up(&mut bridge, channel).await;
    }
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.arrived == 600, "{verdict}");
    let verdict = scene.verdict(ORDERS).await;
    assert!(verdict.is_exact() && verdict.arrived == 500, "{verdict}");
}

#[tokio::test]
async fn a_record_carries_key_time_and_headers_of_its_event() {
    let Some(scene) = Scene::set("record").await else { return };
    let at = 1_775_000_000_000_i64;
    let data = json!({
        "schema": "x",
        "payload": {
            "ChangeEventHeader": {
                "entityName": "Account", "recordIds": ["001xx000003DGb2AAG"], "changeType": "UPDATE",
                "commitTimestamp": at, "transactionKey": "t", "sequenceNumber": 1, "commitNumber": 1, "commitUser": "005"
            },
            "Name": "Ünïcode \u{2028} \"quoted\""
        },
        "event": {}
    });
    scene.org.publish(&Publish { data: Some(data), ..Publish::new(CHANGES, 1) }).await.unwrap();
    scene.org.publish(&Publish::new(ORDERS, 1)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES, ORDERS], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    scene.caught_up(&mut bridge, ORDERS).await;
    let record = read_all(&scene.cluster, &scene.topic(CHANGES), LIMIT).await.unwrap().pop().unwrap();
    assert_eq!(record.key.as_deref(), Some(&b"001xx000003DGb2AAG"[..]));
    assert_eq!(record.time_ms, Some(at));
    let header = |name: &str| {
        let value = record.headers.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone());
        value.map(|value| String::from_utf8(value.to_vec()).unwrap())
    };
    assert_eq!(header("sf.channel").as_deref(), Some(CHANGES));
    assert_eq!(header("sf.org_id").as_deref(), Some("00Dxx0000001gPLEAY"));
    assert_eq!(header("sf.replay_id"), scene.org.newest(CHANGES).await.unwrap().map(|id| id.to_string()));
    let order = read_all(&scene.cluster, &scene.topic(ORDERS), LIMIT).await.unwrap().pop().unwrap();
    assert_eq!(order.key, None, "a platform event has no record id");
    assert!(order.headers.iter().any(|(name, value)| name == "sf.event_uuid" && value.is_some()));
}

#[tokio::test]
async fn f38_a_merged_change_event_becomes_one_record_per_id() {
    let Some(scene) = Scene::set("merged").await else { return };
    scene.org.publish(&Publish { record_ids: 3, ..Publish::new(CHANGES, 40) }).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.arrived == 120, "{verdict}");
}

#[tokio::test]
async fn f39_gap_and_overflow_events_pass_and_are_counted() {
    let Some(scene) = Scene::set("gaps").await else { return };
    for change_type in ["GAP_UPDATE", "GAP_OVERFLOW", "UPDATE"] {
        let order = Publish { change_type: change_type.to_owned(), ..Publish::new(CHANGES, 2) };
        scene.org.publish(&order).await.unwrap();
    }
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 6, "{verdict}");
    let metrics = bridge.metrics().await.unwrap();
    assert!(metrics.contains("crossfeed_gap_events_total{feed=\"changes\"} 4"), "{metrics}");
}

#[tokio::test]
async fn push_topics_and_generic_channels_cross_as_well() {
    let Some(scene) = Scene::set("kinds").await else { return };
    let (topic, generic) = ("/topic/InvoiceUpdates", "/u/notifications/Ops");
    for channel in [topic, generic] {
        scene.org.publish(&Publish::new(channel, 20)).await.unwrap();
    }
    let mut bridge = scene.bridge(&scene.changes(&[topic, generic], "earliest")).await;
    for channel in [topic, generic] {
        scene.caught_up(&mut bridge, channel).await;
        let verdict = scene.verdict(channel).await;
        assert!(verdict.is_exact() && verdict.arrived == 20, "{channel}: {verdict}");
    }
}

#[tokio::test]
async fn compressed_replies_are_read() {
    let Some(mut scene) = Scene::set("gzip").await else { return };
    scene.org = harness::Org::within(simulator::Options { gzip: true, ..Default::default() }).await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 50)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.arrived == 50, "{verdict}");
}

#[tokio::test]
async fn a_replay_id_as_start_is_exclusive() {
    let Some(scene) = Scene::set("from_id").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    let mut ids = Vec::new();
    scene.org.ledger(CHANGES, |made| ids.push(made.replay_id)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], &ids[3].to_string())).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert_eq!((verdict.arrived, verdict.lost, verdict.out_of_order), (6, 4, 0), "{verdict}");
}

#[tokio::test]
async fn the_event_s_name_may_choose_the_topic() {
    let Some(scene) = Scene::set("by_entity").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 3)).await.unwrap();
    scene.org.publish(&Publish::new("/data/ContactChangeEvent", 2)).await.unwrap();
    let all = "/data/ChangeEvents";
    let feed = scene.changes(&[all], "earliest").replace("{channel}", "{event}");
    let mut bridge = scene.bridge(&feed).await;
    scene.caught_up(&mut bridge, all).await;
    for (topic, count) in [("by_entity.Account", 3), ("by_entity.Contact", 2)] {
        assert_eq!(read_all(&scene.cluster, topic, LIMIT).await.unwrap().len(), count, "{topic}");
    }
}

#[tokio::test]
async fn records_come_back_as_platform_events_in_order_and_offsets_follow_the_answers() {
    let Some(scene) = Scene::set("way_back").await else { return };
    let topic = scene.topic("shipments");
    let mut sent = produce_shipments(&scene, &topic, 0..450).await;
    let mut bridge = scene.bridge(&scene.shipments()).await;
    let all = |wanted: u64| move |it: &harness::Status| it.feed("shipments").is_some_and(|it| it.events >= wanted);
    bridge.wait_for("all are published", LIMIT, all(450)).await.unwrap();
    assert!(bridge.terminate().await.unwrap().success());
    let calls = scene.org.stats().await.unwrap().calls["collections"];
    assert!((3..=20).contains(&calls), "{calls} calls for 450 records");
    // What is committed does not come again.
    bridge.start_again().await.unwrap();
    sent.append(&mut produce_shipments(&scene, &topic, 450..500).await);
    bridge.wait_for("the rest is published", LIMIT, all(50)).await.unwrap();
    let mut way = WayBack::default();
    for (key, fields) in &sent {
        way.sent(key.as_bytes(), fields);
    }
    let verdict = way_back(&scene.org, "Shipment__e", way).await.unwrap();
    assert!(verdict.is_exact() && verdict.arrived == 500, "{verdict}");
}

#[tokio::test]
async fn a_refused_row_stops_the_feed_with_salesforce_s_words_and_is_not_committed() {
    let Some(scene) = Scene::set("refused_row").await else { return };
    let topic = scene.topic("shipments");
    produce_shipments(&scene, &topic, 0..3).await;
    produce(&scene, &topic, &[("k".to_owned(), r#"{"Nope__c": 1}"#.to_owned())]).await;
    let mut bridge = scene.bridge(&scene.shipments()).await;
    for _ in 0..2 {
        let stopped = until_state(&mut bridge, "shipments", "stopped").await.problem.unwrap();
        assert_eq!(stopped.reason, "rejected");
        assert!(stopped.text.contains("INVALID_FIELD") && stopped.text.contains("offset"), "{}", stopped.text);
        assert!(stopped.remedy.is_some());
        bridge.start_again().await.unwrap();
    }
}

/// Whoever steps over the record that is no JSON steps over nothing else: what comes before it is published.
#[tokio::test]
async fn a_record_that_is_no_json_stops_the_feed_after_those_before_it() {
    let Some(scene) = Scene::set("no_json").await else { return };
    let topic = scene.topic("shipments");
    let good = |number: u64| ("k".to_owned(), format!(r#"{{"Seq__c": {number}}}"#));
    produce(&scene, &topic, &[good(1), good(2), ("k".to_owned(), "not json".to_owned()), good(3)]).await;
    let mut bridge = scene.bridge(&scene.shipments()).await;
    let problem = until_state(&mut bridge, "shipments", "stopped").await.problem.unwrap();
    assert!(problem.text.contains("offset 2: not a JSON object"), "{}", problem.text);
    let mut accepted = Vec::new();
    scene.org.accepted("Shipment__e", |it| accepted.push(it.fields["Seq__c"].clone())).await.unwrap();
    assert_eq!(accepted, [1, 2]);
}

#[tokio::test]
async fn a_record_that_salesforce_s_client_cannot_send_is_named_by_its_place() {
    let Some(scene) = Scene::set("attributes").await else { return };
    let topic = scene.topic("shipments");
    let records = [r#"{"Seq__c": 1}"#, r#"{"attributes": {"type": "X"}, "Seq__c": 2}"#, r#"{"Seq__c": 3}"#];
    let records: Vec<_> = records.map(|value| ("k".to_owned(), value.to_owned())).into();
    produce(&scene, &topic, &records).await;
    let mut bridge = scene.bridge(&scene.shipments()).await;
    let problem = until_state(&mut bridge, "shipments", "stopped").await.problem.unwrap();
    assert!(problem.text.contains("offset 1: ") && problem.text.contains("attributes"), "{}", problem.text);
    let mut accepted = Vec::new();
    scene.org.accepted("Shipment__e", |it| accepted.push(it.fields["Seq__c"].clone())).await.unwrap();
    assert_eq!(accepted, [1]);
}

#[tokio::test]
async fn a_missing_topic_to_read_from_is_told_and_is_not_ours_to_create() {
    let Some(scene) = Scene::set("no_topic").await else { return };
    let mut bridge = scene.bridge(&scene.shipments()).await;
    let problem = until_state(&mut bridge, "shipments", "stopped").await.problem.unwrap();
    assert!(problem.text.contains("no_topic.shipments does not exist"), "{}", problem.text);
    assert!(problem.remedy.unwrap().starts_with("create the topic, or mend `topics`"));
}

async fn produce_shipments(
    scene: &Scene,
    topic: &str,
    numbers: std::ops::Range<u64>,
) -> Vec<(String, serde_json::Map<String, serde_json::Value>)> {
    let shipment = |number: u64| {
        let fields = json!({ "Seq__c": number, "Order__c": format!("o-{}", number % 7) });
        (format!("k{}", number % 7), fields.as_object().unwrap().clone())
    };
    let sent: Vec<_> = numbers.map(shipment).collect();
    let records: Vec<(String, String)> =
        sent.iter().map(|(key, fields)| (key.clone(), serde_json::to_string(fields).unwrap())).collect();
    produce(scene, topic, &records).await;
    sent
}

async fn produce(scene: &Scene, topic: &str, records: &[(String, String)]) {
    let producer = Producer::new(&scene.cluster, "test", 64 << 20).unwrap();
    let create = Some(Creation { partitions: 3, replication: 1 });
    producer.ensure_topic(&Topic { name: topic.to_owned(), create }, LIMIT).await.unwrap();
    let mut batch = producer.batch();
    for (key, value) in records {
        let record = Record { topic, key: Some(key.as_bytes()), value: value.as_bytes(), ..Record::default() };
        assert_eq!(batch.send(&record).unwrap(), Sent::Queued);
    }
    let receipt = batch.finish();
    tokio::time::timeout(LIMIT, receipt).await.unwrap().unwrap();
}
