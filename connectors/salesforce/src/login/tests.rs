#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Disposition, Options, Org,
    stub::{EXPIRED, JSON, ORG, SECRET, Stub, TOKEN, USER},
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
        assert!(matches!(error, Error::Login { refusal: Refusal::TokenExpired, .. }), "{error:?}");
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
    let display = "unexpected reply with status 503 and content type `text/html`: ";
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
    Org::new(Login::AccessToken(AccessToken { url: stub.url.clone(), token: Given::Fixed(token) }), Options::default())
        .unwrap()
}

fn userinfo() -> String {
    format!(r#"{{"sub":"https://x/id/a/b","user_id":"005xx000001SwiUAAS","organization_id":"{ORG}EAY"}}"#)
}

#[tokio::test]
async fn a_reply_that_the_apps_secret_has_not_signed_is_refused() {
    let check = async |change: fn(String) -> String, sound: bool| {
        let stub = Stub::start(move |stub, _| {
            let (status, kind, body) = stub.granted();
            (status, kind, change(body))
        })
        .await;
        let Err(error) = stub.org().token().await else {
            assert!(sound);
            return;
        };
        assert!(!sound && matches!(error, Error::Login { refusal: Refusal::Forged, .. }), "{error:?}");
        assert!(error.is_fatal() && error.remedy().unwrap().contains("in Salesforce's place"));
    };
    check(|body| body, true).await;
    // Stand-ins leave it out, and it is TLS that tells who answers.
    check(|body| body.replace("\"signature\"", "\"other\""), true).await;
    check(|body| body.replace("\"issued_at\":\"177", "\"issued_at\":\"178"), false).await;
    check(|body| body.replace("\"issued_at\"", "\"other\""), false).await;
    check(|body| body.replace(USER, "005xx000001SwiVAAS"), false).await;
    check(|body| body.replace("\"signature\":\"", "\"signature\":\"!"), false).await;
}

#[tokio::test]
async fn a_password_is_sent_with_its_security_token() {
    for (security_token, expected) in [(None, "p&w"), (Some("T0k".to_owned().into()), "p&wT0k")] {
        let stub = Stub::start(|stub, _| stub.granted()).await;
        let login = UsernamePassword {
            url: stub.url.clone(),
            client_id: "the-client-id".to_owned().into(),
            client_secret: SECRET.to_owned().into(),
            username: "u@acme.com".into(),
            password: "p&w".to_owned().into(),
            security_token,
        };
        let login = Login::UsernamePassword(login);
        let token = Org::new(login, Options::default()).unwrap().token().await.unwrap();
        assert_eq!(token.user_name.as_deref(), Some("u@acme.com"));
        let form = [
            ("grant_type", "password"),
            ("client_id", "the-client-id"),
            ("client_secret", SECRET),
            ("username", "u@acme.com"),
            ("password", expected),
        ];
        let sent: Vec<_> = url::form_urlencoded::parse(stub.asked(TOKEN)[0].body.as_bytes()).into_owned().collect();
        assert_eq!(sent, form.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn a_way_to_log_in_says_what_becomes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let url: Url = "https://acme.my.salesforce.com".parse().unwrap();
    let flows = secrets_tests::flows(&url, dir.path(), "key");
    let of = |holds: &dyn Fn(&Login) -> bool| {
        let mut names: Vec<_> = flows.iter().filter(|login| holds(login)).map(Login::flow).collect();
        names.dedup();
        names
    };
    assert_eq!(of(&|login| login.warning().is_some()), ["username_password", "password"]);
    assert_eq!(of(&Login::is_ours_alone), ["authorization_code"]);
    let not_renewable: Vec<_> = flows.iter().filter(|login| !login.renewable()).collect();
    let [Login::AccessToken(AccessToken { token: Given::Fixed(_), .. })] = not_renewable.as_slice() else {
        panic!("{not_renewable:?}");
    };
}

#[test]
fn a_fingerprint_changes_with_whatever_decides_a_login_and_with_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let url: Url = "https://acme.my.salesforce.com".parse().unwrap();
    // What a command gives is not known ahead.
    let of_flows = |url: &Url, key: &str| {
        let flows = secrets_tests::flows(url, dir.path(), key);
        let (known, unknown): (Vec<_>, Vec<_>) =
            flows.into_iter().partition(|login| login.fingerprint_input().is_some());
        assert!(unknown.iter().all(|login| matches!(login.flow(), "access_token" | "saml")), "{unknown:?}");
        known
    };
    let other_url: Url = "https://other.my.salesforce.com".parse().unwrap();
    let known = |login: &Login| login.fingerprint_input().map(|secret| secret.expose().to_owned());
    let of = |login: &Login| known(login).unwrap();
    let flows = of_flows(&url, "key");
    let mut seen: Vec<_> = flows.iter().map(of).collect();
    assert_eq!(seen, of_flows(&url, "key").iter().map(of).collect::<Vec<_>>());
    seen.extend(of_flows(&other_url, "key").iter().map(of));
    seen.extend(of_flows(&url, "other key").iter().filter(|it| it.flow() == "jwt").map(of));

    let password = |password: &str, security_token: Option<&str>| {
        Login::Password(Password {
            url: url.clone(),
            username: "u".into(),
            password: password.to_owned().into(),
            security_token: security_token.map(|token| token.to_owned().into()),
            api_version: "64.0".into(),
        })
    };
    for (one, other) in [("ab", None), ("a", Some("b")), ("ab", Some("")), ("", Some("ab"))] {
        seen.push(of(&password(one, other)));
    }
    for login in &flows {
        if let Login::AuthorizationCode(login) = login {
            login.refresh_token.write(&"another".to_owned().into()).unwrap();
            seen.push(of(&Login::AuthorizationCode(login.clone())));
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    // An encrypted file and a plain one with the same token are one and the same login.
    assert_eq!(count - seen.len(), 3);
}
