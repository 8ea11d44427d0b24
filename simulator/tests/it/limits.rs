//! API requests that are used up, and the faults of REST.

use serde_json::{Value, json};
use simulator::Options;

use crate::client::{org, quick};

#[tokio::test]
async fn requests_beyond_the_maximum_are_refused() {
    let org = org(Options { api_max: Some(2), ..quick() }).await;
    let rest = org.rest().await;
    for used in ["api-usage=1/2", "api-usage=2/2"] {
        let reply = rest.get("sobjects").await;
        assert_eq!((reply.status, reply.headers["sforce-limit-info"].to_str().unwrap()), (200, used));
    }
    let reply = rest.get("sobjects").await;
    let error = json!([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]);
    assert_eq!((reply.status, reply.json()), (403, error));
    assert_eq!(reply.headers["sforce-limit-info"], "api-usage=2/2");
    assert_eq!(org.stats().await["calls"]["api"], 3);
    let answer = org.control("limits", json!({"api_used": 7, "api_max": 10})).await;
    assert_eq!(answer, json!({"api_used": 7, "api_max": 10, "delivered_used": 0, "delivered_max": 50_000}));
    assert_eq!(rest.get("limits").await.json()["DailyApiRequests"], json!({"Max": 10, "Remaining": 2}));
    org.control("limits", json!({"api_used": 10})).await;
    rest.refused("POST sobjects/Account", json!({"Name": "A"}), 403, "REQUEST_LIMIT_EXCEEDED").await;
}

#[tokio::test]
async fn without_a_maximum_none_is_enforced() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    org.control("limits", json!({"api_used": 20_000})).await;
    let reply = rest.get("sobjects").await;
    assert_eq!((reply.status, reply.headers["sforce-limit-info"].to_str().unwrap()), (200, "api-usage=20001/15000"));
}

#[tokio::test]
async fn rest_has_faults_of_its_own() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for (fault, status, code) in [
        ("busy", 503, "SERVER_UNAVAILABLE"),
        ("unavailable", 503, "SERVER_UNAVAILABLE"),
        ("lock_row", 400, "UNABLE_TO_LOCK_ROW"),
        ("limit", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("concurrent", 403, "REQUEST_LIMIT_EXCEEDED"),
    ] {
        for (on, call) in [
            ("upsert", "PATCH sobjects/Account/External_Id__c/1"),
            ("rest", "POST sobjects/Account"),
            ("any", "POST sobjects/Account"),
        ] {
            org.control("faults", json!({"on": on, "fault": fault, "retry_after": 7})).await;
            if on == "upsert" {
                assert_eq!(rest.get("limits").await.status, 200, "another call is not concerned");
            }
            let reply = rest.call(call, json!({"Name": "A"})).await;
            assert_eq!((reply.status, &reply.json()[0]["errorCode"]), (status, &json!(code)), "{on} {fault}");
            let retry_after = reply.headers.get("retry-after").map(|value| value.to_str().unwrap());
            assert_eq!(retry_after, (status == 503).then_some("7"), "{fault}");
        }
    }
    assert_eq!(rest.query("SELECT Id FROM Account").await["totalSize"], 0);
    for fault in ["lock_row", "limit", "concurrent"] {
        let plan = json!({"on": "connect", "fault": fault});
        let reply = org.send(org.http.post(format!("{}/simulator/faults", org.base)).json(&plan)).await;
        assert_eq!(reply.status, 400);
    }
}

#[tokio::test]
async fn each_answer_has_an_id_of_its_own() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let mut ids = Vec::new();
    for path in ["sobjects", "nowhere"] {
        let id = rest.get(path).await.headers["x-sfdc-request-id"].to_str().unwrap().to_owned();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn each_kind_of_call_is_counted() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for call in [
        "GET sobjects",
        "GET sobjects/Shipment__e/eventSchema",
        "GET limits",
        "GET sobjects/Account/x",
        "PATCH sobjects/Account/x",
        "PATCH sobjects/Account/External_Id__c/x",
        "DELETE sobjects/Account/x",
        "DELETE composite/sobjects?ids=x",
        "GET query",
        "POST composite",
    ] {
        rest.call(call, Value::Null).await;
    }
    let calls = org.stats().await["calls"].clone();
    for kind in
        ["describe", "schema", "limits", "read", "update", "upsert", "delete", "collections", "query", "composite"]
    {
        assert_eq!(calls[kind], 1, "{kind}");
    }
    assert_eq!(calls["api"], 10);
}
