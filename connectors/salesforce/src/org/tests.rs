#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::value::RawValue;

use super::*;
use crate::{
    AccessToken, AuthorizationCode, Disposition, Given, RefreshToken, Secret,
    stub::{JSON, ORG, SECRET, Stub, TOKEN},
};

const WRONG_SECRET: &str = r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_tried_once_however_many_ask() {
    let stub = Stub::start(|_, _| (400, JSON, WRONG_SECRET.into())).await;
    let org = stub.org();
    for error in all_at_once(&org, 100, None).await {
        assert_eq!(error.unwrap_err().to_string(), "login refused: invalid_client: invalid client credentials");
    }
    let later = org.publish("Low_Ink__e", &[record("{}").as_ref()]).await.unwrap_err();
    assert_eq!(later.disposition(), Disposition::Fatal);
    assert!(later.remedy().unwrap().contains("client secret"));
    assert_eq!(stub.asked(TOKEN).len(), 1);
}

#[tokio::test]
async fn a_login_that_failed_for_good_is_not_tried_again_by_the_next_process_with_the_same_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let verdict = folder.path().join("logins/acme.failed");
    let refuses = Arc::new(AtomicBool::new(true));
    let stub = Stub::start({
        let refuses = refuses.clone();
        move |stub, _| if refuses.load(Relaxed) { (400, JSON, WRONG_SECRET.into()) } else { stub.granted() }
    })
    .await;
    let process = |login: Login, retry_login: bool| {
        Org::new(login, Options { verdict: Some(verdict.clone()), retry_login, ..Options::default() }).unwrap()
    };
    let first = process(stub.login(), false).token().await.unwrap_err();
    assert_eq!(verdict.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&verdict).unwrap().contains(SECRET));

    let again = process(stub.login(), false).token().await.unwrap_err();
    assert_eq!((stub.asked(TOKEN).len(), again.is_fatal()), (1, true));
    assert!(again.to_string().starts_with(&first.to_string()), "{again}");
    assert!(again.remedy().unwrap().contains("--retry-login"), "{again}");

    process(stub.login(), true).token().await.unwrap_err();
    assert_eq!(stub.asked(TOKEN).len(), 2, "told to try again");
    let mut other = stub.login();
    if let Login::ClientCredentials(login) = &mut other {
        login.client_secret = Secret::from("another".to_owned());
    }
    process(other, false).token().await.unwrap_err();
    assert_eq!(stub.asked(TOKEN).len(), 3, "other credentials are tried");
    process(stub.login(), false).token().await.unwrap_err();
    assert_eq!(stub.asked(TOKEN).len(), 4, "only the last ones are remembered");

    refuses.store(false, Relaxed);
    process(stub.login(), true).token().await.unwrap();
    process(stub.login(), false).token().await.unwrap();
    assert_eq!(
        (stub.asked(TOKEN).len(), verdict.exists()),
        (6, false),
        "a login that works is not remembered as failed"
    );
}

#[tokio::test]
async fn a_memory_that_cannot_be_read_is_not_taken_for_none() {
    for text in ["", "{", r#"{"format":9,"fingerprint":"","at":"2026-01-01T00:00:00Z","error":"","remedy":""}"#] {
        let folder = tempfile::tempdir().unwrap();
        let verdict = folder.path().join("acme.failed");
        std::fs::write(&verdict, text).unwrap();
        let stub = Stub::start(|stub, _| stub.granted()).await;
        let process = |retry_login| {
            let options = Options { verdict: Some(verdict.clone()), retry_login, ..Options::default() };
            Org::new(stub.login(), options).unwrap()
        };
        let error = process(false).token().await.unwrap_err();
        assert!(error.is_fatal() && error.to_string().contains("acme.failed"), "{error}");
        assert!(error.remedy().unwrap().contains("--retry-login"), "{error}");
        assert!(stub.asked(TOKEN).is_empty(), "a login too many locks the user");
        process(true).token().await.unwrap();
        assert!(!verdict.exists());
    }
}

#[tokio::test]
async fn what_is_changed_while_a_login_is_under_way_was_not_tried() {
    let folder = tempfile::tempdir().unwrap();
    let refresh_token = RefreshToken::new(folder.path().join("acme.token"), None);
    refresh_token.write(&Secret::from("old".to_owned())).unwrap();
    let stub = Stub::start({
        let refresh_token = refresh_token.clone();
        move |_, _| {
            // A person logs in anew just then.
            refresh_token.write(&Secret::from("new".to_owned())).unwrap();
            let expired = r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#;
            (400, JSON, expired.into())
        }
    })
    .await;
    let login = AuthorizationCode {
        url: stub.url.clone(),
        client_id: Secret::from("id".to_owned()),
        client_secret: None,
        redirect_uri: "http://localhost:1717/OauthRedirect".parse().unwrap(),
        scope: "api refresh_token".into(),
        refresh_token,
    };
    let verdict = folder.path().join("acme.failed");
    for logins in [1, 2, 2] {
        let options = Options { verdict: Some(verdict.clone()), ..Options::default() };
        let org = Org::new(Login::AuthorizationCode(login.clone()), options).unwrap();
        org.token().await.unwrap_err();
        assert_eq!(stub.asked(TOKEN).len(), logins, "the new one is tried once");
    }
}

#[tokio::test]
async fn a_failure_that_passes_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let verdict = folder.path().join("acme.failed");
    let stub = Stub::start(|_, _| (503, "text/html", "<html>".into())).await;
    Org::new(stub.login(), Options { verdict: Some(verdict.clone()), ..Options::default() })
        .unwrap()
        .token()
        .await
        .unwrap_err();
    assert!(!verdict.exists());
}

#[tokio::test]
async fn only_a_token_that_is_ours_alone_is_revoked_at_the_end() {
    for exclusive in [false, true] {
        let stub = Stub::start(|stub, asked| match asked.line.as_str() {
            TOKEN => stub.granted(),
            _ => (200, JSON, String::new()),
        })
        .await;
        let org = Org::new(stub.login(), Options { exclusive, ..Options::default() }).unwrap();
        org.log_out().await.unwrap();
        assert!(stub.asked("revoke").is_empty(), "nothing to revoke yet");
        org.token().await.unwrap();
        org.log_out().await.unwrap();
        assert_eq!(stub.asked("revoke").len(), usize::from(exclusive));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_with_an_expired_token_cause_one_login() {
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let org = stub.org();
    let stale = org.token().await.unwrap();
    for token in all_at_once(&org, 100, Some(stale.clone())).await {
        assert_eq!(token.unwrap().authorization().to_str().unwrap(), format!("Bearer {ORG}!token-2"));
    }
    let late = org.replace(&stale).await.unwrap();
    assert_eq!(late.authorization().to_str().unwrap(), format!("Bearer {ORG}!token-2"));
    assert_eq!(stub.asked(TOKEN).len(), 2);
}

#[tokio::test]
async fn a_login_goes_on_when_its_caller_has_gone() {
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let org = stub.org();
    tokio::select! {
        biased;
        _ = org.token() => panic!("the login was too quick to be left"),
        () = std::future::ready(()) => {}
    }
    org.token().await.unwrap();
    assert_eq!(stub.asked(TOKEN).len(), 1);
}

#[tokio::test]
async fn no_host_is_an_error_of_the_network_with_nothing_sent() {
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut login = stub.login();
    if let Login::ClientCredentials(login) = &mut login {
        login.url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    }
    drop(listener);
    let error = Org::new(login, Options::default()).unwrap().token().await.unwrap_err();
    assert!(matches!(error, Error::Transport { sent: false, .. }), "{error:?}");
    assert_eq!((error.to_string().as_str(), error.uncertain()), ("cannot connect", false));
}

#[tokio::test]
async fn a_call_without_an_answer_ends_and_is_uncertain() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let mut login = stub.login();
    if let Login::ClientCredentials(login) = &mut login {
        login.url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    }
    let options =
        Options { wire: Wire { total_timeout: Duration::from_millis(100), ..Wire::default() }, ..Options::default() };
    let error = Org::new(login, options).unwrap().token().await.unwrap_err();
    assert!(matches!(error, Error::Transport { sent: true, .. }), "{error:?}");
    assert!(error.uncertain());
}

#[test]
fn options_that_cannot_work_are_refused() {
    let check = |options: Options, part: &str| {
        let token = Secret::from("t".to_owned());
        let url = "https://acme.my.salesforce.com".parse().unwrap();
        let login = Login::AccessToken(AccessToken { url, token: Given::Fixed(token) });
        let error = Org::new(login, options).err().unwrap();
        assert!(error.is_fatal() && error.to_string().contains(part), "{error}");
    };
    check(Options { api_version: "64".into(), ..Options::default() }, "`64` is not a version");
    check(Options { api_version: "v64.0".into(), ..Options::default() }, "`v64.0` is not a version");
    check(Options { client: Some("a\nb".into()), ..Options::default() }, "cannot be sent in a header");
}

#[tokio::test]
async fn limits_of_unknown_shapes_are_left_out() {
    let body = r#"{"DailyApiRequests":{"Max":15000,"Remaining":14998,"Ant Migration Tool":{"Max":0,"Remaining":0}},
        "Odd":{"Max":"many"},"Odder":7,"New":{"Max":1,"Remaining":-1}}"#;
    let stub = Stub::start(move |stub, asked| match asked.line.as_str() {
        TOKEN => stub.granted(),
        "GET /services/data/v64.0/limits" => (200, JSON, body.into()),
        _ => (404, JSON, "[]".into()),
    })
    .await;
    let limits = stub.org().limits().await.unwrap();
    let limits: Vec<_> = limits.iter().map(|(name, limit)| (name.as_str(), limit.max, limit.remaining)).collect();
    assert_eq!(limits, [("DailyApiRequests", 15000, 14998), ("New", 1, -1)]);
}

async fn all_at_once(org: &Org, many: usize, stale: Option<Arc<Token>>) -> Vec<Result<Arc<Token>, Error>> {
    let tasks: Vec<_> = (0..many)
        .map(|_| {
            let (org, stale) = (org.clone(), stale.clone());
            tokio::spawn(async move {
                match stale {
                    Some(stale) => org.replace(&stale).await,
                    None => org.token().await,
                }
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

fn record(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}
