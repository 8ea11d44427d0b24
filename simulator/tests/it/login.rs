//! OAuth, versions, and what becomes of requests without a good token.

mod authorize;
mod introspect;
mod jwt;
mod key;
mod password;
mod policy;
mod refresh;
mod saml;
mod soap;

use serde_json::{Value, json};

use crate::client::{Org, Reply, org, quick};

/// What every token call of an app has in common.
const APP: [(&str, &str); 2] = [("client_id", "crossfeed-demo"), ("client_secret", "simulator-secret")];
const USER: &str = "integration@simulator.example";

/// Calls the token endpoint.
async fn token(org: &Org, form: &[(&str, &str)]) -> Reply {
    org.send(org.http.post(format!("{}/services/oauth2/token", org.base)).form(form)).await
}

/// Calls the token endpoint as the app; the answer must be this refusal.
async fn refused(org: &Org, form: &[(&str, &str)], error: &str, description: &str) {
    let reply = token(org, form).await;
    assert_eq!(reply.status, 400, "{form:?}: {}", reply.text);
    assert_eq!(reply.json(), json!({"error": error, "error_description": description}), "{form:?}");
}

/// Whether REST takes a token.
async fn is_good(org: &Org, token: &Value) -> bool {
    let request = org.http.get(format!("{}/services/data/v64.0/limits", org.base));
    org.send(request.bearer_auth(token.as_str().unwrap())).await.status == 200
}

#[tokio::test]
async fn the_token_reply_names_the_org_and_its_url() {
    let org = org(quick()).await;
    let url = format!("{}/services/oauth2/token", org.base);
    let request = org.http.post(&url).basic_auth("crossfeed-demo", Some("simulator-secret"));
    let reply = org.send(request.form(&[("grant_type", "client_credentials")])).await.json();
    assert_eq!(reply["instance_url"], org.base);
    assert_eq!(reply["token_type"], "Bearer");
    assert_eq!(reply["scope"], "api");
    assert!(reply["issued_at"].as_str().unwrap().parse::<u64>().is_ok());
    let id: Vec<&str> = reply["id"].as_str().unwrap().rsplit('/').collect();
    assert_eq!(id[1], "00Dxx0000001gPLEAY");
    assert!(id[0].starts_with("005") && id[0].len() == 18);
    assert!(reply.get("refresh_token").is_none());
    assert!(reply["access_token"].as_str().unwrap().starts_with("00Dxx0000001gPL!"));
}

#[tokio::test]
async fn the_signature_is_the_hmac_of_id_and_time() {
    use aws_lc_rs::hmac;
    use base64::Engine;
    let org = org(quick()).await;
    let reply = token(&org, &[APP[0], APP[1], ("grant_type", "client_credentials")]).await.json();
    let signed = format!("{}{}", reply["id"].as_str().unwrap(), reply["issued_at"].as_str().unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"simulator-secret");
    let signature = base64::engine::general_purpose::STANDARD.decode(reply["signature"].as_str().unwrap()).unwrap();
    hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn bad_logins_get_salesforce_s_errors() {
    let org = org(quick()).await;
    let (id, wrong) = (APP[0], ("client_secret", "y"));
    let grant = ("grant_type", "client_credentials");
    let unknown = ("invalid_client_id", "client identifier invalid");
    let secret = ("invalid_client", "invalid client credentials");
    let unsupported = ("unsupported_grant_type", "grant type not supported");
    for (form, (error, description)) in [
        (vec![grant, ("client_id", "x"), wrong], unknown),
        (vec![grant, id, wrong], secret),
        (vec![grant, id], secret),
        (vec![grant], unknown),
        (vec![("grant_type", "password")], unknown),
        (vec![("grant_type", "device"), APP[0], APP[1]], unsupported),
        (vec![], ("invalid_request", "missing required parameter: grant_type")),
    ] {
        refused(&org, &form, error, description).await;
    }
    let url = format!("{}/services/oauth2/token", org.base);
    for (user, secret) in [("x", "simulator-secret"), ("crossfeed-demo", "y"), ("crossfeed-demo", "")] {
        let reply = org.send(org.http.post(&url).basic_auth(user, Some(secret)).form(&[grant])).await;
        assert_eq!(reply.status, 400, "{user}: {}", reply.text);
    }
    let reply = org.get("/services/oauth2/token").await;
    assert_eq!((reply.status, &reply.json()["error"]), (405, &json!("invalid_request")));
    let body = json!({"grant_type": "client_credentials", "client_id": APP[0].1, "client_secret": APP[1].1});
    let reply = org.send(org.http.post(&url).json(&body)).await;
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_request")), "JSON is not a form");
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
