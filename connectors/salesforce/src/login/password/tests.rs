#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Disposition, Login, Options, Org, Refusal,
    stub::{ORG, Stub, USER},
};

const XML: &str = "text/xml;charset=UTF-8";

fn login(stub: &Stub, api_version: &str) -> Password {
    Password {
        url: stub.url.clone(),
        username: "u&me@acme.com".into(),
        password: "p<w>&\"'é".to_owned().into(),
        security_token: Some("T0k&n".to_owned().into()),
        api_version: api_version.into(),
    }
}

fn org(login: Password) -> Org {
    Org::new(Login::Password(login), Options::default()).unwrap()
}

fn granted(stub: &Stub, expired: bool) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><loginResponse><result>
        <metadataServerUrl>{url}services/Soap/m/64.0/{ORG}</metadataServerUrl><passwordExpired>{expired}</passwordExpired>
        <sandbox>false</sandbox><serverUrl>{url}services/Soap/u/64.0/{ORG}</serverUrl>
        <sessionId>{ORG}!session&amp;<![CDATA[1]]>&#46;2</sessionId><userId>{USER}</userId><userInfo>
        <currencySymbol xsi:nil="true"/><organizationId>{ORG}EAY</organizationId><organizationName>A &lt; B</organizationName>
        <sessionSecondsValid>7200</sessionSecondsValid><userId>{USER}</userId><userName>u&amp;me@acme.com</userName>
        </userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"#,
        url = stub.url,
    )
}

fn fault(code: &str, exception: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>{code}</faultcode><faultstring>{code}: Told &amp; echoed: p&lt;w&gt;&amp;&quot;&apos;é</faultstring>{exception}</soapenv:Fault></soapenv:Body></soapenv:Envelope>"#
    )
}

#[tokio::test]
async fn the_message_is_escaped_and_the_session_is_the_token() {
    let stub = Stub::start(|stub, _| (200, XML, granted(stub, false))).await;
    let token = org(login(&stub, "64.0")).token().await.unwrap();

    let asked = stub.asked("POST /services/Soap/u/64.0/").pop().unwrap();
    assert_eq!(asked.header("content-type"), "text/xml; charset=UTF-8");
    assert_eq!(asked.header("soapaction"), "login");
    let body = r#"<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Body><urn:login><urn:username>u&amp;me@acme.com</urn:username><urn:password>p&lt;w&gt;&amp;&quot;&apos;éT0k&amp;n</urn:password></urn:login></soapenv:Body></soapenv:Envelope>"#;
    assert_eq!(asked.body, body);

    assert_eq!(token.secret().expose(), format!("{ORG}!session&1.2"));
    assert_eq!((token.org_id.as_str(), token.user_id.as_str()), ("00Dxx0000001gPLEAY", USER));
    assert_eq!((token.user_name.as_deref(), token.session_seconds), (Some("u&me@acme.com"), Some(7200)));
    assert_eq!(token.instance_url, stub.url);
}

#[tokio::test]
async fn no_version_is_asked_for_that_has_no_login() {
    let check = async |asked: &str, path: &str| {
        let stub = Stub::start(|stub, _| (200, XML, granted(stub, false))).await;
        org(login(&stub, asked)).token().await.unwrap();
        assert_eq!(stub.asked(path).len(), 1, "{asked}");
    };
    check("52.0", "POST /services/Soap/u/52.0/").await;
    check("64.0", "POST /services/Soap/u/64.0/").await;
    check("65.0", "POST /services/Soap/u/64.0/").await;
    check("100.0", "POST /services/Soap/u/64.0/").await;
}

#[tokio::test]
async fn a_fault_is_one_with_whatever_prefix_and_status() {
    let check = async |status: u16, code: &'static str, exception: &'static str, refusal: Refusal| {
        let stub = Stub::start(move |_, _| (status, XML, fault(code, exception))).await;
        let error = org(login(&stub, "64.0")).token().await.unwrap_err();
        assert!(matches!(&error, Error::Login { refusal: found, .. } if *found == refusal), "{error:?}");
        assert!(!error.to_string().contains("sf:") && !error.to_string().contains("p<w>"), "{error}");
    };
    let detail = r#"<detail><sf:LoginFault xmlns:sf="urn:fault.partner.soap.sforce.com"><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>Invalid username, password, security token; or user locked out.</sf:exceptionMessage></sf:LoginFault></detail>"#;
    check(500, "INVALID_LOGIN", detail, Refusal::WrongCredentials).await;
    check(500, "sf:INVALID_LOGIN", "", Refusal::WrongCredentials).await;
    check(200, "sf:INVALID_LOGIN", detail, Refusal::WrongCredentials).await;
    check(200, "PASSWORD_LOCKOUT", "", Refusal::Locked).await;
    check(500, "sf:SERVER_UNAVAILABLE", "", Refusal::Unavailable).await;
    check(500, "sf:LOGIN_RATE_EXCEEDED", "", Refusal::TooManyLogins).await;
    check(500, "soapenv:Client", "", Refusal::Other).await;
}

#[tokio::test]
async fn a_fault_that_cannot_be_read_is_a_refusal() {
    let check = async |change: fn(String) -> String| {
        let stub = Stub::start(move |_, _| (500, XML, change(fault("sf:INVALID_LOGIN", "")))).await;
        let org = org(login(&stub, "64.0"));
        for _ in 0..2 {
            let error = org.token().await.unwrap_err();
            assert!(error.is_fatal() && error.to_string().starts_with("login refused: Fault: "), "{error:?}");
            assert!(matches!(error, Error::Login { refusal: Refusal::Other, .. }), "{error:?}");
        }
        assert_eq!(stub.asked("POST /services/Soap/u/64.0/").len(), 1, "the password was sent again");
    };
    check(|body| body.replace("faultcode", "other")).await;
    check(|body| body.replace("sf:INVALID_LOGIN</faultcode>", "</faultcode>")).await;
    check(|body| body.replace("</soapenv:Envelope>", "")).await;
    check(|body| body.replace("&amp;", "&unknown;")).await;
    check(|body| body.split_inclusive(":Fault").next().unwrap().to_owned()).await;
    check(|body| body.replace("soapenv:", "").split_inclusive("<Fault").next().unwrap().to_owned()).await;
    check(|body| {
        let (start, _) = body.split_once("<soapenv:Fault>").unwrap();
        format!("{start}<soapenv:Fault/></soapenv:Body></soapenv:Envelope>")
    })
    .await;
}

#[tokio::test]
async fn a_session_that_can_only_change_the_password_is_a_failure() {
    let stub = Stub::start(|stub, _| (200, XML, granted(stub, true))).await;
    let error = org(login(&stub, "64.0")).token().await.unwrap_err();
    assert!(matches!(error, Error::Login { refusal: Refusal::PasswordExpired, .. }), "{error:?}");
    assert!(!error.to_string().contains("session"), "{error}");
}

#[tokio::test]
async fn what_is_no_soap_is_not_taken_for_it() {
    let check = async |status: u16, body: fn(&Stub) -> String, disposition: Disposition| {
        let stub = Stub::start(move |stub, _| (status, "text/html", body(stub))).await;
        let error = org(login(&stub, "64.0")).token().await.unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
        assert_eq!(error.disposition(), disposition);
        assert!(!error.to_string().contains("session"), "{error}");
    };
    check(503, |_| "<html><h1>Down</h1></html>".into(), Disposition::Transient).await;
    check(200, |_| "<html><Body>x</Body></html>".into(), Disposition::Transient).await;
    check(200, |_| String::new(), Disposition::Transient).await;
    check(200, |_| "<Envelope/>".into(), Disposition::Transient).await;
    check(200, |stub| granted(stub, false).replace("</soapenv:Body></soapenv:Envelope>", ""), Disposition::Transient)
        .await;
    check(200, |stub| granted(stub, false).replace("serverUrl", "otherUrl"), Disposition::Transient).await;
    check(200, |stub| granted(stub, false).replace("&amp;", "&unknown;"), Disposition::Transient).await;
    check(500, |stub| granted(stub, false).replace("!session", ""), Disposition::Transient).await;
}
