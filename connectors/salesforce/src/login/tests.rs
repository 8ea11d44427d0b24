#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Disposition, Options, Org,
    stub::{EXPIRED, JSON, ORG, SECRET, Stub, TOKEN},
};

#[tokio::test]
async fn client_credentials_are_sent_as_a_form_and_yield_the_token() {
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let token = stub.org().token().await.unwrap();

    let asked = stub.asked(TOKEN).pop().unwrap();
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(asked.header("accept"), "application/json");
    let form: Vec<_> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let expected = [("grant_type", "client_credentials"), ("client_id", "the-client-id"), ("client_secret", SECRET)];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    assert_eq!(token.secret().expose(), format!("{ORG}!token-1"));
    assert_eq!(token.authorization().to_str().unwrap(), format!("Bearer {ORG}!token-1"));
    assert!(token.authorization().is_sensitive());
    assert_eq!((token.org_id.as_str(), token.user_id.as_str()), ("00Dxx0000001gPLEAY", "005xx000001SwiUAAS"));
    assert_eq!((&token.instance_url, token.issued_ms), (&stub.url, Some(1_775_000_000_000)));
}

#[tokio::test]
async fn a_given_token_is_asked_whose_it_is_and_is_not_renewed() {
    let stub = Stub::start(|_, _| (200, JSON, userinfo())).await;
    let org = given(&stub);
    let token = org.token().await.unwrap();
    let asked = stub.asked("GET /services/oauth2/userinfo").pop().unwrap();
    assert_eq!(asked.header("authorization"), "Bearer given-token");
    assert_eq!(token.org_id.as_str(), "00Dxx0000001gPLEAY");

    for _ in 0..2 {
        let error = org.replace(&token).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Fatal);
        assert!(error.remedy().unwrap().contains("give a new one"), "{error}");
    }
    assert!(org.token().await.is_err(), "a dead token was handed out");
    assert_eq!(stub.asked("userinfo").len(), 1);
}

#[tokio::test]
async fn a_given_token_that_is_dead_is_told_at_the_start() {
    for (status, body) in [(401, EXPIRED), (403, "Bad_OAuth_Token")] {
        let stub = Stub::start(move |_, _| (status, "text/plain", body.into())).await;
        let error = given(&stub).token().await.unwrap_err();
        assert!(matches!(error, Error::Login { retry: false, .. }), "{error:?}");
        assert!(error.remedy().unwrap().contains("give a new one"), "{error}");
    }
}

#[tokio::test]
async fn a_refused_login_has_the_reason_and_what_to_do() {
    let check = async |status: u16, kind: &'static str, body: &'static str, display: &str, expected: Disposition| {
        let stub = Stub::start(move |_, _| (status, kind, body.into())).await;
        let error = stub.org().token().await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.disposition()), (display, expected));
    };
    use Disposition::{Fatal, Transient};
    let body = r#"{"error":"invalid_client","error_description":"invalid client\n  credentials"}"#;
    check(400, JSON, body, "login refused: invalid_client: invalid client credentials", Fatal).await;
    check(401, JSON, body, "login refused: invalid_client: invalid client credentials", Fatal).await;
    check(400, JSON, r#"{"error":"brand_new"}"#, "login refused: brand_new: ", Fatal).await;
    let body = r#"{"error":"rate_limit_exceeded","error_description":"too many"}"#;
    check(400, JSON, body, "login refused: rate_limit_exceeded: too many", Transient).await;
    check(429, JSON, r#"{"error":"x"}"#, "login refused: x: ", Transient).await;
    let body = r#"{"error":"server_error","error_description":"oops"}"#;
    check(500, JSON, body, "server failed with status 500: server_error: oops", Transient).await;
    let page = "<html>\n <h1>Down</h1>";
    let display = "unexpected reply with status 200 and content type `text/html`: ";
    check(200, "text/html", page, display, Transient).await;
    let display = "unexpected reply with status 503 and content type `text/html`: <html> <h1>Down</h1>";
    check(503, "text/html", page, display, Transient).await;
    let display = "redirected with status 302 to status.salesforce.com";
    check(302, "https://status.salesforce.com/?token=x", "", display, Transient).await;
}

#[tokio::test]
async fn a_granted_reply_that_cannot_be_used_is_not_shown() {
    for field in ["instance_url", "id"] {
        let stub = Stub::start(move |stub, _| {
            let (status, kind, body) = stub.granted();
            (status, kind, body.replace(&format!("\"{field}\""), "\"other\""))
        })
        .await;
        let error = stub.org().token().await.unwrap_err();
        assert!(matches!(&error, Error::Unexpected { excerpt, .. } if excerpt.is_empty()), "{error:?}");
    }
}

#[test]
fn a_login_that_cannot_work_is_found_before_any_call() {
    let check = |url: &str, part: &str| {
        let login = Login::ClientCredentials(ClientCredentials {
            url: url.parse().unwrap(),
            client_id: "id".to_owned().into(),
            client_secret: "secret".to_owned().into(),
        });
        let error = Org::new(login, Options::default()).err().unwrap();
        assert!(error.to_string().contains(part), "{url}: {error}");
        assert!(error.is_fatal() && error.remedy().unwrap().contains("My Domain"));
    };
    check("https://login.salesforce.com", "does not answer the client credentials flow");
    check("https://TEST.salesforce.com/", "does not answer the client credentials flow");
    check("ftp://acme.my.salesforce.com", "https://");
    check("https://me:pw@acme.my.salesforce.com", "user name");
    check("https://acme.my.salesforce.com/services/oauth2/token", "more than a host");
    check("https://acme.my.salesforce.com/?x=1", "more than a host");
}

fn given(stub: &Stub) -> Org {
    let token = "given-token".to_owned().into();
    Org::new(Login::AccessToken(AccessToken { url: stub.url.clone(), token }), Options::default()).unwrap()
}

fn userinfo() -> String {
    format!(r#"{{"sub":"https://x/id/a/b","user_id":"005xx000001SwiUAAS","organization_id":"{ORG}EAY"}}"#)
}
