//! Publishing by REST.

use serde_json::{Value, json};

use crate::client::{Org, Reply, SHIPMENTS, org, quick};

async fn post(org: &Org, token: &str, path: &str, body: &Value) -> Reply {
    org.send(org.http.post(format!("{}/services/data/v64.0/{path}", org.base)).bearer_auth(token).json(body)).await
}

#[tokio::test]
async fn an_accepted_event_is_on_the_bus_under_its_uuid() {
    let org = org(quick()).await;
    let token = org.login().await;
    let reply = post(&org, &token, "sobjects/Shipment__e/", &json!({"Seq__c": 4, "Order__c": "A-1"})).await;
    assert_eq!(reply.status, 201);
    assert!(reply.headers["sforce-limit-info"].to_str().unwrap().starts_with("api-usage=1/"));
    let body = reply.json();
    assert_eq!((&body["success"], &body["errors"][0]["statusCode"]), (&json!(true), &json!("OPERATION_ENQUEUED")));
    let client = org.client().await;
    let event = client.subscribe(SHIPMENTS, -2).await.json()[0].clone();
    assert_eq!(event["data"]["event"]["EventUuid"], body["errors"][0]["message"]);
    assert_eq!(event["data"]["payload"]["Order__c"], "A-1");
    assert_eq!(event["data"]["payload"]["Note__c"], Value::Null);
    let accepted = org.get("/simulator/accepted?object=Shipment__e").await.json();
    assert_eq!(accepted["uuid"], body["errors"][0]["message"]);
    assert_eq!(accepted["fields"], json!({"Seq__c": 4, "Order__c": "A-1"}));
}

#[tokio::test]
async fn records_that_do_not_fit_are_refused() {
    let org = org(quick()).await;
    let token = org.login().await;
    for (object, record, status, code) in [
        ("Shipment__e", json!({"Order__c": "x"}), 400, "REQUIRED_FIELD_MISSING"),
        ("Shipment__e", json!({"Seq__c": 1, "Nope__c": 1}), 400, "INVALID_FIELD"),
        ("Shipment__e", json!({"Seq__c": "one"}), 400, "JSON_PARSER_ERROR"),
        ("Shipment__e", json!({"Seq__c": 1, "Order__c": "x".repeat(81)}), 400, "STRING_TOO_LONG"),
        ("Nope__e", json!({}), 404, "NOT_FOUND"),
        ("Shipment__e", json!([1]), 400, "JSON_PARSER_ERROR"),
    ] {
        let reply = post(&org, &token, &format!("sobjects/{object}/"), &record).await;
        assert_eq!((reply.status, &reply.json()[0]["errorCode"]), (status, &json!(code)), "{}", reply.text);
    }
    assert_eq!(org.stats().await["channels"][SHIPMENTS]["made"], 0);
}

#[tokio::test]
async fn rows_of_a_collection_fail_one_by_one_in_order() {
    let org = org(quick()).await;
    let token = org.login().await;
    let row = |of: &str, seq: Value| json!({"attributes": {"type": of}, "Seq__c": seq});
    let records = json!([
        row("Shipment__e", json!(1)),
        row("Shipment__e", json!("x")),
        row("Nope__e", json!(1)),
        row("Shipment__e", json!(2))
    ]);
    let reply = post(&org, &token, "composite/sobjects", &json!({"allOrNone": false, "records": records})).await;
    assert_eq!(reply.status, 200);
    let codes = |reply: &Reply| -> Vec<Value> {
        reply.json().as_array().unwrap().iter().map(|row| row["errors"][0]["statusCode"].clone()).collect()
    };
    assert_eq!(codes(&reply), ["OPERATION_ENQUEUED", "JSON_PARSER_ERROR", "INVALID_TYPE", "OPERATION_ENQUEUED"]);
    let reply = post(&org, &token, "composite/sobjects", &json!({"allOrNone": true, "records": records})).await;
    let rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
    assert_eq!(codes(&reply), [rolled_back, "JSON_PARSER_ERROR", "INVALID_TYPE", rolled_back]);
    let accepted = org.get("/simulator/accepted?object=Shipment__e").await.text;
    assert_eq!(accepted.lines().count(), 2);
}

#[tokio::test]
async fn a_collection_holds_200_records() {
    let org = org(quick()).await;
    let token = org.login().await;
    for (count, status) in [(200, 200), (201, 400)] {
        let records = vec![json!({"attributes": {"type": "Shipment__e"}, "Seq__c": 1}); count];
        let reply = post(&org, &token, "composite/sobjects", &json!({"records": records})).await;
        assert_eq!(reply.status, status);
        if status == 400 {
            assert_eq!(reply.json()[0]["errorCode"], "EXCEEDED_ID_LIMIT");
        }
    }
}

#[tokio::test]
async fn objects_and_limits_are_described() {
    let org = org(quick()).await;
    let token = org.login().await;
    let get = |path: &str| org.send(org.http.get(format!("{}/services/data/{path}", org.base)).bearer_auth(&token));
    let fields = get("v64.0/sobjects/Shipment__e/describe").await.json()["fields"].clone();
    assert_eq!((&fields[0]["name"], &fields[0]["type"]), (&json!("Seq__c"), &json!("double")));
    assert_eq!(fields[0]["nillable"], false);
    let limits = get("v64.0/limits").await;
    assert_eq!(limits.json()["DailyApiRequests"]["Max"], 15_000);
    assert!(limits.headers.contains_key("sforce-limit-info"));
    for (path, status) in [("v64.0/tooling", 404), ("v99.0/limits", 404), ("64.0/limits", 404)] {
        let reply = get(path).await;
        assert_eq!((reply.status, &reply.json()[0]["errorCode"]), (status, &json!("NOT_FOUND")), "{path}");
    }
    let request = org.http.put(format!("{}/services/data/v64.0/composite/sobjects", org.base)).bearer_auth(&token);
    assert_eq!(org.send(request).await.json()[0]["errorCode"], "METHOD_NOT_ALLOWED");
}
