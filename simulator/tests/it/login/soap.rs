//! SOAP login, logout and getUserInfo.

use quick_xml::escape::escape;
use roxmltree::Document;
use serde_json::json;
use simulator::Options;

use super::{APP, USER, refused};
use crate::client::{Org, Reply, org, quick};

const PARTNER: &str = "urn:partner.soap.sforce.com";
const RIGHT: &str = "simulator-passwordsimulator-token";

fn envelope(namespace: &str, header: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"
        xmlns:urn="{namespace}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"#
    )
}

async fn call(org: &Org, path: &str, body: String) -> Reply {
    let request = org.http.post(format!("{}/services/Soap/{path}", org.base)).header("SOAPAction", "''");
    org.send(request.header("content-type", "text/xml; charset=UTF-8").body(body)).await
}

fn credentials(user: &str, password: &str) -> String {
    let (user, password) = (escape(user), escape(password));
    format!("<urn:login><urn:username>{user}</urn:username><urn:password>{password}</urn:password></urn:login>")
}

async fn login(org: &Org, user: &str, password: &str) -> Reply {
    call(org, "u/64.0/", envelope(PARTNER, "", &credentials(user, password))).await
}

async fn with_session(org: &Org, session: &str, operation: &str) -> Reply {
    let header = format!("<urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader>");
    call(org, "u/64.0", envelope(PARTNER, &header, &format!("<urn:{operation}/>"))).await
}

/// The text of the first element of a name.
fn text(reply: &Reply, name: &str) -> String {
    let document = Document::parse(&reply.text).unwrap();
    let found = document.descendants().find(|node| node.tag_name().name() == name);
    found.unwrap_or_else(|| panic!("no {name}: {}", reply.text)).text().unwrap_or_default().to_owned()
}

fn is_fault(reply: &Reply, code: &str) {
    assert_eq!(reply.status, 500, "{}", reply.text);
    assert_eq!(text(reply, "faultcode"), format!("sf:{code}"));
    assert_eq!(text(reply, "exceptionCode"), code);
    assert_eq!(text(reply, "faultstring"), format!("{code}: {}", text(reply, "exceptionMessage")));
}

#[tokio::test]
async fn a_login_gives_a_session_that_serves_as_a_token() {
    let org = org(quick()).await;
    let reply = login(&org, USER, RIGHT).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let url = |letter| format!("{}/services/Soap/{letter}/64.0/00Dxx0000001gPL", org.base);
    for (name, value) in [
        ("serverUrl", url('u').as_str()),
        ("metadataServerUrl", &url('m')),
        ("passwordExpired", "false"),
        ("sandbox", "false"),
        ("userId", "005xx000001SwiUAAS"),
        ("organizationId", "00Dxx0000001gPLEAY"),
        ("sessionSecondsValid", "7200"),
        ("userName", USER),
    ] {
        assert_eq!(text(&reply, name), value, "{name}");
    }
    let session = text(&reply, "sessionId");
    assert!(super::is_good(&org, &json!(session)).await);
    let info = with_session(&org, &session, "getUserInfo").await;
    assert_eq!((info.status, text(&info, "userName")), (200, USER.to_owned()));
    assert_eq!(with_session(&org, &session, "logout").await.status, 200);
    assert!(!super::is_good(&org, &json!(session)).await);
    is_fault(&with_session(&org, &session, "logout").await, "INVALID_SESSION_ID");
    is_fault(&with_session(&org, &session, "getUserInfo").await, "INVALID_SESSION_ID");
}

#[tokio::test]
async fn the_enterprise_api_has_a_namespace_of_its_own() {
    let org = org(Options { is_sandbox: true, ..quick() }).await;
    let body = credentials(USER, RIGHT);
    let enterprise = envelope("urn:enterprise.soap.sforce.com", "", &body);
    let reply = call(&org, "c/41.0/00Dxx0000001gPLEAY", enterprise.clone()).await;
    assert_eq!((reply.status, text(&reply, "sandbox").as_str()), (200, "true"));
    assert!(text(&reply, "serverUrl").ends_with("/services/Soap/c/41.0/00Dxx0000001gPL"));
    let reply = call(&org, "u/41.0", enterprise).await;
    assert_eq!((reply.status, text(&reply, "faultcode").as_str()), (500, "soapenv:Client"));
    let reply = call(&org, "u/41.0/00D000000000001", envelope(PARTNER, "", &body)).await;
    is_fault(&reply, "ORG_NOT_OWNED_BY_INSTANCE");
}

#[tokio::test]
async fn wrong_passwords_are_refused_and_lock_the_user() {
    let org = org(quick()).await;
    is_fault(&login(&org, USER, "simulator-password").await, "LOGIN_MUST_USE_SECURITY_TOKEN");
    is_fault(&login(&org, "other@simulator.example", RIGHT).await, "INVALID_LOGIN");
    let form = [APP[0], APP[1], ("grant_type", "password"), ("username", USER), ("password", "wrong")];
    for _ in 0..2 {
        refused(&org, &form, "invalid_grant", "authentication failure").await;
    }
    for _ in 0..3 {
        is_fault(&login(&org, USER, "wrong").await, "INVALID_LOGIN");
    }
    let reply = login(&org, USER, RIGHT).await;
    is_fault(&reply, "INVALID_LOGIN");
    let words = "Invalid username, password, security token; or user locked out.";
    assert_eq!(text(&reply, "exceptionMessage"), words);
    org.control("login", json!({"locked": false})).await;
    assert_eq!(login(&org, USER, RIGHT).await.status, 200);
}

#[tokio::test]
async fn every_character_of_a_password_counts() {
    let password = r#"<&>"' ]]>é"#;
    let org = org(Options { password: password.to_owned(), ..quick() }).await;
    assert_eq!(login(&org, USER, &format!("{password}simulator-token")).await.status, 200);
    let cdata = "<urn:login><urn:username>integration@simulator.example</urn:username>\
        <urn:password><![CDATA[<&>\"' ]]>]]&gt;&#233;simulator-token</urn:password></urn:login>";
    assert_eq!(call(&org, "u/64.0", envelope(PARTNER, "", cdata)).await.status, 200);
    is_fault(&login(&org, USER, &format!("{}simulator-token", escape(password))).await, "INVALID_LOGIN");
}

#[tokio::test]
async fn the_policy_decides_about_the_right_password() {
    let org = org(quick()).await;
    for (field, code) in [
        (json!({"ip_restricted": true}), "LOGIN_DURING_RESTRICTED_DOMAIN"),
        (json!({"login_hours": true}), "LOGIN_DURING_RESTRICTED_TIME"),
        (json!({"inactive": true}), "INVALID_LOGIN"),
        (json!({"locked": true}), "INVALID_LOGIN"),
        (json!({"api_disabled": true}), "API_DISABLED_FOR_ORG"),
        (json!({"soap_login": false}), "INSUFFICIENT_ACCESS"),
        (json!({"rate_limited": true}), "LOGIN_RATE_EXCEEDED"),
        (json!({"soap_fault": "PASSWORD_LOCKOUT"}), "PASSWORD_LOCKOUT"),
        (json!({"soap_fault": "REQUEST_LIMIT_EXCEEDED"}), "REQUEST_LIMIT_EXCEEDED"),
        (json!({"soap_fault": "SERVER_UNAVAILABLE"}), "SERVER_UNAVAILABLE"),
    ] {
        let before = org.get("/simulator/login").await.json();
        org.control("login", field).await;
        is_fault(&login(&org, USER, RIGHT).await, code);
        if code != "LOGIN_RATE_EXCEEDED" {
            is_fault(&login(&org, USER, "other").await, "INVALID_LOGIN");
            org.control("login", json!({"locked": false})).await;
        }
        org.control("login", before).await;
    }
    org.control("login", json!({"trusted_ip": true})).await;
    assert_eq!(login(&org, USER, "simulator-password").await.status, 200);
}

#[tokio::test]
async fn with_an_expired_password_a_session_is_good_for_nothing() {
    let org = org(quick()).await;
    org.control("login", json!({"password_expired": true})).await;
    let reply = login(&org, USER, RIGHT).await;
    assert_eq!((reply.status, text(&reply, "passwordExpired").as_str()), (200, "true"));
    let session = text(&reply, "sessionId");
    assert!(!super::is_good(&org, &json!(session)).await);
    is_fault(&with_session(&org, &session, "getUserInfo").await, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD");
}

#[tokio::test]
async fn versions_have_their_end() {
    let org = org(quick()).await;
    let body = || envelope(PARTNER, "", &credentials(USER, RIGHT));
    for (version, code) in [
        ("30.0", "UNSUPPORTED_API_VERSION"),
        ("65.0", "INVALID_OPERATION"),
        ("67.0", "INVALID_OPERATION"),
        ("68.0", "UNSUPPORTED_API_VERSION"),
    ] {
        is_fault(&call(&org, &format!("u/{version}"), body()).await, code);
    }
    assert_eq!(call(&org, "u/31.0", body()).await.status, 200);
    for path in ["u", "x/64.0", "u/64", "u/x.0", "u/64.0/a/b"] {
        assert_eq!(call(&org, path, body()).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_request_must_be_soap() {
    let org = org(quick()).await;
    let url = format!("{}/services/Soap/u/64.0", org.base);
    let good = envelope(PARTNER, "", &credentials(USER, RIGHT));
    let post = |kind: &'static str| org.http.post(&url).header("content-type", kind);
    let reply = org.send(post("text/xml").body(good.clone())).await;
    assert_eq!((reply.status, text(&reply, "faultstring").as_str()), (500, "SOAPAction HTTP header missing"));
    let reply = org.send(post("application/json").header("SOAPAction", "login").body(good.clone())).await;
    let words = "content-type of the request should be text/xml";
    assert_eq!((reply.status, text(&reply, "faultstring").as_str()), (500, words));
    assert_eq!(org.get("/services/Soap/u/64.0").await.status, 405);
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let laughs = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", good.trim_start_matches(|c| c != '\n'));
    for body in ["", "x", "<a/>", &laughs, &deep, &envelope(PARTNER, "", ""), &envelope(PARTNER, "", "<urn:query/>")] {
        let reply = call(&org, "u/64.0", body.to_owned()).await;
        assert_eq!((reply.status, text(&reply, "faultcode").as_str()), (500, "soapenv:Client"), "{}", reply.text);
    }
    assert_eq!(org.stats().await["passwords"]["tried"], 0);
}

#[tokio::test]
async fn token_faults_are_faults_of_soap_logins_too() {
    let org = org(quick()).await;
    let plan = async |fault: &str| {
        org.control("faults", json!({"on": "token", "fault": fault})).await;
        login(&org, USER, RIGHT).await
    };
    is_fault(&plan("unavailable").await, "SERVER_UNAVAILABLE");
    is_fault(&plan("unauthorized").await, "INVALID_LOGIN");
    assert!(plan("html").await.text.starts_with("<html>"));
    assert_eq!(plan("empty").await.text, "");
    let reply = plan("truncated").await;
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/xml"));
    assert!(Document::parse(&reply.text).is_err());
    assert_eq!(login(&org, USER, RIGHT).await.status, 200);
}
