#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::{
    Disposition,
    stub::{JSON, Stub},
};

const ID: &str = "001xx000003DGb2AAG";

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

/// An org that answers so, and what it was asked.
async fn org(status: u16, body: &'static str) -> (Stub, Org) {
    let stub = Stub::answering(&[(status, JSON, body)]).await;
    let org = stub.org();
    (stub, org)
}

fn asked(stub: &Stub) -> (String, String) {
    let mut calls = stub.calls();
    assert_eq!(calls.len(), 1);
    let call = calls.remove(0);
    assert_eq!(call.header("content-type").is_empty(), call.body.is_empty());
    let path = call.line.replace("/services/data/v64.0/", "");
    (path, call.body)
}

#[tokio::test]
async fn a_record_is_created() {
    let (stub, org) = org(201, r#"{"id":"001xx000003DGb2AAG","success":true,"errors":[]}"#).await;
    let row = org.create("Account", &raw(r#"{ "Name" : "A" }"#)).await.unwrap();
    assert_eq!((row.id.as_deref(), row.success, row.created), (Some(ID), true, None));
    assert_eq!(asked(&stub), ("POST sobjects/Account".into(), r#"{ "Name" : "A" }"#.into()));
}

#[tokio::test]
async fn a_record_that_is_refused_is_the_records_fault() {
    let body =
        r#"[{"message":"Required fields are missing: [Name]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]"#;
    let (_stub, org) = org(400, body).await;
    let error = org.create("Account", &raw("{}")).await.unwrap_err();
    let expected =
        "refused with status 400: REQUIRED_FIELD_MISSING: Required fields are missing: [Name] (fields: Name)";
    assert_eq!((error.to_string().as_str(), error.disposition()), (expected, Disposition::Rejected));
}

#[tokio::test]
async fn a_record_is_changed_and_deleted() {
    let (stub, it) = org(204, "").await;
    it.update("Account", ID, &raw(r#"{"Name":null}"#)).await.unwrap();
    assert_eq!(asked(&stub), (format!("PATCH sobjects/Account/{ID}"), r#"{"Name":null}"#.into()));

    let (stub, it) = org(204, "").await;
    it.delete("Account", ID).await.unwrap();
    assert_eq!(asked(&stub), (format!("DELETE sobjects/Account/{ID}"), String::new()));

    let (stub, it) = org(204, "").await;
    it.delete_by("Account", "Ext__c", "a/ä b").await.unwrap();
    assert_eq!(asked(&stub).0, "DELETE sobjects/Account/Ext__c/a%2F%C3%A4%20b");

    let (_stub, it) = org(404, r#"[{"errorCode":"ENTITY_IS_DELETED","message":"entity is deleted"}]"#).await;
    let error = it.delete("Account", ID).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Rejected);
}

#[tokio::test]
async fn only_204_says_that_it_is_done() {
    for status in [200, 201, 202] {
        let (_stub, it) = org(status, "").await;
        let error = it.update("Account", ID, &raw("{}")).await.unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }) && error.uncertain(), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn an_upsert_says_whether_the_record_is_new() {
    let check = async |status: u16, body: &'static str, id: Option<&str>, created: bool| {
        let (stub, org) = org(status, body).await;
        let done = org.upsert("Account", "Ext__c", "A&B +1", &raw(r#"{"Name":"A"}"#)).await.unwrap();
        assert_eq!(done, Upserted { id: id.map(str::to_owned), created }, "{status} {body}");
        let expected = "PATCH sobjects/Account/Ext__c/A%26B%20%2B1";
        assert_eq!(asked(&stub), (expected.into(), r#"{"Name":"A"}"#.into()));
    };
    check(201, r#"{"id":"001xx000003DGb2AAG","success":true,"errors":[],"created":true}"#, Some(ID), true).await;
    check(201, r#"{"id":"001xx000003DGb2AAG","success":true,"errors":[]}"#, Some(ID), true).await;
    check(200, r#"{"id":"001xx000003DGb2AAG","success":true,"errors":[],"created":false}"#, Some(ID), false).await;
    check(204, "", None, false).await;
}

#[tokio::test]
async fn an_external_id_of_several_records_names_them() {
    let body = r#"["/services/data/v64.0/sobjects/Account/001A","/services/data/v64.0/sobjects/Account/001B"]"#;
    let (_stub, it) = org(300, body).await;
    let error = it.upsert("Account", "Ext__c", "1", &raw("{}")).await.unwrap_err();
    let expected = "2 records have this external id: /services/data/v64.0/sobjects/Account/001A, \
                    /services/data/v64.0/sobjects/Account/001B";
    assert_eq!((error.to_string().as_str(), error.disposition()), (expected, Disposition::Rejected));
    assert!(error.remedy().unwrap().contains("unique") && !error.uncertain());
}

#[tokio::test]
async fn a_record_is_read_as_it_is() {
    let body = r#"{"attributes":{"type":"Account"},"Id":"001xx000003DGb2AAG","Big__c":12345678901234567890.10}"#;
    let (stub, it) = org(200, body).await;
    let record = it.retrieve("Account", ID, &["Id", "Owner.Name"]).await.unwrap();
    assert_eq!(record.get(), body);
    assert_eq!(asked(&stub).0, format!("GET sobjects/Account/{ID}?fields=Id%2COwner.Name"));

    let (stub, it) = org(200, body).await;
    it.retrieve("Account", ID, &[]).await.unwrap();
    assert_eq!(asked(&stub).0, format!("GET sobjects/Account/{ID}"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_found_before_any_call() {
    let (stub, it) = org(204, "").await;
    let object = raw("{}");
    let errors = [
        it.create("Acc/ount", &object).await.err(),
        it.create("Account", &raw("[]")).await.err(),
        it.update("Account", "001", &object).await.err(),
        it.update("Account", "../../../limits/x", &object).await.err(),
        it.upsert("Account", "", "1", &object).await.err(),
        it.upsert("Account", "Ext__c", "", &object).await.err(),
        it.delete_by("Account", "Ext__c", "..").await.err(),
        it.retrieve("Account", "001xx000003DGb2A?G", &[]).await.err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert!(matches!(error, Error::Record { .. } | Error::Configuration { .. }), "{error:?}");
    }
    assert!(stub.asked("").is_empty(), "something was sent");
}
