//! Several calls in one request.

use serde_json::{Value, json};

use crate::client::{Rest, org, quick};

fn part(name: &str, call: &str, body: Value) -> Value {
    let (method, path) = call.split_once(' ').unwrap();
    let url = format!("/services/data/v64.0/{path}");
    json!({"referenceId": name, "method": method, "url": url, "body": body})
}

async fn composite(rest: &Rest<'_>, all_or_none: bool, parts: Value) -> Vec<Value> {
    let reply = rest.call("POST composite", json!({"allOrNone": all_or_none, "compositeRequest": parts})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["compositeResponse"].as_array().unwrap().clone()
}

fn statuses(reply: &[Value]) -> Vec<u64> {
    reply.iter().map(|part| part["httpStatusCode"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn later_parts_use_what_earlier_ones_answered() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let parts = json!([
        part("a", "POST sobjects/Account", json!({"Name": "A", "External_Id__c": "1"})),
        part("b", "PATCH sobjects/Account/@{a.id}", json!({"Name": "of @{a.id}"})),
        part("c", "GET query?q=SELECT+Name+FROM+Account+WHERE+Id='@{a.id}'", Value::Null),
        part("d", "POST sobjects/Account", json!({"Name": "@{c.records[0].Name}"})),
        part("e", "POST sobjects/Shipment__e", json!({"Seq__c": "@{c.totalSize}"})),
        part("f", "GET sobjects/Account/@{nobody.id}", Value::Null),
        part("g", "GET sobjects/Account/describe", Value::Null),
        part("h", "POST composite", json!({"compositeRequest": []})),
        part("i", "TEAPOT sobjects", Value::Null),
    ]);
    let reply = composite(&rest, false, parts).await;
    assert_eq!(statuses(&reply), [201, 204, 200, 201, 201, 400, 200, 404, 405]);
    let id = reply[0]["body"]["id"].as_str().unwrap();
    assert_eq!(reply[0]["referenceId"], "a");
    assert_eq!(reply[0]["httpHeaders"]["Location"], format!("/services/data/v64.0/sobjects/Account/{id}"));
    assert_eq!(reply[1]["body"], Value::Null);
    assert_eq!(reply[2]["body"]["records"][0]["Name"], format!("of {id}"));
    assert_eq!(reply[5]["body"][0]["errorCode"], "PROCESSING_HALTED");
    let calls = org.stats().await["calls"].clone();
    assert_eq!((&calls["api"], &calls["composite"], &calls["create"]), (&json!(1), &json!(1), &json!(0)));
}

#[tokio::test]
async fn all_or_none_takes_records_back_but_not_events() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let parts = json!([
        part("a", "POST sobjects/Account", json!({"Name": "A"})),
        part("b", "POST sobjects/Shipment__e", json!({"Seq__c": 1})),
        part("c", "POST sobjects/Account", json!({})),
        part("d", "POST sobjects/Shipment__e", json!({"Seq__c": 2})),
    ]);
    let reply = composite(&rest, true, parts.clone()).await;
    assert_eq!(statuses(&reply), [400, 201, 400, 400]);
    let codes = [0, 2, 3].map(|index| reply[index]["body"][0]["errorCode"].clone());
    assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    assert_eq!(rest.query("SELECT Id FROM Account").await["totalSize"], 0);
    assert_eq!(statuses(&composite(&rest, false, parts).await), [201, 201, 400, 201]);
    assert_eq!(org.get("/simulator/accepted").await.text.lines().count(), 3);
}

#[tokio::test]
async fn a_composite_request_has_at_most_25_parts_and_5_large_ones() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let query = part("q", "GET query?q=SELECT+Id+FROM+Account", Value::Null);
    let collection = part("c", "POST composite/sobjects", json!({"records": []}));
    let limits = part("l", "GET limits", Value::Null);
    for (parts, answers) in [
        (vec![limits.clone(); 25], 25),
        (vec![limits; 26], 1),
        (vec![query.clone(); 5], 5),
        ([vec![query; 5], vec![collection]].concat(), 1),
    ] {
        let reply = composite(&rest, false, json!(parts)).await;
        assert_eq!(reply.len(), answers);
        let is_refused = reply[0]["body"][0]["errorCode"] == "LIMIT_EXCEEDED";
        assert_eq!((is_refused, reply[0]["referenceId"].is_null()), (answers == 1, answers == 1));
    }
    rest.refused("POST composite", json!({"parts": []}), 400, "JSON_PARSER_ERROR").await;
}

#[tokio::test]
async fn a_locked_part_fails_alone() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    org.control("faults", json!({"on": "composite", "fault": "lock_row", "rows": [0]})).await;
    let create = |name: &str| part(name, "POST sobjects/Account", json!({"Name": "A"}));
    let reply = composite(&rest, false, json!([create("a"), create("b")])).await;
    assert_eq!(statuses(&reply), [400, 201]);
    assert_eq!(reply[0]["body"][0]["errorCode"], "UNABLE_TO_LOCK_ROW");
}
