#![allow(clippy::unwrap_used)]

use std::time::Duration;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::{
    Login, Options, Org,
    stub::{JSON, Stub},
};

/// A key, in PKCS#8 and in PKCS#1.
fn key() -> (KeyPair, String, String) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pem = |label: &str, der: &[u8]| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines(der));
    // What is before the key itself says that it is one of RSA's.
    let (pkcs8, pkcs1) = (pem("PRIVATE KEY", der.as_ref()), pem("RSA PRIVATE KEY", &der.as_ref()[26..]));
    (key, pkcs8, pkcs1)
}

fn lines(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
}

fn login(url: &Url, key: &str) -> Jwt {
    Jwt {
        url: url.clone(),
        client_id: "the-client-id".to_owned().into(),
        username: "u@acme.com".into(),
        key: key.to_owned().into(),
        audience: None,
    }
}

#[tokio::test]
async fn an_assertion_is_signed_and_lives_for_less_than_three_minutes() {
    let (key, pkcs8, pkcs1) = key();
    for pem in [pkcs8, pkcs1] {
        let stub = Stub::start(|stub, _| stub.granted()).await;
        let token = Org::new(Login::Jwt(login(&stub.url, &pem)), Options::default()).unwrap().token().await.unwrap();
        assert_eq!((token.user_name.as_deref(), token.org_id.as_str()), (Some("u@acme.com"), "00Dxx0000001gPLEAY"));

        let asked = stub.asked(TOKEN).pop().unwrap();
        let form: Vec<_> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        let [(_, grant_type), (name, assertion)] = form.as_slice() else { panic!("{form:?}") };
        assert_eq!((grant_type.as_str(), name.as_str()), (GRANT_TYPE, "assertion"));
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();

        let part = |text| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        assert_eq!(part(header)["alg"], "RS256");
        let claims = part(claims);
        let exp = claims["exp"].as_i64().unwrap();
        let audience = stub.url.origin().ascii_serialization();
        assert_eq!(claims, json!({"iss": "the-client-id", "sub": "u@acme.com", "aud": audience, "exp": exp}));
        let life = exp - Timestamp::now().as_second();
        assert!((150..=180).contains(&life), "{life}");
    }
}

#[test]
fn an_audience_that_is_given_is_taken() {
    let (_, pem, _) = key();
    let url = "https://acme.my.salesforce.com".parse().unwrap();
    let login = Jwt { audience: Some("https://site.acme.com".into()), ..login(&url, &pem) };
    let assertion = login.assertion(Timestamp::UNIX_EPOCH).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(assertion.expose().split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["aud"], &claims["exp"]), (&json!("https://site.acme.com"), &json!(170)));
}

#[test]
fn a_key_that_cannot_sign_is_found_before_anything_is_sent() {
    let (key, pkcs8, _) = key();
    let public = lines(key.public_key().as_ref());
    let check = |pem: &str| {
        let login = Login::Jwt(login(&"https://acme.my.salesforce.com".parse().unwrap(), pem));
        let error = login.check().unwrap_err();
        assert!(error.to_string().contains("private key") && error.remedy().unwrap().contains("PEM"), "{error}");
    };
    check("");
    check("secret");
    check(pkcs8.split_at(400).0);
    check(&pkcs8.replace("PRIVATE", "ENCRYPTED PRIVATE"));
    check(&format!("-----BEGIN RSA PUBLIC KEY-----\n{public}\n-----END RSA PUBLIC KEY-----\n"));
    check(&format!("-----BEGIN RSA PRIVATE KEY-----\n{public}\n-----END RSA PRIVATE KEY-----\n"));
}

#[tokio::test]
async fn a_wrong_clock_is_told_from_a_wrong_key() {
    let check = async |description: &'static str, ahead_s: i64, expected: Refusal, part: &str| {
        let body = json!({"error": "invalid_grant", "error_description": description}).to_string();
        let stub = Stub::start(move |_, _| (400, JSON, body.clone())).await;
        let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        let reply = reply::ask(&http, &stub.url, TOKEN, &[], &[]).await.unwrap();
        let error = reply::granted(Flow::Jwt, &stub.url, &reply, None).err().unwrap();
        let now = Timestamp::try_from(reply.date.unwrap()).unwrap() + SignedDuration::from_secs(ahead_s);
        let error = blame_the_clock(error, &reply, now);
        assert!(matches!(&error, Error::Login { refusal, .. } if *refusal == expected), "{error:?}");
        assert_eq!(error.is_fatal(), expected != ClockSkew, "{error:?}");
        assert!(error.remedy().unwrap().contains(part), "{:?}", error.remedy());
    };
    use Refusal::{ClockSkew, NotApproved, WrongCredentials};
    check("expired authorization code", 300, ClockSkew, "clock is 300 s ahead: correct it").await;
    check("invalid assertion", -120, ClockSkew, "clock is 120 s behind: correct it").await;
    check("invalid assertion", 60, WrongCredentials, "certificate").await;
    check("invalid assertion", -60, WrongCredentials, "certificate").await;
    check("user hasn't approved this consumer", 300, NotApproved, "authorize").await;
}
