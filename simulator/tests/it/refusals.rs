//! Refusals on demand, word for word.

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, Client, Org, handshake, org, quick};

const BUSY: &str = "503::Server is too busy.  Please try your request again later.";
const CONNECTIONS: &str = "403::To protect all customers from excessive use and Denial of Service attacks, we limit the number of simultaneous connections per server. Your request has been denied because this limit has been exceeded. Please try your request again later.";
const DAILY: &str = "403::Organization total events daily limit exceeded";
const CLIENTS: &str = "403::Organization concurrent user limit exceeded";
const DENIED: &str = "403::Handshake denied";
const INVALID: &str = "401::Authentication invalid";
const UNKNOWN: &str = "403::Unknown client";
const SUBSCRIBE: &str = "403:denied_by_security_policy:subscribe_denied";

fn body(client: &Client<'_>, on: &str) -> Value {
    match on {
        "handshake" => handshake(),
        "connect" => json!([client.connect_message()]),
        _ => json!([client.subscribe_message(ACCOUNTS, json!(-1))]),
    }
}

/// Error, `failureReason` and advice of what a fault makes of a request, and whether the session is there afterwards.
async fn check(plan: Value, wanted: (&str, Option<&str>, Option<&str>), is_alive: bool) {
    let org = org(quick()).await;
    let client = org.client().await;
    org.control("faults", plan.clone()).await;
    let reply = client.post(&body(&client, plan["on"].as_str().unwrap())).await.last();
    assert_eq!(reply["successful"], false, "{plan}");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let got = (text(&reply["error"]).unwrap(), text(&reply["ext"]["sfdc"]["failureReason"]));
    assert_eq!((got.0.as_str(), got.1.as_deref()), (wanted.0, wanted.1), "{plan}");
    assert_eq!(text(&reply["advice"]["reconnect"]).as_deref(), wanted.2, "{plan}");
    assert_eq!(client.poll().await.last()["successful"], is_alive, "{plan}");
    assert_eq!(org.get("/simulator/faults").await.json()["faults"][0]["hits"], 1, "{plan}");
}

#[tokio::test]
async fn each_has_salesforce_s_words() {
    let none = Some("none");
    for (on, fault, wanted, is_alive) in [
        ("handshake", "unauthorized_nested", (DENIED, Some(INVALID), none), true),
        ("handshake", "busy_as_401", (INVALID, Some(BUSY), none), true),
        ("handshake", "busy_as_403", (DENIED, Some(BUSY), none), true),
        ("handshake", "connections_limit", (DENIED, Some(CONNECTIONS), none), true),
        ("handshake", "concurrent_limit", (DENIED, Some(CLIENTS), none), true),
        ("handshake", "daily_limit", (DENIED, Some(DAILY), none), true),
        ("handshake", "handshake_denied", (DENIED, None, none), true),
        ("connect", "busy_as_401", (INVALID, Some(BUSY), none), true),
        ("connect", "busy_as_403", (UNKNOWN, Some(BUSY), none), true),
        ("connect", "concurrent_limit", (CLIENTS, None, none), true),
        ("connect", "daily_limit", (DAILY, None, none), false),
        ("connect", "unknown_client", (UNKNOWN, None, Some("handshake")), false),
        ("subscribe", "busy_as_401", (SUBSCRIBE, Some(BUSY), none), true),
        ("subscribe", "busy_as_403", (SUBSCRIBE, Some(BUSY), none), true),
        ("subscribe", "daily_limit", (DAILY, None, none), false),
        ("subscribe", "subscription_limit", ("403::Subscription limit exceeded for this topic", None, None), true),
    ] {
        check(json!({"on": on, "fault": fault}), wanted, is_alive).await;
    }
    for (advice, wanted) in [("handshake", Some("handshake")), ("none", none), ("absent", None)] {
        let plan = json!({"on": "connect", "fault": "unknown_client", "advice": advice});
        check(plan, (UNKNOWN, None, wanted), false).await;
    }
}

#[tokio::test]
async fn a_channel_is_denied_until_the_fault_is_lifted_and_its_neighbours_are_not() {
    let org = org(quick()).await;
    let client = org.client().await;
    for (channel, refusal, error) in [
        (ACCOUNTS, "no_rights", "403::User not allowed to subscribe CDC without View All Data permissions"),
        ("/event/Low_Ink__e", "no_rights", "403::No access on channel"),
        ("/topic/InvoiceUpdates", "no_rights", "403::Subscriber does not have access to the entity in this topic"),
        (
            ACCOUNTS,
            "does_not_exist",
            "400::The channel you requested to subscribe to does not exist {/data/AccountChangeEvent}",
        ),
        (ACCOUNTS, "not_enabled", "403::User not enabled for streaming"),
        (ACCOUNTS, "restricted", "403::Restricted channel"),
        ("/topic/InvoiceUpdates", "create_denied", "403:denied_by_security_policy:create_denied"),
        (ACCOUNTS, "unknown", "404::Unknown channel"),
    ] {
        let plan = json!({"on": "subscribe", "fault": "denied", "channel": channel, "refusal": refusal});
        let number = org.control("faults", plan).await["number"].clone();
        for _ in 0..2 {
            let batch = json!([
                client.subscribe_message(channel, json!(-1)),
                client.subscribe_message("/data/LeadChangeEvent", json!(-1)),
            ]);
            let reply = client.post(&batch).await.json();
            assert_eq!((&reply[0]["error"], &reply[0]["successful"]), (&json!(error), &json!(false)));
            assert_eq!(reply[1]["successful"], true);
        }
        org.send(org.http.delete(format!("{}/simulator/faults/{number}", org.base))).await;
        assert_eq!(client.subscribe(channel, -1).await.last()["successful"], true);
        client
            .post(&json!([{"channel": "/meta/unsubscribe", "clientId": client.client_id, "subscription": channel}]))
            .await;
    }
}

#[tokio::test]
async fn a_refusal_of_a_channel_is_not_of_its_neighbours() {
    let org = org(quick()).await;
    let client = org.client().await;
    org.control("faults", json!({"on": "subscribe", "fault": "subscription_limit", "channel": ACCOUNTS})).await;
    let leads = client.subscribe("/data/LeadChangeEvent", -1).await.last();
    assert_eq!(leads["successful"], true);
    let accounts = client.subscribe(ACCOUNTS, -1).await.last();
    assert_eq!(accounts["error"], "403::Subscription limit exceeded for this topic");
    assert_eq!(client.subscribe(ACCOUNTS, -1).await.last()["successful"], true, "once only");
}

#[tokio::test]
async fn a_fault_can_be_of_one_session_and_for_a_time() {
    let org = org(quick()).await;
    let (one, other) = (org.client().await, org.client().await);
    let plan = json!({"on": "connect", "fault": "busy_as_401", "session": one.client_id, "for": "1h"});
    org.control("faults", plan).await;
    for _ in 0..3 {
        assert_eq!(other.poll().await.last()["successful"], true);
        assert_eq!(one.poll().await.last()["successful"], false);
    }
    org.control("faults", json!({"on": "connect", "fault": "unauthorized", "for": "30ms", "session": other.client_id}))
        .await;
    assert_eq!(other.poll().await.last()["successful"], false);
    for _ in 0..1000 {
        if other.poll().await.last()["successful"] == true {
            return;
        }
    }
    panic!("the fault outlives its time");
}

async fn replay(org: &Org, channel: &str, fault: &str) {
    org.control("faults", json!({"on": "subscribe", "fault": fault, "channel": channel})).await;
}

fn invalid(id: i64) -> String {
    format!(
        "400::The replayId {{{id}}} you provided was invalid. Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."
    )
}

#[tokio::test]
async fn ids_can_be_refused_though_their_events_are_there() {
    let org = org(quick()).await;
    let ids = org.publish(ACCOUNTS, 3).await;
    let client = org.client().await;
    replay(&org, ACCOUNTS, "replay_refused").await;
    assert_eq!(client.subscribe(ACCOUNTS, ids[0]).await.last()["error"], invalid(ids[0]));
    assert_eq!(client.subscribe(ACCOUNTS, -2).await.ids(), ids, "everything is there");
}

#[tokio::test]
async fn an_id_that_aged_out_can_be_accepted_in_silence() {
    let org = org(quick()).await;
    let ids = org.publish(ACCOUNTS, 5).await;
    let expired = org.control("expire", json!({"channel": ACCOUNTS, "keep": 2})).await;
    assert_eq!(expired, json!({"expired": 3}));
    let client = org.client().await;
    assert_eq!(client.subscribe(ACCOUNTS, ids[0]).await.last()["error"], invalid(ids[0]));
    replay(&org, ACCOUNTS, "replay_accepted").await;
    assert_eq!(client.subscribe(ACCOUNTS, ids[4] + 1).await.last()["error"], invalid(ids[4] + 1), "it was never there");
    let reply = client.subscribe(ACCOUNTS, ids[0]).await;
    assert_eq!((reply.last()["successful"].clone(), reply.ids()), (json!(true), ids[3..].to_vec()));
}
