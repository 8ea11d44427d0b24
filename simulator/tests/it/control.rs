//! The control API.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::Options;

use crate::client::{ACCOUNTS, org, quick};

#[tokio::test]
async fn a_rate_is_kept() {
    let org = org(quick()).await;
    let begin = Instant::now();
    let answer = org.control("publish", json!({"channel": ACCOUNTS, "count": 100, "rate": 500})).await;
    assert_eq!(answer, json!({"accepted": 100}));
    org.until("/channels/~1data~1AccountChangeEvent/made", 100).await;
    assert!(begin.elapsed() >= Duration::from_millis(190));
}

#[tokio::test]
async fn the_running_number_counts_within_the_channel() {
    let org = org(quick()).await;
    org.publish(ACCOUNTS, 2).await;
    org.publish(ACCOUNTS, 1).await;
    let events = org.client().await.subscribe(ACCOUNTS, -2).await.json();
    let numbers: Vec<_> = (0..3).map(|index| events[index]["data"]["payload"]["Seq__c"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn ended_sessions_learn_of_it_while_held_and_afterwards() {
    let org = org(Options::default()).await;
    let client = org.client().await;
    let held = client.held().await;
    org.control("sessions/end", json!({"how": "unknown_client"})).await;
    for reply in [held.await.unwrap(), client.connect().await] {
        assert_eq!(reply.last()["error"], "403::Unknown client");
        assert_eq!(reply.last()["advice"], json!({"interval": 0, "reconnect": "handshake"}));
    }
}

#[tokio::test]
async fn a_server_s_disconnect_is_salesforce_s_array() {
    let org = org(Options::default()).await;
    let wanted = |client_id: &str| {
        json!([{"channel": "/meta/disconnect"},
            {"clientId": client_id, "advice": {"reconnect": "none", "interval": 0}, "channel": "/meta/connect",
             "id": "7", "error": "403::Unknown client", "successful": false}])
    };
    let client = org.client().await;
    let held = client.held().await;
    org.control("sessions/end", json!({"how": "server_disconnect"})).await;
    assert_eq!(held.await.unwrap().json(), wanted(&client.client_id));
    let client = org.client().await;
    org.control("sessions/end", json!({"how": "server_disconnect", "client_id": client.client_id})).await;
    assert_eq!(client.connect().await.json(), wanted(&client.client_id), "at the next connect where none is held");
    assert_eq!(client.connect().await.last()["advice"]["reconnect"], "handshake");
}

#[tokio::test]
async fn revoked_tokens_end_held_connects_and_a_new_token_goes_on_in_the_session() {
    let org = org(Options::default()).await;
    let mut client = org.client().await;
    let held = client.held().await;
    org.control("tokens/revoke", json!({})).await;
    for reply in [held.await.unwrap(), client.connect().await] {
        assert_eq!(reply.last()["error"], "401::Authentication invalid");
        assert_eq!(reply.last()["advice"], json!({"interval": 0, "reconnect": "none"}));
    }
    client.token = Some(org.login().await);
    assert_eq!(client.poll().await.last()["successful"], true);
}

#[tokio::test]
async fn a_channel_with_fields_can_be_added() {
    let org = org(quick()).await;
    let fields = json!({"A__c": {"type": "number", "required": true}, "B__c": {"type": "text", "length": 5}});
    org.control("channels", json!({"channel": "/event/X__e", "fields": fields})).await;
    let token = org.login().await;
    for (record, status) in
        [(json!({"A__c": 1, "B__c": "short"}), 201), (json!({"A__c": 1, "B__c": "longer"}), 400), (json!({}), 400)]
    {
        let url = format!("{}/services/data/v64.0/sobjects/X__e", org.base);
        assert_eq!(org.send(org.http.post(url).bearer_auth(&token).json(&record)).await.status, status);
    }
    assert_eq!(org.publish("/event/X__e", 2).await.len(), 2);
}

#[tokio::test]
async fn improper_control_calls_say_what_is_wrong() {
    let org = org(quick()).await;
    for (path, body, status) in [
        ("publish", json!({"channel": "/event/No__e"}), 404),
        ("publish", json!({"channel": ACCOUNTS, "cuont": 1}), 400),
        ("publish", json!({"channel": ACCOUNTS, "rate": 0}), 400),
        ("publish", json!({"channel": ACCOUNTS, "change_type": "CHANGE"}), 400),
        ("expire", json!({"channel": "/u/no"}), 404),
        ("channels", json!({"channel": "/x/y"}), 400),
        ("faults", json!({"on": "lunch", "fault": "cut"}), 400),
    ] {
        let reply = org.send(org.http.post(format!("{}/simulator/{path}", org.base)).json(&body)).await;
        assert_eq!(reply.status, status, "{path} {body}");
        assert!(reply.json()["error"].is_string());
    }
}
