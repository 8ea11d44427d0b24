//! The JWT bearer flow.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use simulator::Options;

use super::key::Key;
use super::{USER, is_good, refused, token};
use crate::client::{org, quick};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const INVALID: (&str, &str) = ("invalid_grant", "invalid assertion");

fn form(assertion: &str) -> Vec<(&str, &str)> {
    vec![("grant_type", GRANT), ("assertion", assertion)]
}

fn claims(aud: &str, seconds: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({"iss": "crossfeed-demo", "sub": USER, "aud": aud, "exp": i64::try_from(now).unwrap() + seconds})
}

fn sign(key: &Key, algorithm: Algorithm, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_rsa_pem(key.private.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn an_assertion_for_the_org_or_for_the_login_host_is_let_in() {
    let key = Key::new();
    let org = org(key.options()).await;
    for aud in [&org.base, "https://login.salesforce.com"] {
        let reply = token(&org, &form(&sign(&key, Algorithm::RS256, &claims(aud, 180)))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let reply = reply.json();
        assert!(is_good(&org, &reply["access_token"]).await);
        let mut names: Vec<&str> = reply.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["access_token", "id", "instance_url", "scope", "token_type"]);
    }
}

#[tokio::test]
async fn each_wrong_claim_has_its_error() {
    let key = Key::new();
    let org = org(key.options()).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims(&org.base, 180);
        claims[name] = value;
        claims
    };
    let audience = ("invalid_grant", "audience is invalid");
    let user = ("invalid_grant", "user hasn't approved this consumer");
    for (claims, (error, description)) in [
        (with("iss", json!("other")), ("invalid_client_id", "client identifier invalid")),
        (with("sub", json!("other@simulator.example")), user),
        (with("aud", json!("https://test.salesforce.com")), audience),
        (with("aud", json!("https://login.salesforce.com/")), audience),
        (with("aud", json!("https://evil.example")), audience),
        (claims(&org.base, -1), ("invalid_grant", "expired authorization code")),
        (claims(&org.base, 400), INVALID),
        (with("exp", Value::Null), INVALID),
        (with("sub", Value::Null), INVALID),
    ] {
        refused(&org, &form(&sign(&key, Algorithm::RS256, &claims)), error, description).await;
    }
}

#[tokio::test]
async fn only_the_registered_key_and_rs256_are_taken() {
    let key = Key::new();
    let org = org(key.options()).await;
    let good = claims(&org.base, 180);
    let stranger = sign(&Key::new(), Algorithm::RS256, &good);
    let sha512 = sign(&key, Algorithm::RS512, &good);
    let secret = EncodingKey::from_secret(key.certificate.as_bytes());
    let confused = encode(&Header::new(Algorithm::HS256), &good, &secret).unwrap();
    let signed = sign(&key, Algorithm::RS256, &good);
    let (head, rest) = signed.split_once('.').unwrap();
    let unsigned = format!("{head}.{}.", rest.split_once('.').unwrap().0);
    for assertion in [&stranger, &sha512, &confused, &unsigned, "x", "a.b.c"] {
        refused(&org, &form(assertion), INVALID.0, INVALID.1).await;
    }
    refused(&org, &form("")[..1], "invalid_request", "missing required parameter").await;
    let ignorant = crate::client::org(quick()).await;
    refused(&ignorant, &form(&signed), INVALID.0, INVALID.1).await;
}

#[tokio::test]
async fn an_assertion_with_an_id_is_good_once() {
    let key = Key::new();
    let org = org(key.options()).await;
    let mut claims = claims(&org.base, 180);
    claims["jti"] = json!("1");
    let assertion = sign(&key, Algorithm::RS256, &claims);
    assert_eq!(token(&org, &form(&assertion)).await.status, 200);
    refused(&org, &form(&assertion), INVALID.0, INVALID.1).await;
}

#[tokio::test]
async fn a_sandbox_has_the_other_login_host() {
    let key = Key::new();
    let org = org(Options { is_sandbox: true, ..key.options() }).await;
    let sign = |aud| sign(&key, Algorithm::RS256, &claims(aud, 180));
    assert_eq!(token(&org, &form(&sign("https://test.salesforce.com"))).await.status, 200);
    let production = sign("https://login.salesforce.com");
    refused(&org, &form(&production), "invalid_grant", "audience is invalid").await;
}

#[tokio::test]
async fn the_policy_decides_about_a_good_assertion() {
    let key = Key::new();
    let org = org(key.options()).await;
    let assertion = sign(&key, Algorithm::RS256, &claims(&org.base, 180));
    for (field, error, description) in [
        (json!({"approved": false}), "invalid_grant", "user hasn't approved this consumer"),
        (json!({"ip_restricted": true}), "invalid_grant", "ip restricted"),
        (json!({"inactive": true}), "inactive_user", "user is inactive"),
        (json!({"app_blocked": true}), "OAUTH_APP_BLOCKED", "app blocked by admin"),
    ] {
        let before = org.get("/simulator/login").await.json();
        org.control("login", field).await;
        refused(&org, &form(&assertion), error, description).await;
        org.control("login", before).await;
    }
    assert_eq!(token(&org, &form(&assertion)).await.status, 200);
}
