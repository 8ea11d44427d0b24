#![allow(clippy::unwrap_used)]

use std::{collections::HashMap, fs};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tempfile::TempDir;

use super::*;
use crate::{
    Login, Org,
    stub::{JSON, NO_PAUSE, SECRET, Stub},
};

fn login(url: &Url, dir: &TempDir) -> AuthorizationCode {
    AuthorizationCode {
        url: url.clone(),
        client_id: "the-client-id".to_owned().into(),
        client_secret: Some(SECRET.to_owned().into()),
        redirect_uri: "http://localhost:1717/done".parse().unwrap(),
        scope: "api refresh_token".into(),
        refresh_token: RefreshToken::new(dir.path().join("acme"), None),
    }
}

fn stored(login: &AuthorizationCode) -> Option<String> {
    login.refresh_token.read().unwrap().map(|token| token.expose().to_owned())
}

fn store(login: &AuthorizationCode, token: &str) {
    login.refresh_token.write(&token.to_owned().into()).unwrap();
}

fn org(login: &AuthorizationCode) -> Org {
    let options = Options { login_pause: NO_PAUSE, ..Options::default() };
    Org::new(Login::AuthorizationCode(login.clone()), options).unwrap()
}

fn with_refresh_token(stub: &Stub, token: &str) -> (u16, &'static str, String) {
    let (status, kind, body) = stub.granted();
    (status, kind, body.replacen('{', &format!(r#"{{"refresh_token":"{token}","#), 1))
}

fn form(body: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The address a browser is sent back to.
fn redirected(consent: &Consent, query: &str) -> Url {
    let asked: HashMap<_, _> = consent.address().query_pairs().into_owned().collect();
    format!("http://localhost:1717/done?{}", query.replace("STATE", &asked["state"])).parse().unwrap()
}

#[tokio::test]
async fn a_consent_yields_a_token_and_a_stored_refresh_token() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|stub, _| with_refresh_token(stub, "5Aep861")).await;
    let login = login(&stub.url, &dir);
    let consent = login.begin();
    let address = consent.address();
    assert_eq!(address.path(), "/services/oauth2/authorize");
    let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
    let is = |name: &str, value: &str| assert_eq!(asked[name], value);
    is("response_type", "code");
    is("client_id", "the-client-id");
    is("redirect_uri", "http://localhost:1717/done");
    is("scope", "api refresh_token");
    is("code_challenge_method", "S256");
    assert!(asked["state"].len() >= 22 && asked.len() == 7, "{asked:?}");

    // The code is encoded once.
    let back = redirected(&consent, "code=aPrx%3D%3D&state=STATE");
    let token = login.finish(&Wire::default(), consent, &back).await.unwrap();
    assert_eq!(token.org_id.as_str(), "00Dxx0000001gPLEAY");
    assert_eq!(stored(&login).as_deref(), Some("5Aep861"));

    let sent = form(&stub.asked(TOKEN).pop().unwrap().body);
    let verifier = sent.iter().find(|(name, _)| name == "code_verifier").unwrap().1.clone();
    assert!((43..=128).contains(&verifier.len()));
    is("code_challenge", &URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "aPrx=="),
        ("redirect_uri", "http://localhost:1717/done"),
        ("code_verifier", &verifier),
        ("client_id", "the-client-id"),
        ("client_secret", SECRET),
    ];
    assert_eq!(sent, pairs(&expected));
}

#[test]
fn no_two_consents_are_alike() {
    let dir = tempfile::tempdir().unwrap();
    let login = login(&"https://acme.my.salesforce.com".parse().unwrap(), &dir);
    let (one, other) = (login.begin(), login.begin());
    assert_ne!(one.verifier().expose(), other.verifier().expose());
    let states = [one, other].map(|consent| redirected(&consent, "state=STATE"));
    assert_ne!(states[0], states[1]);
}

#[tokio::test]
async fn an_address_that_is_not_the_answer_is_refused_before_anything_is_sent() {
    let check = async |query: &str, refusal: Refusal, part: &str| {
        let dir = tempfile::tempdir().unwrap();
        let stub = Stub::start(|stub, _| stub.granted()).await;
        let login = login(&stub.url, &dir);
        let consent = login.begin();
        let back = redirected(&consent, query);
        let error = login.finish(&Wire::default(), consent, &back).await.unwrap_err();
        assert!(matches!(&error, Error::Login { refusal: found, .. } if *found == refusal), "{error:?}");
        assert!(error.to_string().contains(part) && error.is_fatal(), "{error}");
        assert!(stub.asked(TOKEN).is_empty(), "{query}");
    };
    use Refusal::{ConsentNeeded, Forged, Other};
    let denied = "login refused: access_denied: end-user denied authorization";
    check("error=access_denied&error_description=end-user+denied+authorization&state=STATE", ConsentNeeded, denied)
        .await;
    check("error=access_denied&error_description=end-user+denied+authorization", ConsentNeeded, denied).await;
    check("error=access-denied", ConsentNeeded, "access-denied").await;
    check("error=access_denied&state=other", Forged, "another login").await;
    check("code=x&state=other", Forged, "another login").await;
    check("code=x", Forged, "another login").await;
    check("code=&state=STATE", Forged, "another login").await;
    check("state=STATE", Other, "neither a code nor an error").await;
    check("", Other, "neither a code nor an error").await;
}

#[tokio::test]
async fn a_consent_without_a_refresh_token_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let login = login(&stub.url, &dir);
    let consent = login.begin();
    let back = redirected(&consent, "code=x&state=STATE");
    let error = login.finish(&Wire::default(), consent, &back).await.unwrap_err();
    assert!(error.remedy().unwrap().contains("scope refresh_token"), "{error}");
    assert_eq!(stored(&login), None);
}

#[tokio::test]
async fn the_stored_token_is_used_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let login = AuthorizationCode { client_secret: None, ..login(&stub.url, &dir) };
    store(&login, "5Aep861");
    org(&login).token().await.unwrap();
    let expected =
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", "5Aep861"), ("client_id", "the-client-id")]);
    assert_eq!(form(&stub.asked(TOKEN).pop().unwrap().body), expected);
    assert_eq!(stored(&login).as_deref(), Some("5Aep861"));
}

#[tokio::test]
async fn a_token_that_is_replaced_is_on_disk_before_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|stub, _| with_refresh_token(stub, &format!("next-{}", stub.asked(TOKEN).len()))).await;
    let login = login(&stub.url, &dir);
    store(&login, "first");
    let org = org(&login);
    let token = org.token().await.unwrap();
    assert_eq!(stored(&login).as_deref(), Some("next-1"));
    org.replace(&token).await.unwrap();
    assert_eq!(stored(&login).as_deref(), Some("next-2"));
    let sent: Vec<_> = stub.asked(TOKEN).iter().map(|asked| form(&asked.body)[1].1.clone()).collect();
    assert_eq!(sent, ["first", "next-1"]);
}

#[tokio::test]
async fn logins_beside_each_other_never_use_one_token_twice() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|stub, _| with_refresh_token(stub, &format!("next-{}", stub.asked(TOKEN).len()))).await;
    store(&login(&stub.url, &dir), "first");
    let logins: Vec<_> = (0..8)
        .map(|_| {
            // A handle of its own, as another process has.
            let org = org(&login(&stub.url, &dir));
            tokio::spawn(async move { org.token().await.map(drop) })
        })
        .collect();
    for login in logins {
        login.await.unwrap().unwrap();
    }
    let sent: Vec<_> = stub.asked(TOKEN).iter().map(|asked| form(&asked.body)[1].1.clone()).collect();
    let expected: Vec<_> = std::iter::once("first".to_owned()).chain((1..8).map(|n| format!("next-{n}"))).collect();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_new_token_that_cannot_be_written_is_not_lost_and_its_access_token_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acme");
    let aside = dir.path().join("aside");
    let (file, moved) = (path.clone(), aside.clone());
    let stub = Stub::start(move |stub, _| {
        if stub.asked(TOKEN).len() == 1 {
            // Nothing can be renamed to where a folder is.
            fs::rename(&file, &moved).unwrap();
            fs::create_dir(&file).unwrap();
            return with_refresh_token(stub, "next");
        }
        stub.granted()
    })
    .await;
    let login = login(&stub.url, &dir);
    store(&login, "first");
    let org = org(&login);
    // The second one finds the way still blocked, and sends nothing.
    for part in ["cannot be written", "cannot be read"] {
        let error = org.token().await.unwrap_err();
        assert!(error.to_string().contains(part) && !error.is_fatal(), "{error}");
        assert!(error.remedy().unwrap().contains("do not stop this program"), "{error}");
        assert_eq!(stub.asked(TOKEN).len(), 1);
    }
    fs::remove_dir(&path).unwrap();
    // The login after that writes it, and goes on with it.
    org.token().await.unwrap();
    assert_eq!(stored(&login).as_deref(), Some("next"));
    assert_eq!(form(&stub.asked(TOKEN).pop().unwrap().body)[1].1, "next");
}

#[tokio::test]
async fn a_new_token_is_kept_whatever_else_is_wrong_with_the_reply() {
    let check = async |old: &'static str, new: &'static str, kept: bool| {
        let dir = tempfile::tempdir().unwrap();
        let stub = Stub::start(move |stub, _| {
            let (status, kind, body) = with_refresh_token(stub, "next");
            assert!(body.contains(old), "{body}");
            (status, kind, body.replace(old, new))
        })
        .await;
        let login = login(&stub.url, &dir);
        store(&login, "first");
        let expected = |error: Error| match error {
            Error::Login { refusal: Refusal::Forged, .. } => !kept,
            Error::Unexpected { .. } | Error::OrgId { .. } => kept,
            other => panic!("{other:?}"),
        };
        assert!(expected(org(&login).token().await.unwrap_err()), "{old}");
        assert_eq!(stored(&login).as_deref(), Some(if kept { "next" } else { "first" }), "{old}");

        store(&login, "first");
        let consent = login.begin();
        let back = redirected(&consent, "code=x&state=STATE");
        assert!(expected(login.finish(&Wire::default(), consent, &back).await.unwrap_err()), "{old}");
        assert_eq!(stored(&login).as_deref(), Some(if kept { "next" } else { "first" }), "{old}");
    };
    check("\"instance_url\":\"http", "\"instance_url\":\"nowhere", true).await;
    check("\"instance_url\"", "\"other\"", true).await;
    check("\"instance_url\":", "\"instance_url\":1,\"other\":", true).await;
    check("\"access_token\"", "\"other\"", true).await;
    check("\"id\":", "\"other\":", true).await;
    check("\"id\":\"https://login", "\"id\":\"https://other", false).await;
    check("\"signature\":\"", "\"signature\":\"AAAA", false).await;
}

#[tokio::test]
async fn a_code_is_not_spent_where_the_token_cannot_be_stored() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|stub, _| with_refresh_token(stub, "5Aep861")).await;
    let login = login(&stub.url, &dir);
    fs::create_dir(login.refresh_token.path()).unwrap();
    let consent = login.begin();
    let back = redirected(&consent, "code=x&state=STATE");
    let error = login.finish(&Wire::default(), consent, &back).await.unwrap_err();
    assert!(error.is_fatal() && error.to_string().contains("cannot be written"), "{error}");
    assert!(error.remedy().unwrap().contains("make room"), "{error}");
    assert!(stub.asked(TOKEN).is_empty());
}

#[tokio::test]
async fn a_command_that_could_not_store_the_token_is_to_be_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acme");
    let stub = Stub::start(move |stub, _| {
        fs::create_dir(&path).unwrap();
        with_refresh_token(stub, "5Aep861")
    })
    .await;
    let login = login(&stub.url, &dir);
    let consent = login.begin();
    let back = redirected(&consent, "code=x&state=STATE");
    let error = login.finish(&Wire::default(), consent, &back).await.unwrap_err();
    assert!(error.is_fatal() && error.to_string().contains("cannot be written"), "{error}");
    let remedy = error.remedy().unwrap();
    assert!(remedy.contains("run `crossfeed login`") && !remedy.contains("do not stop"), "{remedy}");
}

#[tokio::test]
async fn without_a_token_or_with_a_dead_one_a_person_has_to_log_in() {
    let dir = tempfile::tempdir().unwrap();
    let body = r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#;
    let stub = Stub::start(move |_, _| (400, JSON, body.into())).await;
    let login = login(&stub.url, &dir);
    for (token, asked) in [(None, 0), (Some("dead"), 1)] {
        if let Some(token) = token {
            store(&login, token);
        }
        let error = org(&login).token().await.unwrap_err();
        match token {
            None => assert!(error.to_string().starts_with("no refresh token is stored in /"), "{error:?}"),
            Some(_) => assert!(matches!(error, Error::Login { refusal: Refusal::ConsentNeeded, .. }), "{error:?}"),
        }
        assert!(error.is_fatal() && error.remedy().unwrap().contains("run `crossfeed login`"), "{error}");
        assert_eq!(stub.asked(TOKEN).len(), asked);
    }
    // It is kept: what is dead for one app may be asked about later.
    assert_eq!(stored(&login).as_deref(), Some("dead"));
}

#[tokio::test]
async fn logging_out_revokes_and_removes_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let stub = Stub::start(|_, _| (200, "text/plain", String::new())).await;
    let login = login(&stub.url, &dir);
    assert!(matches!(login.log_out(&Wire::default()).await.unwrap(), LoggedOut::NothingStored));
    store(&login, "5Aep861");
    assert!(matches!(login.log_out(&Wire::default()).await.unwrap(), LoggedOut::Revoked));
    assert_eq!(stub.asked("POST /services/oauth2/revoke").pop().unwrap().body, "token=5Aep861");
    assert_eq!(stored(&login), None);
}

#[tokio::test]
async fn a_token_that_cannot_be_revoked_is_removed_all_the_same_and_said_to_be_good() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let refuses = Stub::start(|_, _| (400, JSON, r#"{"error":"invalid_token"}"#.into())).await;
    for url in [nobody, refuses.url.clone()] {
        let dir = tempfile::tempdir().unwrap();
        let login = login(&url, &dir);
        store(&login, "5Aep861");
        let LoggedOut::NotRevoked(error) = login.log_out(&Wire::default()).await.unwrap() else {
            panic!("{url}");
        };
        assert!(!error.to_string().contains("5Aep861"), "{error}");
        assert_eq!(stored(&login), None);
    }
}

#[test]
fn a_scope_without_a_refresh_token_is_refused() {
    let check = |scope: &str, sound: bool| {
        let dir = tempfile::tempdir().unwrap();
        let login = AuthorizationCode {
            scope: scope.into(),
            ..login(&"https://acme.my.salesforce.com".parse().unwrap(), &dir)
        };
        assert_eq!(Login::AuthorizationCode(login).check().is_ok(), sound, "{scope}");
    };
    check("api refresh_token", true);
    check("api  offline_access", true);
    check("api", false);
    check("", false);
}
