//! The SAML 2.0 bearer flow. Assertions are signed by xmlsec1, and where that is missing only its absence is tested.

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;

use super::key::Key;
use super::{USER, is_good, refused, token};
use crate::client::{Org, org};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const INVALID: (&str, &str) = ("invalid_grant", "invalid assertion");

/// What an assertion says.
struct Said {
    id: String,
    issuer: String,
    user: String,
    audience: String,
    recipient: String,
    /// Seconds from now.
    start: i64,
    end: i64,
    digest: &'static str,
}

impl Said {
    fn right(org: &Org) -> Self {
        Self {
            id: format!("_{}", uuid::Uuid::new_v4()),
            issuer: "crossfeed-demo".to_owned(),
            user: USER.to_owned(),
            audience: org.base.clone(),
            recipient: format!("{}/services/oauth2/token", org.base),
            start: -1,
            end: 180,
            digest: "http://www.w3.org/2001/04/xmlenc#sha256",
        }
    }

    fn xml(&self) -> String {
        let at = |seconds: i64| (Timestamp::now() + jiff::SignedDuration::from_secs(seconds)).to_string();
        let (now, start, end) = (at(0), at(self.start), at(self.end));
        let said = [
            ("@id@", self.id.as_str()),
            ("@issuer@", &self.issuer),
            ("@user@", &self.user),
            ("@audience@", &self.audience),
            ("@recipient@", &self.recipient),
            ("@digest@", self.digest),
            ("@now@", &now),
            ("@start@", &start),
            ("@end@", &end),
        ];
        let template = include_str!("assertion.xml").to_owned();
        said.iter().fold(template, |xml, (place, value)| xml.replace(place, value))
    }

    /// The assertion with a signature by `key`.
    fn signed(&self, key: &Key) -> String {
        sign(key, &self.xml())
    }
}

fn sign(key: &Key, xml: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let keys = format!("{},{}", file("key", &key.private), file("certificate", &key.certificate));
    let output = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .args(["--privkey-pem", &keys, &file("template", xml)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether assertions can be signed here; says so where they cannot.
fn can_sign() -> bool {
    let is_there = Command::new("xmlsec1").arg("--version").output().is_ok();
    if !is_there {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "test {name} ... skipped: xmlsec1 is not installed");
    }
    is_there
}

async fn present(org: &Org, xml: &str) -> crate::client::Reply {
    token(org, &[("grant_type", GRANT), ("assertion", &URL_SAFE_NO_PAD.encode(xml))]).await
}

async fn is_refused(org: &Org, xml: &str, (error, description): (&str, &str)) {
    refused(org, &[("grant_type", GRANT), ("assertion", &URL_SAFE_NO_PAD.encode(xml))], error, description).await;
}

#[tokio::test]
async fn a_signed_assertion_is_let_in_once() {
    if !can_sign() {
        return;
    }
    let key = Key::new();
    let org = org(key.options()).await;
    let xml = Said::right(&org).signed(&key);
    let reply = present(&org, &xml).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(is_good(&org, &reply.json()["access_token"]).await && reply.json().get("refresh_token").is_none());
    is_refused(&org, &xml, INVALID).await;
    let common = Said {
        audience: "https://login.salesforce.com".to_owned(),
        recipient: "https://login.salesforce.com/services/oauth2/token".to_owned(),
        ..Said::right(&org)
    };
    let padded = URL_SAFE.encode(common.signed(&key));
    assert_eq!(token(&org, &[("grant_type", GRANT), ("assertion", &padded)]).await.status, 200);
}

#[tokio::test]
async fn each_wrong_statement_has_its_error() {
    if !can_sign() {
        return;
    }
    let key = Key::new();
    let org = org(key.options()).await;
    let right = || Said::right(&org);
    let other = "other".to_owned();
    let audience = ("invalid_grant", "Audience validation failed");
    let unapproved = ("invalid_grant", "user hasn't approved this consumer");
    for (said, wanted) in [
        (Said { issuer: other.clone(), ..right() }, ("invalid_client_id", "client identifier invalid")),
        (Said { user: other.clone(), ..right() }, unapproved),
        (Said { audience: "https://test.salesforce.com".to_owned(), ..right() }, audience),
        (Said { recipient: org.base.clone(), ..right() }, INVALID),
        (Said { end: -1, start: -60, ..right() }, INVALID),
        (Said { end: 400, ..right() }, INVALID),
        (Said { start: 60, ..right() }, INVALID),
        (Said { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..right() }, INVALID),
    ] {
        is_refused(&org, &said.signed(&key), wanted).await;
    }
    org.control("login", json!({"approved": false})).await;
    is_refused(&org, &right().signed(&key), unapproved).await;
}

#[tokio::test]
async fn a_signature_must_be_the_app_s_and_of_all_that_is_said() {
    if !can_sign() {
        return;
    }
    let (key, stranger) = (Key::new(), Key::new());
    let org = org(key.options()).await;
    let said = Said::right(&org);
    let good = said.signed(&key);
    let (before, rest) = good.split_once("<Signature").unwrap();
    let (signature, after) = rest.split_once("</Signature>").unwrap();
    let signature = format!("<Signature{signature}</Signature>");
    let unsigned = format!("{before}{after}");
    let evil = |xml: &str| xml.replace(&said.id, "_evil").replace(USER, "evil@simulator.example");
    let (inside, bare) = (root(&good), root(&unsigned));
    let wrapped = evil(&said.xml()).replace("</saml:Conditions>", &format!("{inside}</saml:Conditions>"));
    let moved = evil(bare)
        .replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"))
        .replace("</saml:AuthnStatement>", &format!("{bare}</saml:AuthnStatement>"));
    let twice = said.xml().replace("<saml:AuthnContext>", &format!(r#"<saml:AuthnContext ID="{}">"#, said.id));
    let unlisted = said.xml().replace(r#"<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#, "");
    for (what, xml) in [
        ("not signed", unsigned.clone()),
        ("signed by a stranger", said.signed(&stranger)),
        ("signed by a stranger under the app's certificate", with(&said.signed(&stranger), &key)),
        ("signed by the app under a stranger's certificate", with(&good, &stranger)),
        ("changed", good.replace(USER, "evil@simulator.example")),
        ("the signed one in another", wrapped.clone()),
        ("the signed one in another of the same id", wrapped.replace("_evil", &said.id)),
        ("the signature in another, which holds what it signed", moved),
        ("an id that is there twice", sign(&key, &twice)),
        ("a transform that is not there", sign(&key, &unlisted)),
        ("a response", format!("<Response>{inside}</Response>")),
        ("a document type", good.replacen("?>", "?><!DOCTYPE a [<!ENTITY b \"c\">]>", 1)),
        ("not XML", "x".to_owned()),
    ] {
        let reply = present(&org, &xml).await;
        assert_eq!((reply.status, reply.json()["error_description"].as_str()), (400, Some(INVALID.1)), "{what}");
    }
    let plain = format!("{}?", STANDARD.encode(&good));
    refused(&org, &[("grant_type", GRANT), ("assertion", &plain)], INVALID.0, INVALID.1).await;
    assert_eq!(present(&org, &good).await.status, 200);
}

/// A document without its XML declaration.
fn root(xml: &str) -> &str {
    xml.strip_prefix("<?xml version=\"1.0\"?>\n").unwrap()
}

/// A signed assertion with the certificate of `key` in its `KeyInfo`, which is not signed.
fn with(signed: &str, key: &Key) -> String {
    let (before, rest) = signed.split_once("<X509Certificate>").unwrap();
    let (_, after) = rest.split_once("</X509Certificate>").unwrap();
    let body: String = key.certificate.lines().filter(|line| !line.starts_with('-')).collect();
    format!("{before}<X509Certificate>{body}</X509Certificate>{after}")
}

/// The program finds no xmlsec1 on an empty PATH.
#[tokio::test]
async fn without_xmlsec1_the_grant_says_so() {
    if !can_sign() {
        return;
    }
    let key = Key::new();
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("certificate");
    std::fs::write(&certificate, &key.certificate).unwrap();
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_crossfeed-simulator"))
        .args(["--listen", "127.0.0.1:0", "--certificate"])
        .arg(&certificate)
        .env("PATH", folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = program.stdout.take().unwrap();
    tokio::io::AsyncBufReadExt::read_line(&mut tokio::io::BufReader::new(stdout), &mut line).await.unwrap();
    let base = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
    let mut other = org(key.options()).await;
    other.base = base;
    let reply = present(&other, &Said::right(&other).signed(&key)).await;
    assert_eq!((reply.status, &reply.json()["error"]), (500, &json!("server_error")));
    assert!(reply.json()["error_description"].as_str().unwrap().contains("xmlsec1 is not installed"));
    tokio::time::timeout(Duration::from_secs(10), program.kill()).await.unwrap().unwrap();
}
