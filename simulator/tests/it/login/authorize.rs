//! The web server flow: consent, code, token.

use std::time::Duration;

use serde_json::json;
use url::Url;

use super::{APP, is_good, refused, token};
use crate::client::{Org, org, quick};

const REDIRECT: &str = "http://localhost:1717/OauthRedirect";
// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A query that the user approves.
pub(super) fn query(scope: &str) -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", "crossfeed-demo"),
        ("redirect_uri", REDIRECT),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a b&=c%"),
        ("scope", scope),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// Where the browser is sent, or the page that it stays on.
async fn visit(org: &Org, query: &[(&str, String)]) -> Result<Vec<(String, String)>, (u16, String)> {
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let url = Url::parse_with_params(&format!("{}/services/oauth2/authorize", org.base), query).unwrap();
    let response = browser.get(url).send().await.unwrap();
    if response.status().as_u16() != 302 {
        return Err((response.status().as_u16(), response.text().await.unwrap()));
    }
    let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with(&format!("{REDIRECT}?")), "{location}");
    Ok(location.query_pairs().into_owned().collect())
}

pub(super) async fn code(org: &Org, scope: &str) -> String {
    let answer = visit(org, &query(scope)).await.unwrap();
    assert_eq!(answer[1], ("state".to_owned(), "a b&=c%".to_owned()));
    assert_eq!(answer[0].0, "code");
    answer[0].1.clone()
}

pub(super) fn exchange(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        APP[0],
        APP[1],
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
async fn consent_gives_a_code_that_is_good_once() {
    let org = org(quick()).await;
    let code = code(&org, "api refresh_token").await;
    assert!(code.ends_with("=="), "it has to be decoded");
    let reply = token(&org, &exchange(&code)).await.json();
    assert!(is_good(&org, &reply["access_token"]).await);
    assert!(reply["refresh_token"].as_str().unwrap().starts_with("5Aep861"));
    assert_eq!(reply["scope"], "api refresh_token");
    refused(&org, &exchange(&code), "invalid_grant", "expired authorization code").await;
    refused(&org, &exchange("invented"), "invalid_grant", "invalid authorization code").await;
}

#[tokio::test]
async fn a_refresh_token_is_given_only_where_it_was_asked_for() {
    let org = org(quick()).await;
    for (scope, is_given) in [("api", false), ("", false), ("api offline_access", true), ("refresh_token", true)] {
        let reply = token(&org, &exchange(&code(&org, scope).await)).await.json();
        assert_eq!(reply["refresh_token"].is_string(), is_given, "{scope}");
    }
}

#[tokio::test]
async fn a_code_expires() {
    let org = org(simulator::Options { code_life: Duration::ZERO, ..quick() }).await;
    refused(&org, &exchange(&code(&org, "api").await), "invalid_grant", "expired authorization code").await;
}

#[tokio::test]
async fn a_code_is_bound_to_what_it_was_given_for() {
    let org = org(quick()).await;
    let verifier = ("invalid_grant", "invalid code verifier");
    for (index, value, (error, description)) in [
        (5, Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX"), verifier),
        (5, Some("short"), verifier),
        (5, None, verifier),
        (4, Some("http://localhost:1717/other"), ("redirect_uri_mismatch", "redirect_uri must match configuration")),
        (4, None, ("redirect_uri_missing", "redirect_uri not provided")),
        (3, None, ("invalid_request", "missing required parameter")),
        (2, Some("wrong"), ("invalid_client", "invalid client credentials")),
        (2, None, ("invalid_client", "invalid client credentials")),
        (1, Some("other"), ("invalid_client_id", "client identifier invalid")),
    ] {
        let code = code(&org, "api").await;
        let mut form = exchange(&code);
        form[index].1 = value.unwrap_or_default();
        refused(&org, &form, error, description).await;
    }
    org.control("login", json!({"secret_required": false})).await;
    let code = code(&org, "api").await;
    let mut form = exchange(&code);
    form.remove(2);
    assert_eq!(token(&org, &form).await.status, 200);
}

#[tokio::test]
async fn an_app_that_asks_wrongly_is_told() {
    let org = org(quick()).await;
    for (index, value, error) in [
        (0, "token", "unsupported_response_type"),
        (0, "", "unsupported_response_type"),
        (3, "", "invalid_request"),
        (3, "short", "invalid_request"),
        (4, "plain", "invalid_request"),
        (6, "api everything", "invalid_scope"),
    ] {
        let mut query = query("api");
        query[index].1 = value.to_owned();
        let answer = visit(&org, &query).await.unwrap();
        assert_eq!(answer[0], ("error".to_owned(), error.to_owned()), "{query:?}");
        assert_eq!(answer[2], ("state".to_owned(), "a b&=c%".to_owned()));
    }
    for (index, value, error) in [
        (1, "other", "invalid_client_id"),
        (1, "", "invalid_client_id"),
        (2, "", "redirect_uri_missing"),
        (2, "http://localhost:1717/OauthRedirect/", "redirect_uri_mismatch"),
        (2, "http://evil.example/", "redirect_uri_mismatch"),
    ] {
        let mut query = query("api");
        query[index].1 = value.to_owned();
        let (status, page) = visit(&org, &query).await.unwrap_err();
        assert!(status == 400 && page.starts_with(&format!("error={error}&")), "{page}");
    }
    // Salesforce takes a missing method for S256.
    let mut query = query("api");
    query.remove(4);
    assert_eq!(visit(&org, &query).await.unwrap()[0].0, "code");
}

#[tokio::test]
async fn a_user_can_say_no() {
    let org = org(quick()).await;
    org.control("login", json!({"consent": "deny"})).await;
    let answer = visit(&org, &query("api")).await.unwrap();
    let wanted =
        [("error", "access_denied"), ("error_description", "end-user denied authorization"), ("state", "a b&=c%")];
    assert_eq!(answer, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    org.control("login", json!({"consent": "approve", "app_blocked": true})).await;
    assert_eq!(visit(&org, &query("api")).await.unwrap()[0].1, "OAUTH_APP_BLOCKED");
}
