//! How events reach a session.

use serde_json::{Value, json};
use simulator::Options;

use crate::client::{ACCOUNTS, SHIPMENTS, org, quick};

#[tokio::test]
async fn an_event_ends_a_held_connect() {
    let org = org(Options::default()).await;
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -1).await;
    let held = client.held().await;
    let ids = org.publish(ACCOUNTS, 1).await;
    let reply = held.await.unwrap();
    assert_eq!(reply.ids(), ids);
    let event = &reply.json()[0];
    assert_eq!(event["channel"], ACCOUNTS);
    assert_eq!(event["data"]["payload"]["ChangeEventHeader"]["entityName"], "Account");
    assert!(reply.last().get("advice").is_none());
}

#[tokio::test]
async fn a_subscribe_while_a_connect_is_held_leaves_the_events_to_the_connect() {
    let org = org(Options::default()).await;
    let ids = org.publish(ACCOUNTS, 3).await;
    let client = org.client().await;
    let held = client.held().await;
    assert_eq!(client.subscribe(ACCOUNTS, -2).await.ids(), Vec::<i64>::new());
    assert_eq!(held.await.unwrap().ids(), ids);
}

#[tokio::test]
async fn a_long_backlog_comes_in_bounded_replies_and_whole() {
    let org = org(Options { reply_bytes: 64 << 10, ..quick() }).await;
    let ids = org.publish(ACCOUNTS, 300).await;
    let client = org.client().await;
    let mut got = client.subscribe(ACCOUNTS, -2).await.ids();
    let mut replies = 1;
    while got.len() < ids.len() {
        let reply = client.poll().await;
        assert!(reply.text.len() < (64 << 10) + 512);
        got.extend(reply.ids());
        replies += 1;
    }
    assert_eq!(got, ids);
    assert!(replies >= 5);
    let stats = org.stats().await;
    assert_eq!(stats["channels"][ACCOUNTS], json!({"made": 300, "pending": 0, "delivered": 300, "lost": 0}));
}

#[tokio::test]
async fn delivered_bytes_are_those_of_the_ledger() {
    let org = org(quick()).await;
    for (channel, body) in [
        (ACCOUNTS, json!({"record_ids": 3, "bytes": 900})),
        ("/data/ChangeEvents", json!({"change_type": "GAP_OVERFLOW"})),
        (SHIPMENTS, json!({"bytes": 2000})),
        ("/topic/InvoiceUpdates", json!({})),
        ("/u/notifications/Ops", json!({"data": {"payload": "{\"a\": \"ü\"}", "event": {"createdDate": "2026"}}})),
    ] {
        let mut body = body;
        body["channel"] = channel.into();
        body["count"] = 2.into();
        org.control("publish", body).await;
        let ledger = org.ledger(channel).await;
        let client = org.client().await;
        let text = client.subscribe(channel, -2).await.text;
        let suffix = format!(r#","channel":"{channel}"}},"#);
        let data: Vec<&str> = text.trim_start_matches('[').split(r#"{"data":"#).skip(1).collect();
        assert_eq!(data.len(), ledger.len());
        for (data, row) in data.iter().zip(&ledger) {
            let data = data.split(&suffix).next().unwrap();
            assert_eq!(row["crc32"], crc32fast::hash(data.as_bytes()), "{channel}");
            assert_eq!(row["bytes"], data.len());
            let value: Value = serde_json::from_str(data).unwrap();
            let uuid = value.pointer("/event/EventUuid").cloned().unwrap_or_default();
            assert_eq!(row["uuid"], uuid);
            if let Some(ids) = value.pointer("/payload/ChangeEventHeader/recordIds") {
                assert_eq!(row["record_ids"], *ids);
            }
        }
    }
}

#[tokio::test]
async fn all_changes_are_on_one_more_channel_in_order() {
    let org = org(quick()).await;
    let mut ids = org.publish(ACCOUNTS, 2).await;
    ids.extend(org.publish("/data/LeadChangeEvent", 2).await);
    ids.extend(org.publish(ACCOUNTS, 1).await);
    let client = org.client().await;
    assert_eq!(client.subscribe("/data/ChangeEvents", -2).await.ids(), ids);
}

#[tokio::test]
async fn no_channel_starves_behind_a_long_one() {
    let org = org(Options { reply_bytes: 4096, ..quick() }).await;
    org.publish(ACCOUNTS, 200).await;
    let ids = org.publish(SHIPMENTS, 1).await;
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -2).await;
    client.subscribe(SHIPMENTS, -2).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.extend(client.poll().await.ids());
    }
    let stats = org.stats().await;
    assert_eq!(stats["channels"][SHIPMENTS]["delivered"], 1, "{seen:?} {ids:?}");
}

#[tokio::test]
async fn events_written_to_a_dead_connection_are_gone() {
    let org = org(Options::default()).await;
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -1).await;
    let held = client.held().await;
    held.abort();
    let _ = held.await;
    org.publish(ACCOUNTS, 1).await;
    org.until("/channels/~1data~1AccountChangeEvent/lost", 1).await;
    assert_eq!(client.poll().await.ids(), Vec::<i64>::new());
}

#[tokio::test]
async fn replies_are_compressed_only_where_that_is_switched_on() {
    for gzip in [false, true] {
        let org = org(Options { gzip, ..quick() }).await;
        org.publish(ACCOUNTS, 50).await;
        let client = org.client().await;
        let message = json!([client.subscribe_message(ACCOUNTS, json!(-2))]);
        let request = client.request("64.0").header("accept-encoding", "gzip").json(&message);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers().contains_key("content-encoding"), gzip);
    }
}
