#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::stub::{JSON, ORG, Stub, TOKEN};

const XML: &str = "text/xml; charset=UTF-8";
const INFO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Header><LimitInfoHeader><limitInfo><current>5</current><limit>15000</limit><type>API REQUESTS</type></limitInfo></LimitInfoHeader></soapenv:Header><soapenv:Body><getUserInfoResponse><result><accessibilityMode>false</accessibilityMode><currencySymbol xsi:nil="true"/><organizationId>00Dxx0000001gPLEAY</organizationId><organizationName>Acme &amp; S&#xF6;hne</organizationName><roleId xsi:nil="true"/><sessionSecondsValid>7200</sessionSecondsValid><userId>005xx000001SwiUAAS</userId><userName>u@acme.com</userName><userType>Standard</userType></result></getUserInfoResponse></soapenv:Body></soapenv:Envelope>"#;

fn fault(code: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: some words</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"#
    )
}

#[tokio::test]
async fn a_session_is_described() {
    let stub = Stub::answering(&[(200, XML, INFO)]).await;
    stub.add_header("sforce-limit-info", "api-usage=5/15000");
    let org = stub.org();
    let session = org.user_session().await.unwrap();
    let expected = UserSession {
        user_name: "u@acme.com".into(),
        user_type: "Standard".into(),
        organization_name: Some("Acme & Söhne".into()),
        seconds_valid: 7200,
    };
    assert_eq!(session, expected);
    let call = stub.calls().remove(0);
    assert_eq!(call.line, format!("POST /services/Soap/u/64.0/{ORG}EAY"));
    assert_eq!((call.header("soapaction"), call.header("content-type")), ("\"\"", XML));
    assert_eq!(call.header("authorization"), "");
    assert!(call.body.contains(&format!("<urn:sessionId>{ORG}!token-1</urn:sessionId>")), "{}", call.body);
    assert!(call.body.contains("<soapenv:Body><urn:getUserInfo/></soapenv:Body>"));
    assert_eq!(org.usage().map(|usage| usage.used), Some(5));
}

#[tokio::test]
async fn a_fault_is_what_its_code_says_whatever_the_status() {
    let check = async |status: u16, code: &str, display: &str, logins: usize| {
        let body: &'static str = Box::leak(fault(code).into());
        let stub = Stub::answering(&[(status, XML, body)]).await;
        let error = stub.org().user_session().await.unwrap_err();
        assert_eq!(error.to_string(), display);
        assert_eq!(stub.asked(TOKEN).len(), logins, "{code}");
    };
    check(500, "INVALID_SESSION_ID", "not authorized: INVALID_SESSION_ID: some words", 2).await;
    check(200, "INVALID_SESSION_ID", "not authorized: INVALID_SESSION_ID: some words", 2).await;
    let display = "server failed with status 500: SERVER_UNAVAILABLE: some words";
    check(500, "SERVER_UNAVAILABLE", display, 1).await;
    let display = "limit reached, status 500: REQUEST_LIMIT_EXCEEDED: some words";
    check(500, "REQUEST_LIMIT_EXCEEDED", display, 1).await;
    let display = "refused with status 500: API_DISABLED_FOR_ORG: some words";
    check(500, "API_DISABLED_FOR_ORG", display, 1).await;
}

#[tokio::test]
async fn what_is_no_envelope_is_not_taken_for_one() {
    let check = async |status: u16, kind: &'static str, body: &'static str, display: &str| {
        let stub = Stub::answering(&[(status, kind, body)]).await;
        let error = stub.org().user_session().await.unwrap_err();
        assert_eq!(error.to_string(), display);
    };
    check(200, "text/html", "<html></html>", "unexpected reply with status 200 and content type `text/html`: ").await;
    check(200, XML, "", &format!("unexpected reply with status 200 and content type `{XML}`: ")).await;
    check(
        200,
        XML,
        INFO.split_once("<userName>").unwrap().0,
        &format!("unexpected reply with status 200 and content type `{XML}`: "),
    )
    .await;
    check(503, "text/html", "<p>", "unexpected reply with status 503 and content type `text/html`: <p>").await;
    let body = r#"[{"errorCode":"API_DISABLED_FOR_ORG","message":"no"}]"#;
    check(403, JSON, body, "refused with status 403: API_DISABLED_FOR_ORG: no").await;
}

#[tokio::test]
async fn a_session_that_is_echoed_is_not_shown() {
    for status in [200, 400, 500] {
        let stub = Stub::start(move |stub, asked| match asked.line.as_str() {
            TOKEN => stub.granted(),
            _ if status == 400 => (status, "text/plain", asked.body.clone()),
            _ => (status, XML, fault(&escape(&asked.body))),
        })
        .await;
        let error = stub.org().user_session().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("sessionId") && !shown.contains("token-1"), "{shown}");
    }
}
