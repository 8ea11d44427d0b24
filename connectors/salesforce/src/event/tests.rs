#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn data(json: &str) -> Data {
    serde_json::from_str(json).unwrap()
}

fn id(digits: &str) -> Option<ReplayId> {
    Some(digits.parse().unwrap())
}

const CHANGE: &str = r#"{"schema":"IeRuaY6cbI_HsV8Rv1Mc5g",
   "payload":{
     "ChangeEventHeader":{
        "entityName":"Account","recordIds":["001xx000003DGb2AAG"],"changeType":"UPDATE",
        "changeOrigin":"com/salesforce/api/soap/64.0;client=SfdcInternalAPI/",
        "transactionKey":"000046c7-a642-11e2-c29b-229c6786473e","sequenceNumber":1,
        "commitTimestamp":1775000000000,"commitNumber":65824908432,"commitUser":"005xx000001SwR6AAK",
        "changedFields":["Name","LastModifiedDate"]},
     "Name":"Acme 2","CreatedDate":"2001-04-01T00:00:00.000Z"},
   "event":{"replayId":6421}}"#;

#[test]
fn a_change() {
    let expected = Data {
        replay_id: id("6421"),
        uuid: None,
        time_ms: Some(1_775_000_000_000),
        record_ids: vec!["001xx000003DGb2AAG".into()],
        entity: Some("Account".into()),
        change: Some(ChangeType::Update),
        transaction: Some("000046c7-a642-11e2-c29b-229c6786473e".into()),
        sequence: Some(1),
    };
    assert_eq!(data(CHANGE), expected);
}

#[test]
fn a_platform_event() {
    let json = r#"{"schema":"dffQ2QLzDNHqwB8_sHMxdA",
        "payload":{"CreatedDate":"2026-04-09T18:31:40.517Z","CreatedById":"005D0000001cSZs","Ink_Percentage__c":0.2},
        "event":{"EventUuid":"232fd30e-0a71-42bd-a97b-be0e329b2ded","replayId":2}}"#;
    let expected = Data {
        replay_id: id("2"),
        uuid: Some("232fd30e-0a71-42bd-a97b-be0e329b2ded".into()),
        time_ms: Some(1_775_759_500_517),
        ..Data::default()
    };
    assert_eq!(data(json), expected);
}

#[test]
fn a_push_topics_event() {
    let json = r#"{"event":{"createdDate":"2026-03-29T16:40:08.208Z","replayId":13,"type":"deleted"},
        "sobject":{"Name":"INV-0001","Id":"001D000000KnaXjIAJ","Website":null}}"#;
    let expected = Data {
        replay_id: id("13"),
        time_ms: Some(1_774_802_408_208),
        record_ids: vec!["001D000000KnaXjIAJ".into()],
        change: Some(ChangeType::Delete),
        ..Data::default()
    };
    assert_eq!(data(json), expected);
}

#[test]
fn a_generic_event() {
    let expected = Data { replay_id: id("21"), time_ms: Some(1_774_802_408_208), ..Data::default() };
    // The third is a text that was cut inside an emoji.
    for payload in [r#""free text""#, r#""{\"ChangeEventHeader\":{}}""#, r#""cut \ud83d""#, "null", "7"] {
        let event = r#"{"createdDate":"2026-03-29T16:40:08.208Z","replayId":21}"#;
        assert_eq!(data(&format!(r#"{{"event":{event},"payload":{payload}}}"#)), expected, "{payload}");
        assert_eq!(data(&format!(r#"{{"payload":{payload},"event":{event}}}"#)), expected, "{payload}");
    }
}

#[test]
fn a_replay_id_is_kept_as_it_came_or_left_out() {
    let check = |json: &str, expected: Option<&str>| {
        let data = data(&format!(r#"{{"event":{{"replayId": {json} }}}}"#));
        assert_eq!(data.replay_id.as_ref().map(ReplayId::as_str), expected, "{json}");
    };
    check("0", Some("0"));
    check("9007199254740993", Some("9007199254740993"));
    check("9223372036854775808", Some("9223372036854775808"));
    check("340282366920938463463374607431768211456", Some("340282366920938463463374607431768211456"));
    check("-1", None);
    check("13.0", None);
    check("1e3", None);
    check("\"13\"", None);
    check("null", None);
    check("[13]", None);
    check("{}", None);
}

#[test]
fn a_date_may_have_its_offset_in_any_form() {
    let check = |date: &str, expected: Option<i64>| {
        let data = data(&json!({"event": {"createdDate": date}}).to_string());
        assert_eq!(data.time_ms, expected, "{date}");
    };
    check("2026-03-29T16:40:08.208Z", Some(1_774_802_408_208));
    check("2026-03-29T16:40:08.208+0000", Some(1_774_802_408_208));
    check("2026-03-29T16:40:08.208+00:00", Some(1_774_802_408_208));
    check("2026-03-29T18:40:08+0200", Some(1_774_802_408_000));
    check("2026-03-29T16:40:08Z", Some(1_774_802_408_000));
    check("2026-03-29T16:40:08", None);
    check("yesterday", None);
    check("", None);
}

#[test]
fn a_changes_kind_is_known_or_kept() {
    let check = |word: &str, expected: ChangeType, gap: bool| {
        let data = data(&json!({"payload": {"ChangeEventHeader": {"changeType": word}}}).to_string());
        let change = data.change.unwrap();
        assert_eq!((change.as_str(), change.is_gap()), (word, gap));
        assert_eq!(change, expected);
    };
    check("CREATE", ChangeType::Create, false);
    check("UPDATE", ChangeType::Update, false);
    check("DELETE", ChangeType::Delete, false);
    check("UNDELETE", ChangeType::Undelete, false);
    check("SNAPSHOT", ChangeType::Snapshot, false);
    check("GAP_CREATE", ChangeType::GapCreate, true);
    check("GAP_UPDATE", ChangeType::GapUpdate, true);
    check("GAP_DELETE", ChangeType::GapDelete, true);
    check("GAP_UNDELETE", ChangeType::GapUndelete, true);
    check("GAP_OVERFLOW", ChangeType::GapOverflow, true);
    check("GAP_NEW", ChangeType::Other("GAP_NEW".into()), true);
    check("new", ChangeType::Other("new".into()), false);
}

#[test]
fn merged_and_wildcard_records_are_all_kept() {
    let ids = ["001xx000003DGb2AAG", "001*", "000000000000000AAA"];
    let data = data(&json!({"payload": {"ChangeEventHeader": {"recordIds": ids}}}).to_string());
    assert_eq!(data.record_ids, ids.map(Into::into));
}

#[test]
fn oddities_cost_the_field_and_not_the_event() {
    let check = |json: &str, expected: Data| assert_eq!(data(json), expected, "{json}");
    let of_id = || Data { replay_id: id("7"), ..Data::default() };
    for json in ["null", "7", "1.5", "true", "-7", "18446744073709551616", r#""text""#, "[]", "[{}]", "{}"] {
        check(json, Data::default());
    }
    check(r#"{"event":null,"payload":null,"sobject":null}"#, Data::default());
    check(r#"{"event":[7],"payload":[{}],"sobject":"Id"}"#, Data::default());
    check(r#"{"event":{"replayId":7,"EventUuid":{"a":[1]},"createdDate":5,"type":[]}}"#, of_id());
    check(r#"{"event":{"replayId":6},"event":{"replayId":7}}"#, of_id());
    check(r#"{"\u0065vent":{"replayI\u0064":7}}"#, of_id());
    check(r#"{"event":{"replayId":7},"payload":{"ChangeEventHeader":null,"CreatedDate":null}}"#, of_id());
    check(
        r#"{"event":{"replayId":7},"payload":{"ChangeEventHeader":{"recordIds":"001","entityName":1,"changeType":null,
           "sequenceNumber":"1","commitTimestamp":1.5,"commitNumber":99999999999999999999,"changeOrigin":"\ud83d"}}}"#,
        of_id(),
    );
    let expected = Data { record_ids: vec!["001".into()], ..of_id() };
    check(r#"{"payload":{"ChangeEventHeader":{"recordIds":[1,"001",null]}},"event":{"replayId":7}}"#, expected);
    // A change has a field of this name that is the record's own date.
    check(
        r#"{"event":{"replayId":7},"payload":{"CreatedDate":"2026-04-09T18:31:40Z","ChangeEventHeader":{}}}"#,
        of_id(),
    );
    check(r#"{"event":{"replayId":7},"payload":{"A":"\ud83d","B":"\ud83d"},"sobject":{"A":"\ud83d"}}"#, of_id());
}

#[test]
fn a_deep_payload_is_no_matter() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let json = format!(r#"{{"payload":{{"A":{deep}}},"other":{deep},"event":{{"replayId":7}}}}"#);
    assert_eq!(data(&json).replay_id, id("7"));
}

#[test]
fn it_can_be_part_of_a_message() {
    #[derive(Deserialize)]
    struct Message<'a> {
        channel: &'a str,
        #[serde(default)]
        data: Data,
    }
    let json = format!(r#"[{{"channel":"/data/ChangeEvents","data":{CHANGE}}},{{"channel":"/meta/connect"}}]"#);
    let messages: Vec<Message<'_>> = serde_json::from_str(&json).unwrap();
    let [change, connect] = messages.try_into().ok().unwrap();
    assert_eq!((change.channel, change.data), ("/data/ChangeEvents", data(CHANGE)));
    assert_eq!((connect.channel, connect.data), ("/meta/connect", Data::default()));
    assert_eq!(serde_json::from_slice::<Data>(CHANGE.as_bytes()).unwrap(), data(CHANGE));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*") {
        let _ = serde_json::from_str::<Data>(&text);
        let _ = millis(&text);
    }

    #[test]
    fn no_damage_to_an_event_panics(at in 0..CHANGE.len(), with in any::<char>()) {
        let (before, after) = CHANGE.split_at(at);
        let _ = serde_json::from_str::<Data>(&format!("{before}{with}{after}"));
        let _ = serde_json::from_str::<Data>(before);
    }

    #[test]
    fn whatever_json_is_in_an_event_its_replay_id_is_found(
        payload in json_value(), sobject in json_value(), uuid in json_value(), other in json_value(),
    ) {
        let json = json!({
            "payload": payload, "sobject": sobject, "other": other,
            "event": {"EventUuid": uuid, "replayId": 7, "type": other},
        });
        prop_assert_eq!(data(&json.to_string()).replay_id, id("7"));
    }
}

/// JSON whose objects have the keys that are looked for.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "event",
        "payload",
        "ChangeEventHeader",
        "recordIds",
        "commitTimestamp",
        "CreatedDate",
        "Id",
        "replayId",
        "x",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let object = prop::collection::btree_map(keys.clone(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}
