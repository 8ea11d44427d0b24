#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rand::SeedableRng;
use serde_json::json;

use super::*;
use crate::channel;

fn check(channel: &str, bytes: usize, change_type: &str, has: &[&str], has_not: &[&str]) -> Value {
    let wish = Wish { bytes, record_ids: 2, change_type };
    let template = Template::invented(channel, channel::kind(channel).unwrap(), None, wish);
    let mut out = Vec::new();
    template.render(&mut out, 3, 1_000_021, &Stamp::now(), &mut StdRng::seed_from_u64(1));
    let data: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(data["event"]["replayId"], 1_000_021);
    for pointer in has {
        assert!(data.pointer(pointer).is_some(), "{channel}: {pointer} in {data}");
    }
    for pointer in has_not {
        assert!(data.pointer(pointer).is_none(), "{channel}: {pointer} in {data}");
    }
    if bytes > 700 {
        assert!(out.len().abs_diff(bytes) < 32, "{channel}: {} bytes", out.len());
    }
    data
}

#[test]
fn shapes_and_sizes() {
    let header = "/payload/ChangeEventHeader";
    let ids = "/payload/ChangeEventHeader/recordIds/1";
    check("/data/AccountChangeEvent", 1024, "UPDATE", &[header, ids, "/schema", "/payload/Seq__c"], &[]);
    check("/data/ChangeEvents", 100_000, "CREATE", &[header, "/payload/Description"], &[]);
    check("/data/AccountChangeEvent", 10, "GAP_UPDATE", &[header, ids], &["/payload/Seq__c"]);
    check("/data/AccountChangeEvent", 10, "DELETE", &[header, ids], &["/payload/Seq__c"]);
    check("/event/Any__e", 1024, "UPDATE", &["/payload/CreatedDate", "/payload/Note__c", "/event/EventUuid"], &[]);
    check(
        "/topic/InvoiceUpdates",
        1024,
        "UPDATE",
        &["/sobject/Id", "/event/type", "/event/createdDate"],
        &["/payload"],
    );
    let generic = check("/u/notifications/Ops", 1024, "UPDATE", &["/event/createdDate"], &["/schema"]);
    assert!(generic["payload"].is_string());
}

#[test]
fn an_overflow_names_no_record() {
    let data = check("/data/LeadChangeEvent", 10, "GAP_OVERFLOW", &[], &["/payload/Seq__c"]);
    assert_eq!(data["payload"]["ChangeEventHeader"]["recordIds"], json!(["000000000000000AAA"]));
    assert_eq!(data["payload"]["ChangeEventHeader"]["entityName"], "Lead");
}

#[test]
fn explicit_data_keeps_everything_but_the_replay_id() {
    let data = json!({"schema": "S", "payload": {"ChangeEventHeader": {"recordIds": ["001"]}, "A": null},
        "event": {"EventUuid": "232fd30e-0a71-42bd-a97b-be0e329b2ded", "replayId": 1}});
    let template = Template::explicit(data.as_object().unwrap().clone());
    let mut out = Vec::new();
    let (uuid, records) = template.render(&mut out, 1, 77, &Stamp::now(), &mut StdRng::seed_from_u64(1));
    let mut wanted = data;
    wanted["event"]["replayId"] = 77.into();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), wanted);
    assert_eq!(records.unwrap().to_vec(), ["001"]);
    assert!(uuid.is_some());
}
