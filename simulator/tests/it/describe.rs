//! What objects there are, with their fields and schemas.

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, SHIPMENTS, org, quick};

fn named<'a>(all: &'a Value, name: &str) -> &'a Value {
    all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {all}"))
}

#[tokio::test]
async fn events_change_events_and_objects_are_listed() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    org.control("channels", json!({"channel": "/data/Employee__ChangeEvent"})).await;
    org.control("channels", json!({"channel": "/data/Sales__chn"})).await;
    let all = rest.get("sobjects").await.json()["sobjects"].clone();
    // Three events, one object, five change events and the added one; no stream of several entities.
    assert_eq!(all.as_array().unwrap().len(), 10);
    for (name, prefix, can) in [
        ("Account", json!("001"), json!([true, true, true])),
        ("Shipment__e", json!("e01"), json!([true, false, false])),
        ("AccountChangeEvent", Value::Null, json!([false, false, false])),
        ("Employee__ChangeEvent", Value::Null, json!([false, false, false])),
    ] {
        let of = named(&all, name);
        assert_eq!(json!([of["createable"], of["updateable"], of["queryable"]]), can, "{name}");
        assert_eq!((&of["keyPrefix"], &of["triggerable"]), (&prefix, &json!(true)), "{name}");
        let describe = of["urls"]["describe"].as_str().unwrap().strip_prefix("/services/data/v64.0/").unwrap();
        assert_eq!(rest.get(describe).await.json()["name"], name);
    }
    assert_eq!(named(&all, "AccountChangeEvent")["label"], "Account Change Event");
    rest.refused("GET sobjects/NopeChangeEvent/describe", json!({}), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn fields_are_described() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let fields = rest.get("sobjects/Account/describe").await.json()["fields"].clone();
    for (name, kind, length, of) in [
        ("Name", "string", 255, json!([false, true, true, false, false])),
        ("External_Id__c", "string", 64, json!([true, true, true, true, true])),
        ("AnnualRevenue", "double", 0, json!([true, true, true, false, false])),
        ("Id", "id", 18, json!([false, false, false, false, false])),
    ] {
        let field = named(&fields, name);
        let got = ["nillable", "createable", "updateable", "externalId", "unique"].map(|key| field[key].clone());
        assert_eq!((&field["type"], &field["length"], json!(got)), (&json!(kind), &json!(length), of), "{name}");
    }
    let fields = rest.get("sobjects/AccountChangeEvent/describe").await.json()["fields"].clone();
    assert_eq!(named(&fields, "ChangeEventHeader")["createable"], false);
}

#[tokio::test]
async fn a_description_that_is_known_is_not_sent_again() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for path in ["sobjects/Account/describe", "sobjects/AccountChangeEvent/describe"] {
        let since = rest.get(path).await.headers["last-modified"].to_str().unwrap().to_owned();
        for (since, status) in [(since.as_str(), 304), ("Thu, 01 Jan 2015 00:00:00 GMT", 200), ("yesterday", 200)] {
            let request = rest.request(&format!("GET {path}")).header("if-modified-since", since);
            assert_eq!(org.send(request).await.status, status, "{path} {since}");
        }
    }
    let get = || rest.request("GET sobjects/Account/describe");
    let since = org.send(get()).await.headers["last-modified"].clone();
    org.control("objects", json!({"object": "Account", "fields": {}})).await;
    assert_eq!(org.send(get().header("if-modified-since", since)).await.status, 200, "also within the second");
}

#[tokio::test]
async fn a_schema_is_found_by_the_event_and_by_the_id_that_events_carry() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for (channel, name) in [(SHIPMENTS, "Shipment__e"), (ACCOUNTS, "AccountChangeEvent")] {
        org.publish(channel, 1).await;
        let event = org.client().await.subscribe(channel, -2).await.json()[0].clone();
        let compact = rest.get(&format!("sobjects/{name}/eventSchema?payloadFormat=COMPACT")).await.json();
        let head = json!([compact["name"], compact["namespace"], compact["type"]]);
        assert_eq!(head, json!([name, "com.sforce.eventbus", "record"]));
        assert_eq!(compact["uuid"], event["data"]["schema"]);
        for field in event["data"]["payload"].as_object().unwrap().keys() {
            named(&compact["fields"], field);
        }
        let by_id = format!("event/eventSchema/{}", compact["uuid"].as_str().unwrap());
        assert_eq!(rest.get(&format!("{by_id}?payloadFormat=COMPACT")).await.json(), compact);
        let expanded = rest.get(&by_id).await.json();
        assert_eq!((&expanded["type"], &expanded["uuid"]), (&json!("expanded-record"), &compact["uuid"]));
        let payload = named(&expanded["fields"][0]["type"]["fields"], "payload")["type"]["fields"].clone();
        assert_eq!(payload.as_array().unwrap().len(), compact["fields"].as_array().unwrap().len());
    }
    let uuid = async || rest.get("sobjects/Shipment__e/eventSchema").await.json()["uuid"].clone();
    let before = uuid().await;
    org.control("channels", json!({"channel": SHIPMENTS, "fields": {"New__c": {"type": "text"}}})).await;
    assert_ne!(uuid().await, before, "another schema has another id");
    rest.refused("GET sobjects/Shipment__e/eventSchema?payloadFormat=XML", json!({}), 400, "INVALID_OPERATION").await;
    rest.refused("GET sobjects/Account/eventSchema", json!({}), 404, "NOT_FOUND").await;
    rest.refused("GET event/eventSchema/nope", json!({}), 404, "NOT_FOUND").await;
}
