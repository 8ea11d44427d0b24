#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::stub::{JSON, Stub};

async fn org(body: &'static str) -> (Stub, Org) {
    let stub = Stub::answering(&[(200, JSON, body)]).await;
    let org = stub.org();
    (stub, org)
}

fn line(stub: &Stub) -> String {
    stub.calls()[0].line.replace("/services/data/v64.0/", "")
}

#[tokio::test]
async fn objects_are_listed() {
    let (stub, org) = org(r#"{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[
        {"name":"Account","label":"Account","keyPrefix":"001","custom":false,"createable":true,"updateable":true,
        "deletable":true,"queryable":true,"urls":{}},{"name":"A__e","label":"A","createable":true}]}"#)
    .await;
    let all = org.describe_global().await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].createable, all[0].queryable), ("Account", true, true));
    assert_eq!((all[1].name.as_str(), all[1].createable, all[1].queryable), ("A__e", true, false));
    assert_eq!(line(&stub), "GET sobjects");
}

#[tokio::test]
async fn an_object_has_its_fields() {
    let (stub, org) = org(r#"{"name":"Account","label":"Account","fields":[
        {"name":"Ext__c","type":"string","length":80,"nillable":true,"createable":true,"updateable":true,
        "externalId":true,"unique":true,"defaultedOnCreate":false,"picklistValues":[]},
        {"name":"OwnerId","type":"reference","length":18,"createable":true,"defaultedOnCreate":true}]}"#)
    .await;
    let account = org.describe("Account").await.unwrap();
    let expected = Field {
        name: "Ext__c".into(),
        kind: "string".into(),
        length: 80,
        nillable: true,
        createable: true,
        updateable: true,
        defaulted: false,
        external_id: true,
        unique: true,
    };
    assert_eq!(account.fields[0], expected);
    assert!(account.fields[1].defaulted && !account.fields[1].nillable);
    assert_eq!(line(&stub), "GET sobjects/Account/describe");
}

#[tokio::test]
async fn an_event_has_a_schema_with_an_id() {
    let schema = r#"{"name":"A__e","namespace":"com.sforce.eventbus","type":"record","fields":[],"uuid":"Zx5Z-1"}"#;
    let (stub, org) = org(schema).await;
    let found = org.event_schema("A__e").await.unwrap();
    assert_eq!((found.id.as_str(), found.schema.get()), ("Zx5Z-1", schema));
    assert_eq!(line(&stub), "GET sobjects/A__e/eventSchema?payloadFormat=COMPACT");
}

#[tokio::test]
async fn a_name_that_is_none_is_not_sent() {
    let (stub, org) = org("{}").await;
    assert!(matches!(org.describe("A/../limits").await, Err(Error::Configuration { .. })));
    assert!(matches!(org.event_schema("").await, Err(Error::Configuration { .. })));
    assert!(stub.asked("").is_empty());
}
