#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;
use serde_json::Value;

#[track_caller]
fn check(reply: &str, expected: &[(&str, &str)]) {
    let reply = Bytes::copy_from_slice(reply.as_bytes());
    let messages = split::<IgnoredAny>(&reply).unwrap();
    let events: Vec<(String, String)> = messages
        .into_iter()
        .filter_map(|message| match message {
            Message::Event { channel, bytes, .. } => {
                assert!(reply.as_ptr_range().contains(&bytes.as_ptr()), "not a slice of the reply");
                Some((channel.to_string(), String::from_utf8(bytes.to_vec()).unwrap()))
            }
            Message::Meta(_) => None,
        })
        .collect();
    let events: Vec<(&str, &str)> = events.iter().map(|(channel, data)| (&**channel, &**data)).collect();
    assert_eq!(events, expected);
}

#[test]
fn data_is_the_bytes_that_came_wherever_it_stands() {
    check(r#"[{"channel":"/a","data":{"x": 1 }}]"#, &[("/a", r#"{"x": 1 }"#)]);
    check(r#"[{"data":{"x":[{}]},"channel":"/a"}]"#, &[("/a", r#"{"x":[{}]}"#)]);
    check(" [ { \"data\" :\n {\"x\":1}\t , \"channel\" : \"/a\" , \"clientId\":null } ] ", &[("/a", "{\"x\":1}")]);
    check(r#"[{"id":"1","data":"free, } text]","channel":"/u/b"}]"#, &[("/u/b", r#""free, } text]""#)]);
    check(r#"{"channel":"/a","data":12}"#, &[("/a", "12")]);
    check(r#"[{"channel":"/a","data":[] }]"#, &[("/a", "[]")]);
}

#[test]
fn keys_and_channels_with_escapes_are_read_all_the_same() {
    check(r#"[{"channel":"\/data\/A","da\u0074a":{"x":1} ,"y":2}]"#, &[("/data/A", r#"{"x":1}"#)]);
    check(r#"[{"channel":"/a","data":{"x":1} ,"\u0079":2}]"#, &[("/a", r#"{"x":1}"#)]);
}

#[test]
fn f40_events_and_answers_keep_their_order_and_numbers_stay_whole() {
    let reply = r#"[{"channel":"/a","data":{"replayId":9007199254740993123}},{"channel":"/meta/connect","id":4,"successful":true,"new":{}},{"channel":"/b","data":1}]"#;
    check(reply, &[("/a", r#"{"replayId":9007199254740993123}"#), ("/b", "1")]);
    let messages = split::<IgnoredAny>(&Bytes::from_static(reply.as_bytes())).unwrap();
    let Message::Meta(meta) = &messages[1] else { panic!("expected the answer in the middle") };
    assert_eq!((meta.id.as_deref(), meta.successful), (Some("4"), true));
}

#[test]
fn what_is_no_array_of_messages_is_malformed_as_a_whole() {
    for reply in
        ["<html>", "", "null", "[1]", "[{}]", r#"[{"channel":"/a","data":1},{"channel":"#, "[{\"channel\":\"/a\"}]x"]
    {
        assert!(split::<IgnoredAny>(&Bytes::copy_from_slice(reply.as_bytes())).is_err(), "{reply}");
    }
    assert!(split::<IgnoredAny>(&Bytes::from_static(b"[{\"channel\":\"/\xff\"}]")).is_err());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Against serde_json's own account of where a value begins and ends.
    #[test]
    fn any_data_among_any_fields_is_cut_out_exactly(data in json(), other in json(), pretty in any::<bool>(), first in any::<bool>()) {
        let key = if first { "aa" } else { "zz" };
        let message = serde_json::json!([{ "channel": "/a", "data": data, (key): other }]);
        let text = if pretty { serde_json::to_string_pretty(&message) } else { serde_json::to_string(&message) }.unwrap();
        let Message::Event { bytes, .. } = split::<IgnoredAny>(&Bytes::from(text)).unwrap().pop().unwrap() else { panic!() };
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), data);
        prop_assert!(!bytes.first().unwrap().is_ascii_whitespace() && !bytes.last().unwrap().is_ascii_whitespace());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = split::<IgnoredAny>(&Bytes::from(bytes));
    }

    #[test]
    fn no_damage_to_a_reply_makes_it_panic(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200) {
        let mut reply = br#"[{"channel":"/a","data":{"x":[1,2,{"y":"z"}]},"ext":{}},{"data":"t","channel":"/b"},{"channel":"/meta/connect","advice":{"interval":0},"successful":true}]"#.to_vec();
        if let Some(place) = reply.get_mut(at) { *place = byte; }
        reply.truncate(reply.len().saturating_sub(cut % 20));
        let _ = split::<IgnoredAny>(&Bytes::from(reply));
    }
}
