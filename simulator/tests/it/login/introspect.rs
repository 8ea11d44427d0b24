//! What is said about tokens.

use serde_json::{Value, json};

use super::authorize::{code, exchange};
use super::{APP, USER, token};
use crate::client::{Org, Reply, org, quick};

async fn ask(org: &Org, token: &Value, secret: &str) -> Reply {
    let form = [("token", token.as_str().unwrap()), APP[0], ("client_secret", secret)];
    org.send(org.http.post(format!("{}/services/oauth2/introspect", org.base)).form(&form)).await
}

#[tokio::test]
async fn introspection_tells_tokens_apart() {
    let org = org(quick()).await;
    org.control("login", json!({"session_seconds": 900})).await;
    let login = token(&org, &exchange(&code(&org, "api refresh_token").await)).await.json();
    let access = ask(&org, &login["access_token"], APP[1].1).await.json();
    assert_eq!((&access["active"], &access["token_type"]), (&json!(true), &json!("access_token")));
    assert_eq!((&access["username"], &access["client_id"]), (&json!(USER), &json!("crossfeed-demo")));
    assert_eq!((&access["sub"], &access["scope"]), (&login["id"], &login["scope"]));
    let life = access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap();
    assert!((899..=901).contains(&life), "{life}");
    let refresh = ask(&org, &login["refresh_token"], APP[1].1).await.json();
    assert_eq!((&refresh["active"], &refresh["token_type"]), (&json!(true), &json!("refresh_token")));
    assert_eq!(ask(&org, &json!("invented"), APP[1].1).await.json(), json!({"active": false}));
    let reply = ask(&org, &login["access_token"], "wrong").await;
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_client")));
    org.control("tokens/revoke", json!({})).await;
    assert_eq!(ask(&org, &login["access_token"], APP[1].1).await.json(), json!({"active": false}));
}
