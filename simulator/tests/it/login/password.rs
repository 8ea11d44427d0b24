//! The username-password flow, and what guessing leads to.

use serde_json::json;

use super::{APP, USER, is_good, refused, token};
use crate::client::{org, quick};

fn form<'a>(user: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![APP[0], APP[1], ("grant_type", "password"), ("username", user), ("password", password)]
}

const RIGHT: &str = "simulator-passwordsimulator-token";
const FAILURE: (&str, &str) = ("invalid_grant", "authentication failure");

#[tokio::test]
async fn the_password_and_the_token_behind_it_are_needed() {
    let org = org(quick()).await;
    for (user, password) in [
        (USER, "simulator-password"),
        (USER, "simulator-password simulator-token"),
        (USER, "simulator-tokensimulator-password"),
        (USER, "simulator-passwordsimulator-toke"),
        ("other@simulator.example", RIGHT),
    ] {
        refused(&org, &form(user, password), FAILURE.0, FAILURE.1).await;
    }
    refused(&org, &form(USER, RIGHT)[..4], "invalid_request", "missing required parameter").await;
    let reply = token(&org, &form("Integration@Simulator.Example", RIGHT)).await.json();
    assert!(is_good(&org, &reply["access_token"]).await);
    assert!(reply["signature"].is_string() && reply.get("refresh_token").is_none());
}

#[tokio::test]
async fn a_secret_is_needed_too() {
    let org = org(quick()).await;
    let mut form = form(USER, RIGHT);
    form[1].1 = "wrong";
    refused(&org, &form, "invalid_client", "invalid client credentials").await;
    form.remove(1);
    refused(&org, &form, "invalid_client", "invalid client credentials").await;
    assert_eq!(org.stats().await["passwords"], json!({"tried": 0, "wrong": 0}));
}

#[tokio::test]
async fn too_many_wrong_passwords_lock_the_user_until_unlocked() {
    let org = org(simulator::Options { lock_after: 3, ..quick() }).await;
    for _ in 0..2 {
        refused(&org, &form(USER, "wrong"), FAILURE.0, FAILURE.1).await;
    }
    assert_eq!(token(&org, &form(USER, RIGHT)).await.status, 200, "two are not three");
    for _ in 0..3 {
        refused(&org, &form(USER, "wrong"), FAILURE.0, FAILURE.1).await;
    }
    refused(&org, &form(USER, RIGHT), FAILURE.0, FAILURE.1).await;
    assert_eq!(org.get("/simulator/login").await.json()["locked"], true);
    assert_eq!(org.stats().await["passwords"], json!({"tried": 7, "wrong": 3}));
    org.control("login", json!({"locked": false})).await;
    assert_eq!(token(&org, &form(USER, RIGHT)).await.status, 200);
    assert_eq!(org.stats().await["passwords"]["wrong"], 0);
}

#[tokio::test]
async fn the_policy_decides_about_the_right_password() {
    let org = org(quick()).await;
    for (field, (error, description)) in [
        (json!({"password_flow": false}), FAILURE),
        (json!({"ip_restricted": true}), FAILURE),
        (json!({"login_hours": true}), FAILURE),
        (json!({"password_expired": true}), FAILURE),
        (json!({"locked": true}), FAILURE),
        (json!({"inactive": true}), ("inactive_user", "user is inactive")),
        (json!({"app_blocked": true}), ("OAUTH_APP_BLOCKED", "app blocked by admin")),
        (json!({"rate_limited": true}), ("rate_limit_exceeded", "too many logins")),
    ] {
        let before = org.get("/simulator/login").await.json();
        org.control("login", field).await;
        refused(&org, &form(USER, RIGHT), error, description).await;
        org.control("login", before).await;
    }
    assert_eq!(token(&org, &form(USER, RIGHT)).await.status, 200);
}

#[tokio::test]
async fn a_trusted_address_needs_no_security_token() {
    let org = org(quick()).await;
    org.control("login", json!({"trusted_ip": true})).await;
    assert_eq!(token(&org, &form(USER, "simulator-password")).await.status, 200);
    assert_eq!(token(&org, &form(USER, RIGHT)).await.status, 200);
    refused(&org, &form(USER, "simulator-passwordwrong"), FAILURE.0, FAILURE.1).await;
}
