#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::stub::{EXPIRED, JSON, Stub};

const FIRST: &str = r#"{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v64.0/query/01gxx-2000",
    "records":[{"Id":"1"},{"Id":"2"}]}"#;
const LAST: &str = r#"{"totalSize":3,"done":true,"records":[{"Id":"3"}]}"#;

#[tokio::test]
async fn pages_follow_one_another_to_the_last() {
    // The token expires on the way, and a page is lost once.
    let stub =
        Stub::answering(&[(200, JSON, FIRST), (401, JSON, EXPIRED), (503, "text/html", "<html>"), (200, JSON, LAST)])
            .await;
    let mut pages = stub.org().query("SELECT Id FROM Account WHERE Name = 'a+b'");
    assert!(stub.asked("").is_empty(), "something was sent before the first page was asked for");
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!(page.iter().map(|record| record.get()).collect::<Vec<_>>(), [r#"{"Id":"1"}"#, r#"{"Id":"2"}"#]);
    assert!(pages.next().await.is_err());
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    assert!(pages.next().await.unwrap().is_none() && pages.next().await.unwrap().is_none());

    let lines: Vec<_> = stub.calls().into_iter().map(|call| call.line).collect();
    let second = "GET /services/data/v64.0/query/01gxx-2000";
    let first = "GET /services/data/v64.0/query?q=SELECT+Id+FROM+Account+WHERE+Name+%3D+%27a%2Bb%27";
    assert_eq!(lines, [first, second, second, second]);
}

#[tokio::test]
async fn each_kind_of_query_has_its_address() {
    let check = async |pages: fn(&Org) -> Pages, path: &str| {
        let stub = Stub::answering(&[(200, JSON, r#"{"totalSize":0,"done":true,"records":[]}"#)]).await;
        assert!(pages(&stub.org()).next().await.unwrap().unwrap().is_empty());
        assert_eq!(stub.calls()[0].line, format!("GET /services/data/v64.0/{path}"));
    };
    check(|org| org.query("x"), "query?q=x").await;
    check(|org| org.query_all("x"), "queryAll?q=x").await;
    check(|org| org.tooling_query("x"), "tooling/query?q=x").await;
}

#[tokio::test]
async fn the_token_goes_only_where_it_belongs_and_no_end_is_made_up() {
    for next in [
        r#""nextRecordsUrl":"https://evil.example/services/data/v64.0/query/1""#,
        r#""nextRecordsUrl":"//evil.example/services/data/v64.0/query/1""#,
        r#""nextRecordsUrl":"/services/oauth2/revoke""#,
        r#""nextRecordsUrl":"/services/data/../oauth2/revoke""#,
        r#""nextRecordsUrl":null"#,
    ] {
        let page: &'static str = Box::leak(format!(r#"{{"done":false,{next},"records":[]}}"#).into());
        let stub = Stub::answering(&[(200, JSON, page)]).await;
        let error = stub.org().query("x").next().await.unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }) && error.is_fatal(), "{next}: {error:?}");
    }
    let circle = r#"{"done":false,"nextRecordsUrl":"/services/data/v64.0/query/1","records":[]}"#;
    let stub = Stub::answering(&[(200, JSON, circle)]).await;
    let mut pages = stub.org().query("x");
    pages.next().await.unwrap();
    assert!(pages.next().await.is_err(), "a page that follows itself");
}
