//! Refresh tokens: use, rotation, revocation.

use serde_json::{Value, json};

use super::authorize::{code, exchange};
use super::{APP, is_good, refused, token};
use crate::client::{Client, Org, org, quick};

async fn login(org: &Org) -> Value {
    token(org, &exchange(&code(org, "api refresh_token").await)).await.json()
}

fn form(refresh_token: &Value) -> Vec<(&str, &str)> {
    vec![APP[0], APP[1], ("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str().unwrap())]
}

async fn revoke(org: &Org, token: &Value) -> u16 {
    let form = [("token", token.as_str().unwrap())];
    org.send(org.http.post(format!("{}/services/oauth2/revoke", org.base)).form(&form)).await.status
}

const DEAD: (&str, &str) = ("invalid_grant", "expired access/refresh token");

#[tokio::test]
async fn without_rotation_one_refresh_token_serves_again_and_again() {
    let org = org(quick()).await;
    let first = login(&org).await;
    for _ in 0..3 {
        let reply = token(&org, &form(&first["refresh_token"])).await.json();
        assert!(is_good(&org, &reply["access_token"]).await);
        assert_ne!(reply["access_token"], first["access_token"]);
        assert_eq!(reply["scope"], "api refresh_token");
        assert!(reply.get("refresh_token").is_none() && reply["signature"].is_string());
    }
    refused(&org, &form(&json!("5Aep861invented")), DEAD.0, DEAD.1).await;
    refused(&org, &form(&first["access_token"]), DEAD.0, DEAD.1).await;
}

#[tokio::test]
async fn with_rotation_each_refresh_token_is_good_once() {
    let org = org(quick()).await;
    org.control("login", json!({"rotation": true})).await;
    let first = login(&org).await;
    let second = token(&org, &form(&first["refresh_token"])).await.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    refused(&org, &form(&first["refresh_token"]), DEAD.0, DEAD.1).await;
    let third = token(&org, &form(&second["refresh_token"])).await.json();
    assert!(third["refresh_token"].is_string());
    assert!(is_good(&org, &first["access_token"]).await, "rotation leaves access tokens alone");
}

#[tokio::test]
async fn revoking_a_refresh_token_kills_its_access_tokens_alone() {
    let org = org(quick()).await;
    let (one, other) = (login(&org).await, login(&org).await);
    let more = token(&org, &form(&one["refresh_token"])).await.json();
    assert_eq!(revoke(&org, &one["refresh_token"]).await, 200);
    assert!(!is_good(&org, &one["access_token"]).await && !is_good(&org, &more["access_token"]).await);
    assert!(is_good(&org, &other["access_token"]).await);
    refused(&org, &form(&one["refresh_token"]), DEAD.0, DEAD.1).await;
    assert_eq!(revoke(&org, &other["access_token"]).await, 200);
    assert!(!is_good(&org, &other["access_token"]).await);
    assert_eq!(token(&org, &form(&other["refresh_token"])).await.status, 200);
    assert_eq!(revoke(&org, &other["access_token"]).await, 400);
}

#[tokio::test]
async fn a_held_connect_learns_at_once_that_its_refresh_token_was_revoked() {
    let org = org(quick()).await;
    let login = login(&org).await;
    let token = login["access_token"].as_str().map(str::to_owned);
    let mut client = Client { org: &org, token, cookie: None, client_id: String::new() };
    client.handshake().await;
    client.connect().await;
    let held = client.held().await;
    assert_eq!(revoke(&org, &login["refresh_token"]).await, 200);
    assert_eq!(held.await.unwrap().last()["error"], "401::Authentication invalid");
}

#[tokio::test]
async fn control_revokes_access_tokens_or_all() {
    let org = org(quick()).await;
    let first = login(&org).await;
    assert_eq!(org.control("tokens/revoke", json!({})).await, json!({"revoked": 1}));
    assert!(!is_good(&org, &first["access_token"]).await);
    assert_eq!(token(&org, &form(&first["refresh_token"])).await.status, 200);
    assert_eq!(org.control("tokens/revoke", json!({"refresh": true})).await, json!({"revoked": 2}));
    refused(&org, &form(&first["refresh_token"]), DEAD.0, DEAD.1).await;
}

#[tokio::test]
async fn a_refresh_obeys_secret_and_policy() {
    let org = org(quick()).await;
    let first = login(&org).await;
    let mut form = form(&first["refresh_token"]);
    form[1].1 = "wrong";
    refused(&org, &form, "invalid_client", "invalid client credentials").await;
    form.remove(1);
    refused(&org, &form, "invalid_client", "invalid client credentials").await;
    org.control("login", json!({"secret_required": false})).await;
    assert_eq!(token(&org, &form).await.status, 200);
    org.control("login", json!({"ip_restricted": true})).await;
    refused(&org, &form, "invalid_grant", "ip restricted").await;
    org.control("login", json!({"inactive": true})).await;
    refused(&org, &form, "inactive_user", "user is inactive").await;
}
