//! The policy itself, and the instance that logins name.

use serde_json::json;

use super::{APP, is_good, token};
use crate::client::{org, quick};

#[tokio::test]
async fn a_policy_is_changed_field_by_field() {
    let org = org(quick()).await;
    let before = org.get("/simulator/login").await.json();
    assert_eq!(before.as_object().unwrap().len(), 19);
    let after = org.control("login", json!({"rotation": true, "soap_fault": "ORG_LOCKED"})).await;
    assert_eq!((&after["rotation"], &after["soap_fault"]), (&json!(true), &json!("ORG_LOCKED")));
    assert_eq!(after["approved"], before["approved"]);
    for wrong in [
        json!({"rotation": "yes"}),
        json!({"unknown": 1}),
        json!([]),
        json!({"soap_fault": "X"}),
        json!({"instance_url": "localhost"}),
        json!({"approved": false, "consent": "maybe"}),
    ] {
        let reply = org.send(org.http.post(format!("{}/simulator/login", org.base)).json(&wrong)).await;
        assert_eq!(reply.status, 400, "{wrong}");
    }
    assert_eq!(org.get("/simulator/login").await.json(), after, "a wrong change changes nothing");
}

#[tokio::test]
async fn data_is_only_at_the_instance_that_the_login_named() {
    let org = org(quick()).await;
    let form = [APP[0], APP[1], ("grant_type", "client_credentials")];
    let elsewhere = org.base.replace("127.0.0.1", "localhost");
    org.control("login", json!({"instance_url": elsewhere})).await;
    let login = token(&org, &form).await.json();
    assert_eq!(login["instance_url"], elsewhere);
    assert!(login["id"].as_str().unwrap().starts_with(&org.base), "the id stays with the login host");
    let access = &login["access_token"];
    assert!(!is_good(&org, access).await);
    let at_instance = org.http.get(format!("{elsewhere}/services/data/v64.0/limits"));
    assert_eq!(org.send(at_instance.bearer_auth(access.as_str().unwrap())).await.status, 200);
    let handshake = org.http.post(format!("{}/cometd/64.0", org.base)).bearer_auth(access.as_str().unwrap());
    let reply = org.send(handshake.json(&crate::client::handshake())).await.last();
    assert_eq!(reply["ext"]["sfdc"]["failureReason"], "401::Authentication invalid");
    org.control("login", json!({"instance_url": null})).await;
    assert!(is_good(&org, access).await);
}

#[tokio::test]
async fn sessions_can_be_short() {
    let org = org(quick()).await;
    org.control("login", json!({"session_seconds": 0})).await;
    let login = token(&org, &[APP[0], APP[1], ("grant_type", "client_credentials")]).await.json();
    assert!(!is_good(&org, &login["access_token"]).await);
}
