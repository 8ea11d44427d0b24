#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{
    Disposition,
    stub::{JSON, Stub},
};

fn requests(body: &RawValue) -> [Subrequest<'_>; 2] {
    let first = Subrequest { verb: Verb::Post, path: "sobjects/Account", reference: "a", body: Some(body) };
    [first, Subrequest { verb: Verb::Get, path: "sobjects/Account/@{a.id}", reference: "b", body: None }]
}

async fn ask(answer: &'static str) -> (Stub, Result<Vec<Subreply>, Error>) {
    let stub = Stub::answering(&[(200, JSON, answer)]).await;
    let body = RawValue::from_string(r#"{"Name" :"A"}"#.into()).unwrap();
    let outcome = stub.org().composite(&requests(&body), false).await;
    (stub, outcome)
}

#[tokio::test]
async fn each_request_has_its_answer() {
    let (stub, outcome) = ask(
        r#"{"compositeResponse":[
        {"body":{"id":"001","success":true,"errors":[]},"httpHeaders":{"Location":"/x"},"httpStatusCode":201,"referenceId":"a"},
        {"body":[{"errorCode":"NOT_FOUND","message":"gone"}],"httpHeaders":{},"httpStatusCode":404,"referenceId":"b"}]}"#,
    )
    .await;
    let replies = outcome.unwrap();
    assert_eq!((replies[0].status, replies[0].body.get()), (201, r#"{"id":"001","success":true,"errors":[]}"#));
    assert!(replies[0].error.is_none());
    assert_eq!((replies[1].status, replies[1].reference.as_str()), (404, "b"));
    assert_eq!(replies[1].error.as_ref().unwrap().to_string(), "not found: NOT_FOUND: gone");

    let call = stub.asked("POST /services/data/v64.0/composite").remove(0);
    let expected = concat!(
        r#"{"allOrNone":false,"compositeRequest":["#,
        r#"{"method":"POST","url":"/services/data/v64.0/sobjects/Account","referenceId":"a","body":{"Name" :"A"}},"#,
        r#"{"method":"GET","url":"/services/data/v64.0/sobjects/Account/@{a.id}","referenceId":"b"}]}"#,
    );
    assert_eq!(call.body, expected);
}

#[tokio::test]
async fn an_answer_without_a_body_is_null() {
    let (_stub, outcome) = ask(r#"{"compositeResponse":[{"body":null,"httpStatusCode":204,"referenceId":"a"},
        {"body":[{"statusCode":"PROCESSING_HALTED","message":"halted"}],"httpStatusCode":400,"referenceId":"b"}]}"#)
    .await;
    let replies = outcome.unwrap();
    assert_eq!(replies[0].body.get(), "null");
    assert_eq!(replies[1].error.as_ref().unwrap().disposition(), Disposition::Transient);
}

#[tokio::test]
async fn answers_that_fit_no_request_are_refused() {
    let check = async |answer: &'static str, display: &str| {
        let error = ask(answer).await.1.unwrap_err();
        assert!(error.to_string().starts_with(display), "{error}");
        assert!(error.uncertain());
    };
    check(r#"{"compositeResponse":[]}"#, "2 records sent, but 0 rows came back").await;
    let swapped = r#"{"compositeResponse":[{"body":null,"httpStatusCode":204,"referenceId":"b"},
        {"body":null,"httpStatusCode":204,"referenceId":"a"}]}"#;
    check(swapped, "unexpected reply").await;
    let odd = r#"{"compositeResponse":[{"body":null,"httpStatusCode":7,"referenceId":"a"},
        {"body":null,"httpStatusCode":204,"referenceId":"b"}]}"#;
    check(odd, "unexpected reply").await;
    check("[]", "unexpected reply").await;
}

#[tokio::test]
async fn too_many_are_not_sent_and_none_is_no_call() {
    let stub = Stub::answering(&[(200, JSON, "{}")]).await;
    let request = Subrequest { verb: Verb::Delete, path: "sobjects/Account/001", reference: "a", body: None };
    let error = stub.org().composite(&[request; 26], true).await.unwrap_err();
    assert_eq!(error.to_string(), "26 requests in one call, which takes 25");
    assert!(stub.org().composite(&[], true).await.unwrap().is_empty());
    assert!(stub.asked("").is_empty());
}
