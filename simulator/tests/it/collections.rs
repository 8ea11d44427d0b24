//! Records, up to 200 a request.

use serde_json::{Value, json};

use crate::client::{Reply, Rest, org, quick};

const UPSERT: &str = "PATCH composite/sobjects/Account/External_Id__c";

fn account(fields: Value) -> Value {
    let mut record = json!({"attributes": {"type": "Account"}});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record
}

/// For each row `ok`, `made`, `changed` or the code of its error.
fn rows(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let row = |row: &Value| match (&row["success"], &row["created"]) {
        (Value::Bool(true), Value::Bool(true)) => "made".to_owned(),
        (Value::Bool(true), Value::Bool(false)) => "changed".to_owned(),
        (Value::Bool(true), _) => "ok".to_owned(),
        _ => row["errors"][0]["statusCode"].as_str().unwrap().to_owned(),
    };
    reply.json().as_array().unwrap().iter().map(row).collect()
}

async fn total(rest: &Rest<'_>) -> u64 {
    rest.query("SELECT Id FROM Account").await["totalSize"].as_u64().unwrap()
}

#[tokio::test]
async fn rows_are_made_changed_and_deleted_in_order() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let records = json!([account(json!({"Name": "A"})), account(json!({})), account(json!({"Name": "C"}))]);
    let made = rest.call("POST composite/sobjects", json!({"records": records})).await;
    assert_eq!(rows(&made), ["ok", "REQUIRED_FIELD_MISSING", "ok"]);
    let ids: Vec<Value> = [0, 2].map(|index| made.json()[index]["id"].clone()).into();
    let records = json!([
        account(json!({"id": ids[1], "AnnualRevenue": 3})),
        account(json!({"AnnualRevenue": 3})),
        account(json!({"Id": ids[0], "Name": null})),
        account(json!({"id": "short"})),
        account(json!({"id": "001xx0000099999AAA"})),
        json!({"attributes": {"type": "Nope"}, "id": ids[0]}),
        json!({"attributes": {"type": "Shipment__e"}, "id": ids[0]}),
    ]);
    let changed = rest.call("PATCH composite/sobjects", json!({"records": records})).await;
    let wanted = ["ok", "MISSING_ARGUMENT", "REQUIRED_FIELD_MISSING", "MALFORMED_ID", "NOT_FOUND", "INVALID_TYPE"];
    assert_eq!(rows(&changed)[..6], wanted);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let delete = format!("DELETE composite/sobjects?ids={},{},001xx0000099999AAA,x", text(&ids[1]), text(&ids[1]));
    let deleted = rest.call(&delete, Value::Null).await;
    assert_eq!(rows(&deleted), ["ok", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]);
    assert_eq!(total(&rest).await, 1);
    rest.refused("DELETE composite/sobjects", Value::Null, 400, "MISSING_ARGUMENT").await;
}

#[tokio::test]
async fn an_upsert_says_of_each_row_whether_it_is_new() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let id = rest.create("Account", json!({"Name": "old", "External_Id__c": "1"})).await;
    let records = json!([
        account(json!({"External_Id__c": "1", "Name": "new"})),
        account(json!({"External_Id__c": "2", "Name": "B"})),
        account(json!({"External_Id__c": "2", "Name": "again"})),
        account(json!({"Name": "without"})),
        account(json!({"External_Id__c": "3"})),
        account(json!({"External_Id__c": "4", "Name": "D", "id": id})),
        json!({"attributes": {"type": "Shipment__e"}, "External_Id__c": "5"}),
    ]);
    let reply = rest.call(UPSERT, json!({"records": records})).await;
    let wanted = [
        "changed",
        "made",
        "DUPLICATE_VALUE",
        "MISSING_ARGUMENT",
        "REQUIRED_FIELD_MISSING",
        "INVALID_FIELD",
        "INVALID_TYPE",
    ];
    assert_eq!(rows(&reply), wanted);
    assert_eq!(rest.get("sobjects/Account/External_Id__c/2").await.json()["Name"], "B");
    rest.refused("PATCH composite/sobjects/Account/Name", json!({"records": []}), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn all_or_none_takes_everything_back() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let id = rest.create("Account", json!({"Name": "old", "External_Id__c": "1"})).await;
    let rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
    let records = json!([
        account(json!({"External_Id__c": "1", "Name": "new"})),
        account(json!({"External_Id__c": "2", "Name": "B"})),
        account(json!({"External_Id__c": "3"})),
    ]);
    let reply = rest.call(UPSERT, json!({"allOrNone": true, "records": records})).await;
    assert_eq!(rows(&reply), [rolled_back, rolled_back, "REQUIRED_FIELD_MISSING"]);
    let reply = rest.call(&format!("DELETE composite/sobjects?ids={id},x&allOrNone=true"), Value::Null).await;
    assert_eq!(rows(&reply), [rolled_back, "MALFORMED_ID"]);
    let record = rest.get("sobjects/Account/External_Id__c/1").await.json();
    assert_eq!((&record["Name"], total(&rest).await), (&json!("old"), 1));
    let event = json!({"attributes": {"type": "Shipment__e"}, "Seq__c": 1});
    let records = json!([event, account(json!({}))]);
    let reply = rest.call("POST composite/sobjects", json!({"allOrNone": true, "records": records})).await;
    assert_eq!(rows(&reply), [rolled_back, "REQUIRED_FIELD_MISSING"]);
    assert_eq!(org.get("/simulator/accepted").await.text, "");
}

#[tokio::test]
async fn a_collection_has_at_most_200_rows_and_10_chunks() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let many = vec![account(json!({"Name": "A"})); 201];
    for call in ["POST composite/sobjects", "PATCH composite/sobjects", UPSERT] {
        rest.refused(call, json!({"records": many}), 400, "EXCEEDED_ID_LIMIT").await;
    }
    let ids = vec!["001xx0000000001AAA"; 201].join(",");
    rest.refused(&format!("DELETE composite/sobjects?ids={ids}"), Value::Null, 400, "EXCEEDED_ID_LIMIT").await;
    let pair = [account(json!({"Name": "A"})), json!({"attributes": {"type": "Shipment__e"}, "Seq__c": 1})];
    let mut records: Vec<Value> = pair.into_iter().cycle().take(10).collect();
    assert_eq!(rest.call("POST composite/sobjects", json!({"records": records})).await.status, 200);
    records.push(account(json!({"Name": "A"})));
    rest.refused("POST composite/sobjects", json!({"records": records}), 400, "LIMIT_EXCEEDED").await;
}

#[tokio::test]
async fn locked_rows_fail_alone() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let records = vec![account(json!({"Name": "A"})); 3];
    let locked = "UNABLE_TO_LOCK_ROW";
    for (rows_locked, wanted) in [(json!([1]), ["ok", locked, "ok"]), (json!([]), [locked; 3])] {
        org.control("faults", json!({"on": "collections", "fault": "lock_row", "rows": rows_locked})).await;
        let reply = rest.call("POST composite/sobjects", json!({"records": records})).await;
        assert_eq!(rows(&reply), wanted);
    }
    assert_eq!(total(&rest).await, 2);
}
