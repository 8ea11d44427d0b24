#![allow(clippy::unwrap_used)]

use super::*;

fn plan(text: Value) -> Result<Plan, serde_json::Error> {
    serde_json::from_value(text)
}

fn faults(plans: &[Value]) -> Faults {
    let faults = Faults::default();
    for text in plans {
        faults.plan(plan(text.clone()).unwrap());
    }
    faults
}

fn asked(on: On) -> Asked<'static> {
    Asked { on, is_bayeux: on != On::Token, session: Some("one"), channels: vec!["/topic/T"] }
}

/// At which of six requests of a kind a plan strikes.
fn strikes(text: Value, on: On) -> Vec<bool> {
    let faults = faults(&[text]);
    (0..6).map(|_| faults.of_request(&asked(on)).is_some()).collect()
}

#[test]
fn a_plan_strikes_at_its_turn_and_so_many_times() {
    let [t, f] = [true, false];
    for (text, on, wanted) in [
        (json!({"on": "connect", "fault": "empty"}), On::Connect, [t, f, f, f, f, f]),
        (json!({"on": "connect", "fault": "empty", "nth": 2, "times": 2}), On::Connect, [f, t, t, f, f, f]),
        (json!({"on": "any", "fault": "empty", "for": "1h", "nth": 3}), On::Connect, [f, f, t, t, t, t]),
        (json!({"on": "any", "fault": "empty", "for": "0s"}), On::Connect, [f, f, f, f, f, f]),
        (json!({"on": "any", "fault": "empty", "for": "1h", "times": 2}), On::Connect, [t, t, f, f, f, f]),
        (json!({"on": "handshake", "fault": "empty", "times": 9}), On::Connect, [f, f, f, f, f, f]),
        (json!({"on": "any", "fault": "empty", "session": "one"}), On::Connect, [t, f, f, f, f, f]),
        (json!({"on": "any", "fault": "empty", "session": "two", "times": 9}), On::Connect, [f, f, f, f, f, f]),
        (json!({"on": "subscribe", "fault": "cut", "channel": "/topic/T"}), On::Subscribe, [t, f, f, f, f, f]),
        (json!({"on": "subscribe", "fault": "cut", "channel": "/topic/U"}), On::Subscribe, [f, f, f, f, f, f]),
        (json!({"on": "subscribe", "fault": "daily_limit", "channel": "/topic/T"}), On::Subscribe, [f, f, f, f, f, f]),
        (json!({"on": "any", "fault": "daily_limit"}), On::Token, [f, f, f, f, f, f]),
        (json!({"on": "any", "fault": "server_disconnect"}), On::Handshake, [f, f, f, f, f, f]),
        (json!({"on": "any", "fault": "lock_row"}), On::Connect, [f, f, f, f, f, f]),
        (json!({"on": "connect", "fault": "cut", "with_events": true}), On::Connect, [f, f, f, f, f, f]),
    ] {
        assert_eq!(strikes(text.clone(), on), wanted, "{text}");
    }
}

#[test]
fn a_fault_of_a_delivery_waits_for_events() {
    let faults = faults(&[json!({"on": "any", "fault": "cut", "with_events": true})]);
    assert_eq!(faults.of_request(&asked(On::Connect)), None);
    assert_eq!(faults.of_delivery("one"), Some(Fault::Wire(Wire::Cut)));
    assert_eq!(faults.of_delivery("one"), None);
}

#[test]
fn a_fault_of_rest_waits_for_a_rest_call() {
    let faults = faults(&[json!({"on": "any", "fault": "lock_row", "rows": [1], "retry_after": 3})]);
    assert_eq!(faults.of_request(&asked(On::Connect)), None);
    let planned = Planned { fault: Some(Fault::LockRow), rows: vec![1], retry_after: Some(3) };
    assert_eq!((faults.of_rest(On::Query), faults.of_rest(On::Query)), (Some(planned), None));
}

#[test]
fn a_channel_s_fault_stands_until_it_is_lifted_and_is_counted() {
    let faults = faults(&[
        json!({"on": "subscribe", "fault": "replay_refused", "channel": "/topic/T"}),
        json!({"on": "subscribe", "fault": "denied", "channel": "/topic/U", "refusal": "create_denied"}),
    ]);
    for _ in 0..3 {
        assert!(faults.of_channel("one", "/topic/T", |_| true).is_some());
    }
    assert!(faults.of_channel("one", "/topic/T", |fault| matches!(fault, Fault::Refused(_))).is_none());
    assert!(faults.clear(Some(1)) && !faults.clear(Some(3)) && !faults.clear(Some(0)));
    assert!(faults.of_channel("one", "/topic/T", |_| true).is_none());
    let denied = Fault::Channel(Standing::Denied(Denial::CreateDenied));
    assert_eq!(faults.of_channel("one", "/topic/U", |_| true), Some(denied));
    let wanted = [json!({"number": 1, "hits": 3, "open": false}), json!({"number": 2, "hits": 1, "open": true})];
    assert_eq!(faults.list(), wanted);
    assert!(faults.clear(None));
    assert!(faults.of_channel("one", "/topic/U", |_| true).is_none());
}

#[test]
fn what_cannot_be_planned() {
    for text in [
        json!({"on": "lunch", "fault": "cut"}),
        json!({"on": "connect", "fault": "hiccup"}),
        json!({"on": "connect", "fault": "lock_row"}),
        json!({"on": "token", "fault": "cut", "retry_after": 1}),
        json!({"on": "token", "fault": "daily_limit"}),
        json!({"on": "rest", "fault": "cut", "session": "one"}),
        json!({"on": "connect", "fault": "cut", "channel": "/topic/T"}),
        json!({"on": "subscribe", "fault": "denied"}),
        json!({"on": "subscribe", "fault": "denied", "channel": "/topic/T", "refusal": "no"}),
        json!({"on": "connect", "fault": "cut", "for": "soon"}),
        json!({"on": "connect", "fault": "cut", "place": "body"}),
        json!({"on": "connect", "fault": "status"}),
        json!({"on": "connect", "fault": "status", "status": 100}),
        json!({"on": "connect", "fault": "large", "bytes": "2GiB"}),
        json!({"on": "connect", "fault": "unknown_client", "advice": "maybe"}),
        json!({"on": "connect", "fault": "server_disconnect", "place": "in_subscribe"}),
        json!({"on": "handshake", "fault": "server_disconnect"}),
        json!({"on": "connect", "fault": "reset", "place": "body", "after": "1s"}),
    ] {
        assert!(plan(text.clone()).is_err(), "{text}");
    }
}
