#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Login, Options, Org, Refusal,
    stub::{JSON, NO_PAUSE, Stub, TOKEN},
};

const XML: &str = r#"<?xml version="1.0"?>
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0"><saml:Issuer>id</saml:Issuer>
<saml:Subject><saml:SubjectConfirmation><saml:SubjectConfirmationData NotOnOrAfter="2999-01-01T00:00:00Z"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="2020-01-01T00:00:00Z" NotOnOrAfter="2999-01-01T00:05:00.000Z">ÿ???>>></saml:Conditions></saml:Assertion>"#;

fn org(stub: &Stub, assertion: Source) -> Org {
    let login = Login::Saml(Saml { url: stub.url.clone(), assertion });
    Org::new(login, Options { login_pause: NO_PAUSE, ..Options::default() }).unwrap()
}

fn printed(text: &str) -> Source {
    Source::Command(["printf", "%s", text].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn an_assertion_is_sent_as_base64url_however_it_came() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let standard = STANDARD.encode(XML);
    let (left, right) = standard.split_at(76);
    for given in [XML.to_owned(), format!("\u{feff}{XML}\n"), URL_SAFE.encode(XML), format!("{left}\r\n{right}\n")] {
        let stub = Stub::start(|stub, _| stub.granted()).await;
        org(&stub, printed(&given)).token().await.unwrap();
        let asked = stub.asked(TOKEN).pop().unwrap();
        let form: Vec<_> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        let assertion = URL_SAFE_NO_PAD.encode(XML);
        let expected = [("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"), ("assertion", &assertion)];
        assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())), "{given}");
    }
}

#[tokio::test]
async fn a_file_is_read_anew_for_each_login() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("assertion");
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let org = org(&stub, Source::File(path.clone()));
    std::fs::write(&path, XML).unwrap();
    let token = org.token().await.unwrap();
    std::fs::write(&path, XML.replace("_1", "_2")).unwrap();
    org.replace(&token).await.unwrap();
    let asked = stub.asked(TOKEN);
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn what_is_no_good_is_never_sent() {
    let check = async |source: Source, fatal: bool, part: &str, remedy: &str| {
        let stub = Stub::start(|stub, _| stub.granted()).await;
        let error = org(&stub, source).token().await.unwrap_err();
        assert!(error.is_fatal() == fatal && error.to_string().contains(part), "{error}");
        assert!(error.remedy().unwrap().contains(remedy), "{error}");
        assert!(stub.asked(TOKEN).is_empty(), "{error}");
    };
    let expired = XML.replace("2999-01-01T00:05:00.000Z", "2021-01-01T00:05:00Z");
    check(printed(&expired), false, "command `printf`: the assertion has expired at 2021-01-01T00:05:00Z", "fresh")
        .await;
    check(printed(&XML.replace("2999-01-01T00:00:00Z", "2021-01-01T00:00:00Z")), false, "has expired", "fresh").await;
    check(printed(&XML.replace("saml:Assertion", "samlp:Response")), true, "holds a Response", "Assertion alone").await;
    check(printed(&XML.replace("</saml:Assertion>", "")), true, "holds no SAML assertion", "base64url").await;
    check(printed(&XML.replace("2999-01-01T00:00:00Z", "soon")), true, "holds no SAML assertion", "base64url").await;
    check(printed("<html></html>"), true, "holds no SAML assertion", "base64url").await;
    check(printed("not base64!"), true, "holds no SAML assertion", "base64url").await;
    check(printed(""), true, "holds no SAML assertion", "base64url").await;
    check(Source::File("/no/such/file".into()), false, "file /no/such/file cannot be read", "write it there").await;
}

#[tokio::test]
async fn a_refusal_is_about_the_assertion() {
    let body = r#"{"error":"invalid_grant","error_description":"Audience validation failed"}"#;
    let stub = Stub::start(move |_, _| (400, JSON, body.into())).await;
    let error = org(&stub, printed(XML)).token().await.unwrap_err();
    assert!(matches!(error, Error::Login { refusal: Refusal::Audience, .. }), "{error:?}");
    assert!(error.remedy().unwrap().contains("assertion's Audience"));
}
