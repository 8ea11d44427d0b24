#![allow(clippy::unwrap_used)]

use super::*;

fn channel(name: &str) -> Channel {
    name.parse().unwrap()
}

#[test]
fn only_what_an_org_certainly_tells_is_asked_for() {
    let check = |name: &str, part: Option<Part>| assert_eq!(Part::of(&channel(name)), part, "{name}");
    check("/event/Low_Ink__e", Some(Part::Objects));
    check("/event/ns__Low_Ink__e", Some(Part::Objects));
    check("/data/AccountChangeEvent", Some(Part::Objects));
    check("/data/Employee__ChangeEvent", Some(Part::Objects));
    check("/topic/T?Name='x'", Some(Part::Topics));
    check("/u/a/b", Some(Part::Generic));
    check("/event/Orders__chn", Some(Part::Custom));
    check("/data/Sales__chn", Some(Part::Custom));
    check("/data/ChangeEvents", None);
    check("/event/LoginEventStream", None);
    check("/event/BatchApexErrorEvent", None);
}

#[test]
fn names_are_compared_as_the_org_writes_them() {
    let held = |name: &str| {
        let row = serde_json::json!({"attributes": {"type": "X"}, "Name": name});
        Held::of_records(&[serde_json::value::to_raw_value(&row).unwrap()])
    };
    let check =
        |name: &str, listed: &str, has: bool| assert_eq!(held(listed).has(&channel(name)), has, "{name} {listed}");
    check("/topic/T?Name='x'", "T", true);
    check("/topic/T", "t", false);
    check("/u/a/b", "/u/a/b", true);
    check("/u/a/b", "a/b", false);
    check("/event/Orders__chn", "Orders", true);
    check("/event/Orders__chn", "Orders__chn", true);
    check("/data/ns__Sales__chn", "Sales", true);
    check("/data/Sales__chn", "Salesx", false);
}
