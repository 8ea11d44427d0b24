//! Replies whose bytes, or whose connections, go wrong.

use std::error::Error;
use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, Client, Org, org, quick};

async fn plan(org: &Org, plan: Value) {
    org.control("faults", plan).await;
}

async fn subscribed(org: &Org) -> Client<'_> {
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -1).await;
    client
}

fn connect(client: &Client<'_>) -> reqwest::RequestBuilder {
    client.request("64.0").json(&json!([client.connect_message()]))
}

/// Whether the connection was reset, not closed in good order.
fn is_reset(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset) {
            return true;
        }
        next = error.source();
    }
    false
}

#[tokio::test]
async fn a_page_has_the_status_that_is_asked_for() {
    let org = org(quick()).await;
    let client = org.client().await;
    for (on, status) in [("connect", 500), ("connect", 502), ("subscribe", 503), ("any", 300)] {
        plan(&org, json!({"on": on, "fault": "status", "status": status})).await;
        let reply = if on == "subscribe" { client.subscribe(ACCOUNTS, -1).await } else { client.poll().await };
        assert_eq!((reply.status, reply.text.starts_with("<html>")), (status, true));
    }
    assert_eq!(client.poll().await.last()["successful"], true);
}

#[tokio::test]
async fn a_reply_in_odd_pieces_and_a_large_one_are_whole() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    for (fault, least) in [
        (json!({"on": "connect", "fault": "chunked"}), 2000),
        (json!({"on": "connect", "fault": "large", "bytes": "3MB"}), 3_000_000),
        (json!({"on": "connect", "fault": "large"}), 10_000_000),
    ] {
        let ids = org.publish(ACCOUNTS, 2).await;
        plan(&org, fault.clone()).await;
        let reply = client.connect().await;
        assert_eq!((reply.ids(), reply.text.len() >= least), (ids, true), "{fault}");
        assert_eq!(reply.headers.contains_key("content-length"), fault["fault"] == "large");
    }
    assert_eq!(org.stats().await["channels"][ACCOUNTS]["lost"], 0);
}

#[tokio::test]
async fn a_dripping_body_has_no_end() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    org.publish(ACCOUNTS, 1).await;
    plan(&org, json!({"on": "connect", "fault": "drip"})).await;
    let mut response = connect(&client).send().await.unwrap();
    let mut got = Vec::new();
    for _ in 0..3 {
        got.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
    assert!(got.starts_with(b"[{\"data") && got.len() < 100);
    assert_eq!(org.stats().await["channels"][ACCOUNTS]["lost"], 1);
}

#[tokio::test]
async fn a_stalled_connect_is_held_and_its_events_are_lost() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    plan(&org, json!({"on": "connect", "fault": "stall"})).await;
    let request = connect(&client).timeout(Duration::from_millis(300));
    let stalled = tokio::spawn(request.send());
    org.until("/sessions/held", 1).await;
    org.publish(ACCOUNTS, 2).await;
    org.until("/channels/~1data~1AccountChangeEvent/lost", 2).await;
    assert!(stalled.await.unwrap().unwrap_err().is_timeout(), "the connection stays open, without a byte");
    assert_eq!(client.poll().await.ids(), Vec::<i64>::new());
}

#[tokio::test]
async fn a_held_connect_is_reset_and_its_events_are_lost() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    plan(&org, json!({"on": "connect", "fault": "reset", "after": "20ms"})).await;
    assert!(is_reset(&connect(&client).send().await.unwrap_err()));
    assert_eq!(org.stats().await["sessions"]["held"], 1, "the server does not notice");
    org.publish(ACCOUNTS, 2).await;
    org.until("/channels/~1data~1AccountChangeEvent/lost", 2).await;
    assert_eq!(client.poll().await.ids(), Vec::<i64>::new());
}

#[tokio::test]
async fn without_a_time_a_connect_is_reset_whatever_there_is_for_it() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    org.publish(ACCOUNTS, 3).await;
    plan(&org, json!({"on": "connect", "fault": "reset"})).await;
    assert!(is_reset(&connect(&client).send().await.unwrap_err()));
    org.until("/channels/~1data~1AccountChangeEvent/lost", 3).await;
}

#[tokio::test]
async fn a_connect_that_is_answered_in_time_is_not_reset() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    plan(&org, json!({"on": "connect", "fault": "reset", "after": "1h"})).await;
    let held = client.held().await;
    let ids = org.publish(ACCOUNTS, 1).await;
    assert_eq!(held.await.unwrap().ids(), ids);
}

#[tokio::test]
async fn a_body_is_reset_in_its_middle() {
    let org = org(quick()).await;
    let client = subscribed(&org).await;
    org.publish(ACCOUNTS, 5).await;
    plan(&org, json!({"on": "connect", "fault": "reset", "place": "body"})).await;
    let mut response = connect(&client).send().await.unwrap();
    let (length, mut got) = (response.content_length().unwrap(), 0);
    let error = loop {
        match response.chunk().await {
            Ok(piece) => got += piece.unwrap().len() as u64,
            Err(error) => break error,
        }
    };
    assert!(is_reset(&error) && got < length, "{error:?} after {got} of {length}");
    assert_eq!(org.stats().await["channels"][ACCOUNTS]["lost"], 5);
}

#[tokio::test]
async fn logins_and_rest_calls_can_stall_and_be_reset() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for fault in ["stall", "reset"] {
        plan(&org, json!({"on": "create", "fault": fault})).await;
        let request = rest.request("POST sobjects/Shipment__e").json(&json!({"Seq__c": 1}));
        let error = request.timeout(Duration::from_millis(300)).send().await.unwrap_err();
        assert_eq!((error.is_timeout(), is_reset(&error)), (fault == "stall", fault == "reset"));
    }
    assert_eq!(org.stats().await["channels"]["/event/Shipment__e"]["made"], 2, "what was asked is done");
    plan(&org, json!({"on": "token", "fault": "reset"})).await;
    let request = org.http.post(format!("{}/services/oauth2/token", org.base));
    let error = request
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", "crossfeed-demo"),
            ("client_secret", "simulator-secret"),
        ])
        .send()
        .await
        .unwrap_err();
    assert!(is_reset(&error));
}
