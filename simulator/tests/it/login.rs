//! OAuth, versions, and what becomes of requests without a good token.

use serde_json::json;

use crate::client::{org, quick};

#[tokio::test]
async fn the_token_reply_names_the_org_and_its_url() {
    let org = org(quick()).await;
    let url = format!("{}/services/oauth2/token", org.base);
    let request = org.http.post(&url).basic_auth("crossfeed-demo", Some("simulator-secret"));
    let reply = org.send(request.form(&[("grant_type", "client_credentials")])).await.json();
    assert_eq!(reply["instance_url"], org.base);
    assert_eq!(reply["token_type"], "Bearer");
    assert!(reply["issued_at"].as_str().unwrap().parse::<u64>().is_ok());
    let id: Vec<&str> = reply["id"].as_str().unwrap().rsplit('/').collect();
    assert_eq!(id[1], "00Dxx0000001gPLEAY");
    assert!(id[0].starts_with("005") && id[0].len() == 18);
    assert!(reply.get("refresh_token").is_none());
    assert!(reply["access_token"].as_str().unwrap().starts_with("00Dxx0000001gPL!"));
}

#[tokio::test]
async fn bad_logins_get_salesforce_s_errors() {
    let org = org(quick()).await;
    let url = format!("{}/services/oauth2/token", org.base);
    for (form, error) in [
        (vec![("grant_type", "client_credentials"), ("client_id", "x"), ("client_secret", "y")], "invalid_client_id"),
        (
            vec![("grant_type", "client_credentials"), ("client_id", "crossfeed-demo"), ("client_secret", "y")],
            "invalid_client",
        ),
        (vec![("grant_type", "client_credentials")], "invalid_client_id"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![], "invalid_request"),
    ] {
        let reply = org.send(org.http.post(&url).form(&form)).await;
        assert_eq!((reply.status, &reply.json()["error"]), (400, &json!(error)), "{form:?}");
    }
    let reply = org.get("/services/oauth2/token").await;
    assert_eq!((reply.status, &reply.json()["error"]), (405, &json!("invalid_request")));
}

#[tokio::test]
async fn a_revoked_token_is_refused_by_rest_and_userinfo() {
    let org = org(quick()).await;
    let token = org.login().await;
    let get = |path: &str| org.send(org.http.get(format!("{}{path}", org.base)).bearer_auth(&token));
    let info = get("/services/oauth2/userinfo").await;
    assert_eq!(info.json()["organization_id"], "00Dxx0000001gPLEAY");
    assert_eq!(get("/services/data/v64.0/limits").await.status, 200);
    let revoke = org.http.post(format!("{}/services/oauth2/revoke", org.base)).form(&[("token", &token)]);
    assert_eq!(org.send(revoke).await.status, 200);
    assert_eq!(get("/services/oauth2/userinfo").await.status, 403);
    let reply = get("/services/data/v64.0/limits").await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json(), json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]));
}

#[tokio::test]
async fn an_unused_token_expires() {
    let org = org(simulator::Options { token_idle: std::time::Duration::ZERO, ..quick() }).await;
    let token = org.login().await;
    let reply = org.send(org.http.get(format!("{}/services/data/v64.0/limits", org.base)).bearer_auth(token)).await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn versions_need_no_login() {
    let org = org(quick()).await;
    let versions = org.get("/services/data/").await.json();
    assert_eq!(
        versions.as_array().unwrap().last().unwrap(),
        &json!({"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"})
    );
}
