//! Replies that go wrong.

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, Org, handshake, org, quick};

async fn plan(org: &Org, on: &str, fault: &str) {
    org.control("faults", json!({"on": on, "fault": fault})).await;
}

#[tokio::test]
async fn events_of_a_spoilt_reply_are_gone_for_the_session() {
    for fault in ["html", "truncated", "cut", "empty"] {
        let org = org(quick()).await;
        let client = org.client().await;
        client.subscribe(ACCOUNTS, -1).await;
        org.control("faults", json!({"on": "connect", "fault": fault, "with_events": true})).await;
        assert_eq!(client.poll().await.last()["successful"], true, "no events, no fault");
        org.publish(ACCOUNTS, 3).await;
        let response = client.request("64.0").json(&json!([client.connect_message()])).send().await.unwrap();
        let (status, length) = (response.status().as_u16(), response.content_length());
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(status, 200);
        let body = response.text().await;
        match fault {
            "html" => assert!(kind.starts_with("text/html") && body.unwrap().starts_with("<html>")),
            "truncated" => {
                let text = body.unwrap();
                assert!(text.starts_with("[{\"data\"") && serde_json::from_str::<Value>(&text).is_err());
            }
            "cut" => assert!(length.unwrap() > 1000 && body.is_err()),
            _ => assert_eq!(body.unwrap(), ""),
        }
        let next = client.poll().await;
        assert_eq!((next.last()["successful"].clone(), next.ids()), (json!(true), vec![]), "{fault}");
        let stats = org.stats().await;
        assert_eq!(stats["channels"][ACCOUNTS], json!({"made": 3, "pending": 0, "delivered": 0, "lost": 3}));
    }
}

#[tokio::test]
async fn each_endpoint_has_its_own_way_to_refuse() {
    let org = org(quick()).await;
    let client = org.client().await;
    let busy = "503::Server is too busy.  Please try your request again later.";
    for (on, body, error) in [
        ("handshake", handshake(), "403::Handshake denied"),
        ("connect", json!([client.connect_message()]), "401::Authentication invalid"),
        (
            "subscribe",
            json!([client.subscribe_message(ACCOUNTS, json!(-1))]),
            "403:denied_by_security_policy:subscribe_denied",
        ),
    ] {
        plan(&org, on, "unavailable").await;
        let reply = client.post(&body).await.last();
        assert_eq!((&reply["error"], &reply["ext"]["sfdc"]["failureReason"]), (&json!(error), &json!(busy)));
        plan(&org, on, "unauthorized").await;
        let reply = client.post(&body).await.last();
        let text = if on == "handshake" { &reply["ext"]["sfdc"]["failureReason"] } else { &reply["error"] };
        assert_eq!(text, "401::Authentication invalid");
    }
}

#[tokio::test]
async fn rest_and_token_faults() {
    let org = org(quick()).await;
    let token = org.login().await;
    let create = || {
        let url = format!("{}/services/data/v64.0/sobjects/Shipment__e/", org.base);
        org.http.post(url).bearer_auth(&token).json(&json!({"Seq__c": 1}))
    };
    let made = async || org.stats().await["channels"]["/event/Shipment__e"]["made"].as_u64().unwrap();
    for (fault, status, is_done) in
        [("unauthorized", 401, 0), ("unavailable", 503, 0), ("html", 200, 0), ("empty", 200, 1), ("truncated", 200, 1)]
    {
        let before = made().await;
        plan(&org, "create", fault).await;
        assert_eq!(org.send(create()).await.status, status, "{fault}");
        assert_eq!(made().await - before, is_done, "{fault}");
    }
    for (fault, status) in [("unauthorized", 401), ("unavailable", 503), ("html", 200), ("empty", 200)] {
        plan(&org, "token", fault).await;
        let url = format!("{}/services/oauth2/token", org.base);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "crossfeed-demo"),
            ("client_secret", "simulator-secret"),
        ];
        let reply = org.send(org.http.post(url).form(&form)).await;
        assert_eq!(reply.status, status);
        assert!(!reply.text.contains("access_token"));
    }
    org.login().await;
}

#[tokio::test]
async fn faults_can_be_cleared() {
    let org = org(quick()).await;
    let client = org.client().await;
    org.control("faults", json!({"on": "any", "fault": "html", "times": 100})).await;
    assert!(client.poll().await.text.starts_with("<html>"));
    org.send(org.http.delete(format!("{}/simulator/faults", org.base))).await;
    assert_eq!(client.poll().await.last()["successful"], true);
}
