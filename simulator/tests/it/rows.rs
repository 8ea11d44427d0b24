//! Records, one a request.

use serde_json::{Value, json};

use crate::client::{Org, org, quick};

/// An org with an object whose external id is not unique.
async fn with_invoices() -> Org {
    let org = org(quick()).await;
    let fields = json!({
        "Name": {"type": "text", "length": 10, "required": true},
        "Ref__c": {"type": "text", "length": 20, "external_id": true},
        "Number__c": {"type": "number", "external_id": true, "unique": true},
        "Paid__c": {"type": "boolean"},
    });
    let answer = org.control("objects", json!({"object": "Invoice__c", "fields": fields})).await;
    assert_eq!(answer, json!({"object": "Invoice__c"}));
    org
}

#[tokio::test]
async fn a_record_is_made_read_changed_and_deleted() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let reply = rest.call("POST sobjects/Account/", json!({"Name": "Acme", "AnnualRevenue": 5})).await;
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert_eq!((reply.status, reply.json()), (201, json!({"id": id, "success": true, "errors": []})));
    assert_eq!(reply.headers["location"], format!("/services/data/v64.0/sobjects/Account/{id}"));
    assert!(id.starts_with("001") && id.len() == 18);
    let row = format!("sobjects/Account/{id}");
    let reply = rest.call(&format!("PATCH {row}"), json!({"AnnualRevenue": null, "External_Id__c": "x"})).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    let url = format!("/services/data/v64.0/sobjects/Account/{id}");
    let attributes = json!({"type": "Account", "url": url});
    let chosen = rest.get(&format!("{row}?fields=Name,AnnualRevenue")).await;
    let wanted = json!({"attributes": attributes, "Id": id, "Name": "Acme", "AnnualRevenue": null});
    assert_eq!((chosen.status, chosen.json()), (200, wanted));
    let whole = rest.get(&format!("sobjects/Account/{}", id.get(..15).unwrap())).await.json();
    assert_eq!((&whole["External_Id__c"], &whole["IsDeleted"]), (&json!("x"), &json!(false)));
    assert!(whole["CreatedDate"].as_str().unwrap().ends_with("+0000"));
    assert_eq!(rest.get("sobjects/Account/External_Id__c/x").await.json()["Id"], id.as_str());
    assert_eq!(rest.call(&format!("DELETE {row}"), Value::Null).await.status, 204);
    for call in ["GET", "PATCH", "DELETE"] {
        rest.refused(&format!("{call} {row}"), json!({}), 404, "ENTITY_IS_DELETED").await;
    }
}

#[tokio::test]
async fn an_upsert_makes_a_record_and_then_changes_it() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let call = "PATCH sobjects/Account/External_Id__c/a%2Fb%20c";
    let made = rest.call(call, json!({"Name": "Acme"})).await;
    let id = made.json()["id"].clone();
    assert_eq!((made.status, made.json()), (201, json!({"id": id, "success": true, "errors": [], "created": true})));
    let changed = rest.call(call, json!({"AnnualRevenue": 7})).await;
    assert_eq!(
        (changed.status, changed.json()),
        (200, json!({"id": id, "success": true, "errors": [], "created": false}))
    );
    let record = rest.get("sobjects/Account/External_Id__c/a%2Fb%20c").await.json();
    let values = (&record["Id"], &record["Name"], &record["AnnualRevenue"], &record["External_Id__c"]);
    assert_eq!(values, (&id, &json!("Acme"), &json!(7), &json!("a/b c")));
    let call = call.replace("PATCH", "DELETE");
    assert_eq!(rest.call(&call, Value::Null).await.status, 204);
    rest.refused(&call, Value::Null, 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn records_that_do_not_fit_are_refused() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let id = rest.create("Account", json!({"Name": "A", "External_Id__c": "taken"})).await;
    let other = rest.create("Account", json!({"Name": "B"})).await;
    let row = |call: &str| format!("{call} sobjects/Account/{other}");
    let upsert = "PATCH sobjects/Account/External_Id__c/new";
    for (call, body, status, code) in [
        ("POST sobjects/Account", json!({"AnnualRevenue": 1}), 400, "REQUIRED_FIELD_MISSING"),
        ("POST sobjects/Account", json!({"Name": "A", "Nope": 1}), 400, "INVALID_FIELD"),
        ("POST sobjects/Account", json!({"Name": "x".repeat(256)}), 400, "STRING_TOO_LONG"),
        ("POST sobjects/Account", json!({"Name": 1}), 400, "JSON_PARSER_ERROR"),
        ("POST sobjects/Account", json!({"Name": "A", "External_Id__c": "taken"}), 400, "DUPLICATE_VALUE"),
        ("POST sobjects/Account", json!({"Name": "A", "Id": id}), 400, "INVALID_FIELD"),
        ("POST sobjects/Account", json!({"Name": "A", "IsDeleted": true}), 400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("POST sobjects/Nope__c", json!({}), 404, "NOT_FOUND"),
        (&row("PATCH"), json!({"Name": null}), 400, "REQUIRED_FIELD_MISSING"),
        (&row("PATCH"), json!({"External_Id__c": "taken"}), 400, "DUPLICATE_VALUE"),
        (&row("PATCH"), json!({"Id": other}), 400, "INVALID_FIELD"),
        ("PATCH sobjects/Account/short", json!({}), 400, "MALFORMED_ID"),
        ("PATCH sobjects/Account/003xx0000000009AAA", json!({}), 400, "MALFORMED_ID"),
        ("GET sobjects/Account/001xx0000099999AAA", json!({}), 404, "NOT_FOUND"),
        (&format!("{}?fields=Name,Nope", row("GET")), json!({}), 400, "INVALID_FIELD"),
        (upsert, json!({"Name": "A", "External_Id__c": "new"}), 400, "INVALID_FIELD"),
        (upsert, json!({"Name": "A", "Id": id}), 400, "INVALID_FIELD"),
        (upsert, json!({"AnnualRevenue": 1}), 400, "REQUIRED_FIELD_MISSING"),
        ("PATCH sobjects/Account/Name/new", json!({}), 404, "NOT_FOUND"),
        ("PATCH sobjects/Shipment__e/001xx0000000001AAA", json!({}), 405, "METHOD_NOT_ALLOWED"),
        ("PUT sobjects/Account/short", json!({}), 405, "METHOD_NOT_ALLOWED"),
    ] {
        rest.refused(call, body, status, code).await;
    }
    assert_eq!(rest.query("SELECT Id FROM Account").await["totalSize"], 2, "nothing was written");
}

#[tokio::test]
async fn an_external_id_of_several_records_answers_with_their_urls() {
    let org = with_invoices().await;
    let rest = org.rest().await;
    let mut urls = Vec::new();
    for _ in 0..2 {
        let id = rest.create("Invoice__c", json!({"Name": "I", "Ref__c": "r"})).await;
        urls.push(format!("/services/data/v64.0/sobjects/Invoice__c/{id}"));
    }
    for method in ["GET", "PATCH", "DELETE"] {
        let reply = rest.call(&format!("{method} sobjects/Invoice__c/Ref__c/r"), json!({})).await;
        assert_eq!((reply.status, reply.json()), (300, json!(urls)), "{method}");
    }
}

#[tokio::test]
async fn an_object_can_be_defined_and_defined_again() {
    let org = with_invoices().await;
    let rest = org.rest().await;
    let reply = rest.call("PATCH sobjects/Invoice__c/Number__c/17", json!({"Name": "I", "Paid__c": true})).await;
    assert_eq!(reply.status, 201);
    assert_eq!(rest.get("sobjects/Invoice__c/Number__c/17.0").await.json()["Paid__c"], true);
    org.control("objects", json!({"object": "Invoice__c", "fields": {"Name": {"type": "text"}}})).await;
    assert_eq!(rest.query("SELECT Id FROM Invoice__c").await["totalSize"], 0);
    rest.refused("POST sobjects/Invoice__c", json!({"Ref__c": "r"}), 400, "INVALID_FIELD").await;
    for (path, body) in [
        ("objects", json!({"object": "X__e", "fields": {}})),
        ("objects", json!({"object": "XChangeEvent", "fields": {}})),
        ("objects", json!({"object": "X/Y", "fields": {}})),
        ("objects", json!({"object": "X__c", "fields": {"a b": {"type": "text"}}})),
        ("channels", json!({"channel": "/event/X__e", "fields": {"A__c": {"type": "text", "unique": true}}})),
    ] {
        let reply = org.send(org.http.post(format!("{}/simulator/{path}", org.base)).json(&body)).await;
        assert_eq!(reply.status, 400, "{body}");
    }
}
