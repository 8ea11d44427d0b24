#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use serde_json::value::RawValue;

use super::*;
use crate::{
    AccessToken, Given, Login, Options,
    stub::{EXPIRED, JSON, ORG, Stub, TOKEN},
};

const CREATED: &str = r#"{"id":"001xx000003DGb2AAG","success":true,"errors":[]}"#;
const BUSY: &str = r#"[{"message":"Server is too busy.  Please try your request again later.","errorCode":"503"}]"#;

fn record() -> Box<RawValue> {
    RawValue::from_string(r#"{"Name":"A"}"#.into()).unwrap()
}

/// How many logins and how many other calls it takes to answer one `create`.
async fn effort(answers: &[(u16, &'static str, &'static str)]) -> (usize, usize) {
    let stub = Stub::answering(answers).await;
    let _ = stub.org().create("Account", &record()).await;
    (stub.asked(TOKEN).len(), stub.calls().len())
}

/// The stub under another name: to follow there would be to take the token to another host.
const ELSEWHERE: &str = "https://acme2.my.salesforce.com/services/data/v64.0/sobjects/Account";

#[tokio::test]
async fn a_new_token_is_had_and_the_call_repeated_only_where_that_helps() {
    let check = async |answers: &[(u16, &'static str, &'static str)], logins: usize, calls: usize| {
        assert_eq!(effort(answers).await, (logins, calls), "{answers:?}");
    };
    check(&[(201, JSON, CREATED)], 1, 1).await;
    check(&[(401, JSON, EXPIRED), (201, JSON, CREATED)], 2, 2).await;
    check(&[(401, JSON, EXPIRED)], 2, 2).await;
    check(&[(401, "text/html", "<html>"), (201, JSON, CREATED)], 2, 2).await;
    check(&[(301, ELSEWHERE, ""), (201, JSON, CREATED)], 2, 2).await;
    check(&[(302, ELSEWHERE, "")], 2, 2).await;
    // Somewhere else on the same host: no login changes that.
    check(&[(302, "/maintenance", "")], 1, 1).await;
    check(&[(403, JSON, r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests"}]"#)], 1, 1).await;
    check(&[(400, JSON, r#"[{"errorCode":"UNABLE_TO_LOCK_ROW","message":"locked"}]"#)], 1, 1).await;
    check(&[(404, JSON, r#"[{"errorCode":"NOT_FOUND","message":"no"}]"#)], 1, 1).await;
    check(&[(500, JSON, r#"[{"errorCode":"UNKNOWN_EXCEPTION","message":"?"}]"#)], 1, 1).await;
    check(&[(503, "text/html", "<html>")], 1, 1).await;
}

#[tokio::test]
async fn f31_a_server_that_is_too_busy_costs_no_login_whatever_its_status() {
    let reason = r#"[{"error":"401::Authentication invalid","ext":{"sfdc":{"failureReason":
        "503::Server is too busy.  Please try your request again later."}}}]"#;
    for status in [401, 403] {
        for (kind, body) in [
            (JSON, BUSY),
            (JSON, reason),
            ("text/plain", "503::Server is too busy."),
            ("text/html", "<p>Server is too busy"),
        ] {
            let stub = Stub::answering(&[(status, kind, body)]).await;
            let error = stub.org().create("Account", &record()).await.unwrap_err();
            assert!(matches!(error, Error::Server { .. }), "{status} {body}: {error:?}");
            assert!(!error.uncertain() && !error.is_fatal());
            assert_eq!((stub.asked(TOKEN).len(), stub.calls().len()), (1, 1), "{status} {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_with_an_expired_token_cause_one_login() {
    let stub = Stub::start(|stub, asked| match asked.line.as_str() {
        TOKEN => stub.granted(),
        _ if asked.header("authorization").ends_with("token-1") => (401, JSON, EXPIRED.into()),
        _ => (201, JSON, CREATED.into()),
    })
    .await;
    let org = stub.org();
    org.token().await.unwrap();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let org = org.clone();
            tokio::spawn(async move { org.create("Account", &record()).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().unwrap().success);
    }
    assert_eq!(stub.asked(TOKEN).len(), 2, "one to begin with, and one more for all");
}

#[tokio::test]
async fn a_given_token_is_not_lost_to_a_redirect() {
    let userinfo = r#"{"user_id":"005xx000001SwiUAAS","organization_id":"00Dxx0000001gPLEAY"}"#;
    let stub = Stub::answering(&[(200, JSON, userinfo), (302, ELSEWHERE, ""), (201, JSON, CREATED)]).await;
    let login =
        Login::AccessToken(AccessToken { url: stub.url.clone(), token: Given::Fixed("given".to_owned().into()) });
    let org = Org::new(login, Options::default()).unwrap();
    let error = org.create("Account", &record()).await.unwrap_err();
    assert_eq!(error.to_string(), "redirected with status 302 to acme2.my.salesforce.com");
    assert!(org.create("Account", &record()).await.is_ok());
}

#[tokio::test]
async fn every_answer_shows_what_is_used_failed_ones_too() {
    let check = async |status: u16, kind: &'static str, body: &'static str| {
        let stub = Stub::answering(&[(status, kind, body)]).await;
        let org = stub.org();
        assert_eq!(org.usage(), None);
        stub.add_header("sforce-limit-info", "api-usage=25/15000, per-app-api-usage=3/100(appName=x)");
        let _ = org.create("Account", &record()).await;
        let usage = org.usage().map(|usage| (usage.used, usage.max));
        assert_eq!(usage, Some((25, 15_000)), "{status} {body}");
    };
    check(201, JSON, CREATED).await;
    check(302, ELSEWHERE, "").await;
    check(401, JSON, EXPIRED).await;
    check(403, JSON, r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#).await;
    check(500, "text/html", "<html>").await;
    check(200, JSON, Box::leak("a".repeat(17 * 1024 * 1024).into())).await;
}

#[tokio::test]
async fn calls_that_can_wait_are_held_back_for_others_and_seen_to_anew() {
    let stub = Stub::start(|stub, asked| match asked.line.as_str() {
        TOKEN => stub.granted(),
        "GET /services/data/v64.0/limits" => (200, JSON, "{}".into()),
        _ => (201, JSON, CREATED.into()),
    })
    .await;
    stub.add_header("sforce-limit-info", "api-usage=13000/15000");
    let org = Org::new(stub.login(), Options { api_reserve: 0.2, ..Options::default() }).unwrap();
    org.create("Account", &record()).await.unwrap();

    let error = org.create("Account", &record()).await.unwrap_err();
    assert_eq!(error.to_string(), "13000 of the day's 15000 API calls are used, and the last 3000 are left to others");
    assert_eq!((error.disposition(), error.uncertain()), (crate::Disposition::Transient, false));
    assert!(error.wait().unwrap() <= Duration::from_secs(300));
    assert!(error.remedy().unwrap().contains("System Overview"));
    assert!(matches!(org.publish("A__e", &[&record()]).await, Err(Error::Reserved { .. })));
    assert!(matches!(org.query("SELECT Id FROM Account").next().await, Err(Error::Reserved { .. })));
    assert_eq!(stub.calls().len(), 1, "something was sent");
    org.limits().await.unwrap();

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(300)).await;
    tokio::time::resume();
    org.create("Account", &record()).await.unwrap();
    assert!(matches!(org.create("Account", &record()).await, Err(Error::Reserved { .. })));
    assert_eq!(stub.calls().len(), 3);
}

#[tokio::test]
async fn an_error_names_the_request() {
    let check = async |headers: &[(&'static str, &'static str)], expected: &str| {
        let stub = Stub::answering(&[(404, JSON, r#"[{"errorCode":"NOT_FOUND","message":"no such"}]"#)]).await;
        headers.iter().for_each(|(name, value)| stub.add_header(name, value));
        let error = stub.org().create("Account", &record()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("not found: NOT_FOUND: no such{expected}"));
    };
    check(&[], "").await;
    check(&[("x-request-id", "b")], " (request b)").await;
    check(&[("x-request-id", "b"), ("x-sfdc-request-id", "a")], " (request a)").await;
    check(&[("x-sfdc-request-id", "")], "").await;
    let token: &'static str = Box::leak(format!("x {ORG}!token-1").into());
    check(&[("x-request-id", token)], " (request x …)").await;
}

#[test]
fn a_value_is_one_segment_of_the_address_or_refused() {
    let check = |value: &str, expected: Option<&str>| assert_eq!(segment(value).ok().as_deref(), expected, "{value}");
    check("A-1_b.c~d", Some("A-1_b.c~d"));
    check("a/b?c#d", Some("a%2Fb%3Fc%23d"));
    check("100% + ;ä", Some("100%25%20%2B%20%3B%C3%A4"));
    check("%2e%2E", Some("%252e%252E"));
    check("..a", Some("..a"));
    check("..", None);
    check(".", None);
    check("", None);
}
