//! Good replies of uncommon forms, and the server's own disconnect.

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, Client, Org, Reply, org, quick};

async fn plan(org: &Org, plan: Value) {
    org.control("faults", plan).await;
}

/// What the messages of a reply are, in a word each: an event's place among `ids`, or a channel.
fn words(reply: &Reply, ids: &[i64]) -> Vec<String> {
    let word = |message: &Value| match message.pointer("/data/event/replayId") {
        Some(id) => ids.iter().position(|other| id == other).unwrap().to_string(),
        None => message["channel"].as_str().unwrap().trim_start_matches("/meta/").to_owned(),
    };
    reply.json().as_array().unwrap().iter().map(word).collect()
}

async fn subscribed(org: &Org) -> Client<'_> {
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -1).await;
    client
}

#[tokio::test]
async fn the_server_s_disconnect_has_its_places() {
    for (on, place, wanted) in [
        ("connect", Some("alone"), vec!["disconnect"]),
        ("connect", None, vec!["disconnect", "connect"]),
        ("connect", Some("before"), vec!["disconnect", "connect"]),
        ("connect", Some("after"), vec!["connect", "disconnect"]),
        ("subscribe", Some("in_subscribe"), vec!["subscribe", "disconnect"]),
        ("subscribe", Some("before"), vec!["disconnect", "subscribe"]),
        ("subscribe", Some("alone"), vec!["disconnect"]),
    ] {
        let org = org(quick()).await;
        let client = org.client().await;
        plan(&org, json!({"on": on, "fault": "server_disconnect", "place": place})).await;
        let reply = if on == "connect" { client.connect().await } else { client.subscribe(ACCOUNTS, -1).await };
        assert_eq!(words(&reply, &[]), wanted, "{on} {place:?}");
        for message in reply.json().as_array().unwrap() {
            let refused = json!({"reconnect": "none", "interval": 0});
            let is_refused = message["channel"] == "/meta/connect";
            assert_eq!(message["advice"] == refused && message["error"] == "403::Unknown client", is_refused);
        }
        assert_eq!(client.poll().await.last()["error"], "403::Unknown client");
    }
}

#[tokio::test]
async fn the_server_s_disconnect_can_come_with_events() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    plan(&org, json!({"on": "connect", "fault": "server_disconnect", "with_events": true})).await;
    let ids = org.publish(ACCOUNTS, 2).await;
    assert_eq!(words(&client.connect().await, &ids), ["0", "1", "disconnect", "connect"]);
    assert_eq!(org.stats().await["channels"][ACCOUNTS]["delivered"], 2);
}

#[tokio::test]
async fn events_stand_around_the_meta_replies() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    let ids = org.publish(ACCOUNTS, 3).await;
    plan(&org, json!({"on": "any", "fault": "events_around", "times": 2})).await;
    assert_eq!(words(&client.connect().await, &ids), ["0", "connect", "1", "2"]);
    let other = org.client().await;
    plan(&org, json!({"on": "subscribe", "fault": "events_around"})).await;
    assert_eq!(words(&other.subscribe(ACCOUNTS, -2).await, &ids), ["0", "subscribe", "1", "2"]);
}

#[tokio::test]
async fn advice_ids_repetition_and_order() {
    let org = org(quick()).await;
    let client = org.client().await;
    let poll = |fault: Value| {
        let (org, client) = (&org, &client);
        async move {
            plan(org, fault).await;
            client.poll().await.json()
        }
    };
    assert!(poll(json!({"on": "connect", "fault": "no_advice"})).await[0].get("advice").is_none());
    let odd = poll(json!({"on": "connect", "fault": "odd_advice", "advice": {"reconnect": 7}})).await;
    assert_eq!((&odd[0]["advice"], &odd[0]["successful"]), (&json!({"reconnect": 7}), &json!(true)));
    let odd = poll(json!({"on": "connect", "fault": "odd_advice"})).await;
    assert_eq!(odd[0]["advice"]["reconnect"], "maybe");
    assert_eq!(poll(json!({"on": "connect", "fault": "stale_id"})).await[0]["id"], "6");
    let twice = poll(json!({"on": "connect", "fault": "duplicate"})).await;
    assert_eq!((twice.as_array().unwrap().len(), &twice[0]), (2, &twice[1]));
    let surprise = poll(json!({"on": "connect", "fault": "unknown_fields"})).await;
    assert_eq!(surprise[0]["surprise"]["number"], 9_007_199_254_740_993_i64);
    plan(&org, json!({"on": "subscribe", "fault": "unordered"})).await;
    let batch = json!([
        client.subscribe_message(ACCOUNTS, json!(-1)),
        client.subscribe_message("/data/LeadChangeEvent", json!(-1)),
    ]);
    let reply = client.post(&batch).await.json();
    assert_eq!(
        (&reply[0]["subscription"], &reply[1]["subscription"]),
        (&json!("/data/LeadChangeEvent"), &json!(ACCOUNTS))
    );
}

#[tokio::test]
async fn the_bytes_of_events_stay_as_they_are() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    let data = json!({"payload": {"big": 9_007_199_254_740_993_i64, "b": 1, "a": 0.25}});
    for fault in ["unknown_fields", "events_around"] {
        org.control("publish", json!({"channel": ACCOUNTS, "data": data})).await;
        plan(&org, json!({"on": "connect", "fault": fault})).await;
        let text = client.connect().await.text;
        let row = org.ledger(ACCOUNTS).await.pop().unwrap();
        let begin = text.find(r#"{"payload""#).unwrap();
        let bytes = &text.as_bytes()[begin..begin + usize::try_from(row["bytes"].as_u64().unwrap()).unwrap()];
        assert_eq!(json!(crc32fast::hash(bytes)), row["crc32"], "{fault} {text}");
    }
}

#[tokio::test]
async fn a_connect_of_uncommon_form_is_held_all_the_same() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    plan(&org, json!({"on": "connect", "fault": "duplicate"})).await;
    let held = client.held().await;
    let ids = org.publish(ACCOUNTS, 1).await;
    assert_eq!(words(&held.await.unwrap(), &ids), ["0", "connect", "connect"]);
}
