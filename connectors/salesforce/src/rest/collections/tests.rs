#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{
    Disposition, Options, RowError,
    stub::{EXPIRED, JSON, ORG, SOBJECTS, Stub, TOKEN},
};

fn raw(records: &[&str]) -> Vec<Box<RawValue>> {
    records.iter().map(|record| RawValue::from_string((*record).into()).unwrap()).collect()
}

fn borrowed(records: &[Box<RawValue>]) -> Vec<&RawValue> {
    records.iter().map(AsRef::as_ref).collect()
}

const ONE: &str = r#"[{"id":"e01xx0000000001AAA","success":true,"errors":[{"statusCode":"OPERATION_ENQUEUED",
    "message":"232fd30e-0a71-42bd-a97b-be0e329b2ded","fields":[]}]}]"#;

#[tokio::test]
async fn f45_success_with_a_non_empty_errors_array_is_success() {
    let stub = Stub::answering(&[(200, JSON, ONE)]).await;
    let options = Options { client: Some("crossfeed".into()), ..Options::default() };
    let org = Org::new(stub.login(), options).unwrap();
    let records = raw(&[r#"{ "Ink_Percentage__c" : 0.20, "Big__c":12345678901234567890.10 }"#]);
    let rows = org.publish("Low_Ink__e", &borrowed(&records)).await.unwrap();

    let asked = stub.asked(SOBJECTS).pop().unwrap();
    assert_eq!(asked.header("content-type"), "application/json; charset=UTF-8");
    assert_eq!(asked.header("accept"), "application/json");
    assert_eq!(asked.header("authorization"), format!("Bearer {ORG}!token-1"));
    assert_eq!(asked.header("sforce-call-options"), "client=crossfeed");
    assert_eq!(
        asked.body,
        concat!(
            r#"{"allOrNone":false,"records":[{"attributes":{"type":"Low_Ink__e"},"#,
            r#""Ink_Percentage__c" : 0.20, "Big__c":12345678901234567890.10 }]}"#
        )
    );
    let row = Row {
        id: Some("e01xx0000000001AAA".into()),
        success: true,
        event_uuid: Some("232fd30e-0a71-42bd-a97b-be0e329b2ded".into()),
        created: None,
        errors: vec![],
    };
    assert_eq!(rows[0].disposition(), None);
    assert_eq!(rows, [row]);
}

#[tokio::test]
async fn f46_rows_that_fail_stand_beside_rows_that_do_not() {
    let body = r#"[{"id":"e01","success":true,"errors":[]},
        {"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"missing","fields":["A__c"]}]},
        {"id":null,"success":false,"errors":[{"statusCode":"LIMIT_EXCEEDED","message":null,"fields":null}],"new":1},
        {"success":false}]"#;
    let stub = Stub::answering(&[(200, JSON, body)]).await;
    let rows = stub.org().publish("A__e", &borrowed(&raw(&["{}", "{}", "{}", "{}"]))).await.unwrap();
    let successes: Vec<_> = rows.iter().map(|row| row.success).collect();
    assert_eq!(successes, [true, false, false, false]);
    let error =
        RowError { code: "REQUIRED_FIELD_MISSING".into(), message: "missing".into(), fields: vec!["A__c".into()] };
    assert_eq!(rows[1].errors, [error]);
    let dispositions: Vec<_> = rows.iter().map(Row::disposition).collect();
    let expected = [None, Some(Disposition::Rejected), Some(Disposition::Transient), Some(Disposition::Rejected)];
    assert_eq!(dispositions, expected);
}

#[tokio::test]
async fn an_expired_token_is_replaced_and_the_call_repeated_once() {
    let stub = Stub::answering(&[(401, JSON, EXPIRED), (200, JSON, ONE)]).await;
    stub.org().publish("A__e", &borrowed(&raw(&["{}"]))).await.unwrap();
    let calls = stub.asked(SOBJECTS);
    let headers: Vec<_> = calls.iter().map(|call| call.header("authorization").to_owned()).collect();
    assert_eq!(headers, [format!("Bearer {ORG}!token-1"), format!("Bearer {ORG}!token-2")]);
    assert_eq!(calls[0].body, calls[1].body);
}

#[tokio::test]
async fn a_token_that_is_never_good_is_not_replaced_without_end() {
    let always = Stub::answering(&[(401, JSON, EXPIRED)]).await;
    let error = always.org().publish("A__e", &borrowed(&raw(&["{}"]))).await.unwrap_err();
    assert_eq!(error.to_string(), "not authorized: INVALID_SESSION_ID: Session expired or invalid");
    assert_eq!((always.asked(TOKEN).len(), always.asked(SOBJECTS).len()), (2, 2));

    let body =
        r#"[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]"#;
    let never = Stub::answering(&[(401, JSON, body)]).await;
    let error = never.org().publish("A__e", &borrowed(&raw(&["{}"]))).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Fatal);
    assert_eq!((never.asked(TOKEN).len(), never.asked(SOBJECTS).len()), (1, 1));
}

#[tokio::test]
async fn what_fails_says_so_once_and_is_not_repeated() {
    use Disposition::{Fatal, Transient};
    let check = async |status, kind, body, display: &str, disposition, uncertain| {
        let stub = Stub::answering(&[(status, kind, body)]).await;
        let error = stub.org().publish("A__e", &borrowed(&raw(&["{}"]))).await.unwrap_err();
        assert_eq!(error.to_string(), display);
        assert_eq!((error.disposition(), error.uncertain()), (disposition, uncertain), "{error}");
        assert_eq!(stub.calls().len(), 1);
    };
    let body = r#"[{"message":"Server is too busy","errorCode":"SERVER_UNAVAILABLE"}]"#;
    let display = "server failed with status 503: SERVER_UNAVAILABLE: Server is too busy";
    check(503, JSON, body, display, Transient, true).await;
    let display = "unexpected reply with status 503 and content type `text/html`: <html> Down";
    check(503, "text/html", "<html>\r\nDown", display, Transient, true).await;
    let display = "unexpected reply with status 200 and content type `text/html`: ";
    check(200, "text/html", "<html>", display, Transient, true).await;
    let body = r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    let display = "limit reached, status 403: REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.";
    check(403, JSON, body, display, Transient, false).await;
    let body = r#"[{"message":"The requested resource does not exist","errorCode":"NOT_FOUND"}]"#;
    let display = "not found: NOT_FOUND: The requested resource does not exist";
    check(404, JSON, body, display, Fatal, false).await;
    check(200, JSON, "[]", "1 records sent, but 0 rows came back", Fatal, true).await;
    let display = "unexpected reply with status 200 and content type `application/json;charset=UTF-8`: ";
    check(200, JSON, "{}", display, Fatal, true).await;
}

#[tokio::test]
async fn a_redirect_does_not_take_the_token_along() {
    let elsewhere = Stub::start(|_, _| (200, JSON, ONE.into())).await;
    let target: &'static str = Box::leak(elsewhere.url.to_string().into());
    for status in [301, 302, 307, 308] {
        let stub = Stub::answering(&[(status, target, "")]).await;
        let error = stub.org().publish("A__e", &borrowed(&raw(&["{}"]))).await.unwrap_err();
        assert!(matches!(&error, Error::Redirected { host, .. } if host == "127.0.0.1"), "{error:?}");
    }
    assert!(elsewhere.asked("").is_empty());
}

#[tokio::test]
async fn a_reply_without_end_is_not_read() {
    let body: &'static str = Box::leak("a".repeat(17 * 1024 * 1024).into());
    let stub = Stub::answering(&[(200, JSON, body)]).await;
    let error = stub.org().publish("A__e", &borrowed(&raw(&["{}"]))).await.unwrap_err();
    assert_eq!(error.to_string(), "reply over 16777216 bytes");
}

#[tokio::test]
async fn what_cannot_be_sent_is_found_before_any_call() {
    let stub = Stub::answering(&[(200, JSON, ONE)]).await;
    let org = stub.org();
    let check = async |event: &str, records: &[&str], display: &str| {
        let error = org.publish(event, &borrowed(&raw(records))).await.unwrap_err();
        assert_eq!(error.to_string(), display);
        assert!(!error.uncertain());
    };
    check("A__e", &["{}", "[1]"], "record 1: not a JSON object").await;
    check("A__e", &["\"{}\""], "record 0: not a JSON object").await;
    let display = "record 0: has a field `attributes`, in which the type is sent";
    check("A__e", &[r#"{"A":1,"attributes":{"type":"Account"}}"#], display).await;
    check("A__e", &["{}"; 201], "201 records in one call, which takes 200").await;
    check("A\"__e", &["{}"], "`A\"__e` is not the API name of an event, object or field").await;
    check("", &["{}"], "`` is not the API name of an event, object or field").await;
    assert!(org.publish("A__e", &[]).await.unwrap().is_empty());
    assert!(stub.asked("").is_empty(), "something was sent");
}

#[tokio::test]
async fn records_are_changed_upserted_and_deleted() {
    let rows = r#"[{"id":"001xx000003DGb2AAG","success":true,"errors":[],"created":true},
        {"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"twice","fields":[]}]}]"#;
    let check = |stub: &Stub, rows: Result<Vec<Row>, Error>, line: &str, body: &str| {
        let rows = rows.unwrap();
        assert_eq!((rows[0].created, rows[1].created, rows[1].success), (Some(true), None, false));
        assert!(rows[1].remedy().unwrap().contains("unique"));
        let call = stub.calls().pop().unwrap();
        assert_eq!(call.line.replace("/services/data/v64.0/", ""), line);
        assert_eq!(call.body, body);
    };
    let stub = Stub::answering(&[(200, JSON, rows)]).await;
    let org = stub.org();
    let two = raw(&[r#"{"id":"001xx000003DGb2AAG","A":1}"#, r#"{"E__c":"x"}"#]);
    let two = borrowed(&two);
    let body = concat!(
        r#"{"allOrNone":false,"records":[{"attributes":{"type":"Account"},"id":"001xx000003DGb2AAG","A":1},"#,
        r#"{"attributes":{"type":"Account"},"E__c":"x"}]}"#
    );
    check(&stub, org.create_many("Account", &two).await, "POST composite/sobjects", body);
    check(&stub, org.update_many("Account", &two).await, "PATCH composite/sobjects", body);
    let outcome = org.upsert_many("Account", "E__c", &two).await;
    check(&stub, outcome, "PATCH composite/sobjects/Account/E__c", body);
    let outcome = org.delete_many(&["001xx000003DGb2AAG", "001xx000003DGb3"]).await;
    let line = "DELETE composite/sobjects?ids=001xx000003DGb2AAG%2C001xx000003DGb3&allOrNone=false";
    check(&stub, outcome, line, "");

    let calls = stub.calls().len();
    assert!(matches!(org.delete_many(&["001"]).await, Err(Error::Record { index: 0, .. })));
    assert!(matches!(org.delete_many(&["001xx000003DGb3"; 201]).await, Err(Error::TooMany { .. })));
    assert!(matches!(org.upsert_many("Account", "E/c", &two).await, Err(Error::Configuration { .. })));
    assert!(org.delete_many(&[]).await.unwrap().is_empty());
    assert_eq!(stub.calls().len(), calls, "something was sent");
    assert!(matches!(org.update_many("Account", &two[..1]).await, Err(Error::RowCount { sent: 1, received: 2 })));
}

#[test]
fn attributes_come_first_and_the_rest_is_left_alone() {
    let check = |records: &[&str], expected: &str| {
        let body = body("A__e", &borrowed(&raw(records))).unwrap();
        let expected = format!(r#"{{"allOrNone":false,"records":[{expected}]}}"#);
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
        serde_json::from_slice::<serde_json::Value>(&body).unwrap();
    };
    check(&["{}"], r#"{"attributes":{"type":"A__e"}}"#);
    check(&["{ \n}"], r#"{"attributes":{"type":"A__e"}}"#);
    check(&[r#"{"a":1}"#, "{}"], r#"{"attributes":{"type":"A__e"},"a":1},{"attributes":{"type":"A__e"}}"#);
    check(&[r#"{"a":"attributes"}"#], r#"{"attributes":{"type":"A__e"},"a":"attributes"}"#);
    check(&[r#"{"a":{"attributes":1}}"#], r#"{"attributes":{"type":"A__e"},"a":{"attributes":1}}"#);
}
