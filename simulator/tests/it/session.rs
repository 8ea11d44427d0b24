//! The life of a session: cookie, advice, holding, displacement, expiry.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::Options;

use crate::client::{ACCOUNTS, handshake, org, quick};

#[tokio::test]
async fn a_handshake_replies_without_advice_and_is_alone() {
    let org = org(quick()).await;
    let mut client = org.stranger().await;
    let reply = client.handshake().await;
    assert!(reply.get("advice").is_none());
    assert_eq!(reply["ext"], json!({"replay": true, "payload.format": true}));
    assert_eq!(reply["supportedConnectionTypes"], json!(["long-polling"]));
    assert_eq!((&reply["version"], &reply["minimumVersion"]), (&json!("1.0"), &json!("1.0")));
    let both = json!([handshake()[0], client.connect_message()]);
    assert_eq!(client.post(&both).await.status, 500);
}

#[tokio::test]
async fn the_first_connect_brings_the_advice_and_is_not_held() {
    let org = org(Options::default()).await;
    let mut client = org.stranger().await;
    client.handshake().await;
    let reply = client.connect().await.last();
    assert_eq!(reply["advice"], json!({"interval": 0, "timeout": 110_000, "reconnect": "retry"}));
    assert_eq!((&reply["successful"], &reply["clientId"]), (&json!(true), &json!(client.client_id)));
    let again = client.poll().await.last();
    assert_eq!(again["advice"]["timeout"], 110_000, "a timeout of 0 is answered at once, with advice");
}

#[tokio::test]
async fn a_connect_is_held_and_then_answered_without_advice() {
    let hold = Duration::from_millis(200);
    let org = org(Options { hold, ..quick() }).await;
    let client = org.client().await;
    let begin = Instant::now();
    let reply = client.connect().await.last();
    assert!(begin.elapsed() >= hold);
    assert_eq!(reply["successful"], true);
    assert!(reply.get("advice").is_none());
}

#[tokio::test]
async fn a_client_s_own_timeout_shortens_the_hold() {
    let org = org(Options::default()).await;
    let client = org.client().await;
    let mut message = client.connect_message();
    message["advice"] = json!({"timeout": 50});
    assert_eq!(client.post(&message).await.last()["successful"], true);
}

#[tokio::test]
async fn a_connect_with_company_is_not_held() {
    let org = org(Options::default()).await;
    let client = org.client().await;
    let batch = json!([client.subscribe_message(ACCOUNTS, json!(-1)), client.connect_message()]);
    let replies = client.post(&batch).await.json();
    let channels: Vec<&Value> = replies.as_array().unwrap().iter().map(|reply| &reply["channel"]).collect();
    assert_eq!(channels, ["/meta/subscribe", "/meta/connect"]);
}

#[tokio::test]
async fn the_cookie_is_demanded() {
    let org = org(quick()).await;
    let mut client = org.client().await;
    client.cookie = None;
    let reply = client.connect().await.last();
    let text = format!(
        "400::Client {{{}}} has established a session, but no {{BAYEUX_BROWSER}} cookie present",
        client.client_id
    );
    assert_eq!(reply["error"], text);
    client.cookie = Some("another".to_owned());
    let reply = client.subscribe(ACCOUNTS, -1).await.last();
    assert_eq!(reply["error"], "403::Unknown client");
    assert_eq!(reply["advice"], json!({"interval": 0, "reconnect": "handshake"}));
}

#[tokio::test]
async fn a_stranger_must_shake_hands() {
    let org = org(quick()).await;
    let mut client = org.stranger().await;
    client.client_id = "nobody".to_owned();
    assert_eq!(client.connect().await.last()["error"], "403::Unknown client");
    let reply = client.post(&json!([{"channel": "/meta/connect", "connectionType": "long-polling"}])).await.last();
    assert_eq!(reply["error"], "403::Client has not completed handshake");
}

#[tokio::test]
async fn a_newer_connect_ends_the_older_with_http_500() {
    let org = org(quick()).await;
    let client = org.client().await;
    let older = client.held().await;
    let reply = client.poll().await;
    assert_eq!(reply.last()["successful"], true);
    assert_eq!(older.await.unwrap().status, 500);
}

#[tokio::test]
async fn silence_ends_a_session() {
    let org = org(Options { expiry: Duration::from_millis(60), ..quick() }).await;
    let client = org.client().await;
    org.until("/sessions/expired", 1).await;
    let reply = client.connect().await.last();
    assert_eq!(reply["error"], "403::Unknown client");
    assert_eq!(reply["advice"], json!({"interval": 0, "reconnect": "handshake"}));
    assert_eq!((&reply["successful"], &reply["id"]), (&json!(false), &json!("7")));
}

#[tokio::test]
async fn a_held_connect_keeps_a_session_alive() {
    let expiry = Duration::from_millis(100);
    let org = org(Options { expiry, hold: expiry * 4, ..quick() }).await;
    let client = org.client().await;
    assert_eq!(client.connect().await.last()["successful"], true);
    assert_eq!(client.connect().await.last()["successful"], true);
    assert_eq!(org.stats().await["sessions"]["expired"], 0);
}

#[tokio::test]
async fn a_disconnect_ends_the_session_and_its_held_connect() {
    let org = org(quick()).await;
    let client = org.client().await;
    let held = client.held().await;
    let bye = json!([{"channel": "/meta/disconnect", "id": "9", "clientId": client.client_id}]);
    assert_eq!(client.post(&bye).await.last()["successful"], true);
    assert_eq!(held.await.unwrap().last()["advice"]["reconnect"], "none");
    assert_eq!(client.connect().await.last()["error"], "403::Unknown client");
    let stats = org.stats().await;
    assert_eq!((&stats["sessions"]["open"], &stats["sessions"]["disconnected"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn shutting_down_answers_held_connects_and_ends_in_time() {
    let mut org = org(Options::default()).await;
    let held = org.client().await.held().await;
    org.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), &mut org.served).await.unwrap().unwrap().unwrap();
    assert_eq!(held.await.unwrap().status, 503);
}
