#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Login, Options, Org, Refusal,
    stub::{EXPIRED, JSON, NO_PAUSE, ORG, Stub},
};

fn userinfo() -> (u16, &'static str, String) {
    let user = r#""user_id":"005xx000001SwiUAAS","preferred_username":"u@acme.com""#;
    (200, JSON, format!(r#"{{"sub":"https://x/id/a/b",{user},"organization_id":"{ORG}EAY"}}"#))
}

fn org(url: &Url, words: &[&str]) -> Org {
    let token = Given::Command(words.iter().map(|word| (*word).to_owned()).collect());
    let login = Login::AccessToken(AccessToken { url: url.clone(), token });
    Org::new(login, Options { login_pause: NO_PAUSE, ..Options::default() }).unwrap()
}

#[tokio::test]
async fn a_command_prints_a_token_alone_or_as_salesforces_own_does() {
    let stub = Stub::start(|_, _| userinfo()).await;
    let shown = format!(r#"{{"status":0,"result":{{"accessToken":"00D!x","instanceUrl":"{}","id":"x"}}}}"#, stub.url);
    let elsewhere: Url = "http://127.0.0.1:1".parse().unwrap();
    let check = async |url: &Url, printed: &str| {
        let token = org(url, &["printf", "%s", printed]).token().await.unwrap();
        let asked = stub.asked("GET /services/oauth2/userinfo").pop().unwrap();
        assert_eq!(asked.header("authorization"), "Bearer 00D!x", "{printed}");
        assert_eq!((&token.instance_url, token.user_name.as_deref()), (&stub.url, Some("u@acme.com")));
    };
    check(&stub.url, "00D!x").await;
    check(&stub.url, "00D!x\r\n").await;
    check(&stub.url, "{\n  \"status\": 0,\n  \"result\": {\"accessToken\": \"00D!x\"}, \"warnings\": []}\n").await;
    // What it names is where the token is good.
    check(&elsewhere, &shown).await;
}

#[tokio::test]
async fn a_command_is_run_again_when_its_token_has_expired() {
    let stub = Stub::start(|_, _| userinfo()).await;
    let dir = tempfile::tempdir().unwrap();
    let script = format!("echo x >> {0}; wc -l < {0}", dir.path().join("runs").display());
    let org = org(&stub.url, &["sh", "-c", &script]);
    let first = org.token().await.unwrap();
    let second = org.replace(&first).await.unwrap();
    assert_eq!((first.secret().expose(), second.secret().expose()), ("1", "2"));
}

#[tokio::test]
async fn output_that_is_no_token_is_never_sent_nor_shown() {
    let stub = Stub::start(|_, _| userinfo()).await;
    let check = async |printed: &str, part: &str, remedy: &str| {
        let error = org(&stub.url, &["printf", "%s", printed]).token().await.unwrap_err();
        assert!(error.is_fatal() && error.to_string().contains(part), "{error}");
        assert!(error.remedy().unwrap().contains(remedy), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert!(stub.asked("userinfo").is_empty());
    };
    check("", "neither a token", "the token alone").await;
    check("the token is s3cret", "neither a token", "the token alone").await;
    check("s3cret\ns3cret", "neither a token", "the token alone").await;
    check(r#"{"token":"s3cret"}"#, "without result.accessToken", "the token alone").await;
    check(r#"{"result":{"accessToken":"s3cret""#, "without result.accessToken", "the token alone").await;
    let hidden = r#"{"result":{"accessToken":"[REDACTED] Use 'sf org auth show-access-token' to view"}}"#;
    check(hidden, "hides the token", "show-access-token --json").await;
    let clear = r#"{"result":{"accessToken":"s3cret","instanceUrl":"http://acme.my.salesforce.com"}}"#;
    check(clear, "not reached by https", "the token alone").await;
    check("s3crét\u{1}", "no header can carry", "copy").await;
}

#[tokio::test]
async fn what_a_command_does_may_be_right_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|_, asked| match asked.header("authorization") {
        "Bearer fresh" => userinfo(),
        _ => (401, JSON, EXPIRED.into()),
    })
    .await;
    let failed = org(&stub.url, &["sh", "-c", "echo no network >&2; exit 1"]).token().await.unwrap_err();
    assert!(!failed.is_fatal() && failed.to_string().contains("exit status: 1: no network"), "{failed}");

    let file = dir.path().join("token");
    std::fs::write(&file, "stale").unwrap();
    let org = org(&stub.url, &["cat", file.to_str().unwrap()]);
    let stale = org.token().await.unwrap_err();
    let expected = "the token that the command printed is refused: INVALID_SESSION_ID: Session expired or invalid";
    assert!(!stale.is_fatal() && stale.to_string() == expected, "{stale}");
    std::fs::write(&file, "fresh").unwrap();
    assert_eq!(org.token().await.unwrap().secret().expose(), "fresh");
}

#[tokio::test]
async fn a_user_without_the_api_is_not_told_of_an_expired_token() {
    let check = async |status: u16, body: &'static str| {
        let stub = Stub::start(move |_, _| (status, JSON, body.into())).await;
        let fixed =
            Login::AccessToken(AccessToken { url: stub.url.clone(), token: Given::Fixed("x".to_owned().into()) });
        for org in [Org::new(fixed, Options::default()).unwrap(), org(&stub.url, &["echo", "x"])] {
            let error = org.token().await.unwrap_err();
            assert!(matches!(error, Error::Login { refusal: Refusal::ApiDisabled, .. }), "{error:?}");
            assert!(error.is_fatal() && error.remedy().unwrap().contains("API Enabled"), "{error}");
        }
    };
    check(
        401,
        r#"[{"errorCode":"INVALID_SESSION_ID","message":"This session is not valid for use with the REST API"}]"#,
    )
    .await;
    check(403, r#"[{"errorCode":"API_DISABLED_FOR_ORG","message":"API is not enabled for this Organization"}]"#).await;
}
