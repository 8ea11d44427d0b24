#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const CHANGES: &str = "/data/ChangeEvents";
const TOPIC: &str = "/topic/T";

fn at_hour(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3600).unwrap()
}

/// It is hour 1000. Events of `/data` are retained since hour 928, those of `/topic` since 976.
fn now() -> Timestamp {
    at_hour(1000)
}

fn at(id: &str, hour: Option<i64>) -> Position {
    Position::At { id: id.parse().unwrap(), time_ms: hour.map(|hour| at_hour(hour).as_millisecond()) }
}

fn begun(hour: i64) -> Position {
    Position::Begun { date: at_hour(hour) }
}

fn known(start: &str) -> Known {
    let text = format!(
        r#"
[org.acme]
[kafka.main]
[feed.f]
delivery = "at_least_once"
[feed.f.from.salesforce]
org = "acme"
channels = ["/data/ChangeEvents"]
start = {start}
[feed.f.to.kafka]
cluster = "main"
topic = "t"
"#
    );
    Known::new(&crate::config::Outline::parse_feeds(&text).unwrap(), &[])
}

fn saved(channel: &str, position: &Position) -> Result<Saved, Error> {
    let (feed, channel) = ("f".to_owned(), channel.to_owned());
    Ok(Saved { feed, channel, position: position.clone(), written: now(), commit_seq: 1 })
}

fn change(channel: &str, to: Target) -> Change {
    Change { feed: "f".to_owned(), channel: channel.to_owned(), to }
}

/// What a change does, in words; times as hours.
#[track_caller]
fn check(channel: &str, from: Option<Position>, to: Target, start: &str, expected: &str) {
    let current: Vec<_> = from.iter().map(|from| saved(channel, from)).collect();
    let plan = plan(&current, &[change(channel, to)], &known(start), now()).unwrap();
    let said = plan.rows.first().unwrap().effect.to_string();
    let said = (900..=1000).fold(said, |said, hour| said.replace(&seconds(at_hour(hour)), &format!("hour {hour}")));
    assert_eq!(said, expected);
}

#[test]
fn a_move_says_what_it_repeats_or_skips_in_hours() {
    let check = |channel, from, to, expected: &str| check(channel, from, to, r#""latest""#, expected);
    let after = |id: &str| Target::After(id.parse().unwrap());
    let five_ago = || Some(at("7", Some(995)));
    check(CHANGES, five_ago(), Target::Earliest, "repeats up to 67.0 h of events (everything since hour 928)");
    check(TOPIC, five_ago(), Target::Earliest, "repeats up to 19.0 h of events (everything since hour 976)");
    check(CHANGES, five_ago(), Target::Latest, "skips up to 5.0 h of events (everything since hour 995)");
    check(CHANGES, Some(begun(990)), Target::Latest, "skips up to 10.0 h of events (everything since hour 990)");
    check(
        CHANGES,
        Some(Position::Earliest),
        Target::Latest,
        "skips up to 72.0 h of events (everything since hour 928)",
    );
    // What is older than the retention is gone, whatever is done.
    check(
        CHANGES,
        Some(at("7", Some(900))),
        Target::Latest,
        "skips up to 72.0 h of events (everything since hour 928)",
    );
    check(
        CHANGES,
        Some(at("7", Some(900))),
        Target::Earliest,
        "repeats up to 0.0 h of events (everything since hour 928)",
    );
    // Ids are opaque: neither 6 nor 8 is before or after 7.
    for id in ["6", "8"] {
        let both = "the time of that event is not known: repeats up to 67.0 h of events, or skips up to 5.0 h";
        check(CHANGES, five_ago(), after(id), both);
        check(CHANGES, None, after(id), "begins after an event whose time is not known");
    }
    check(
        CHANGES,
        five_ago(),
        Target::Exactly(at("6", Some(998))),
        "skips up to 3.0 h of events (everything since hour 995)",
    );
    check(
        CHANGES,
        five_ago(),
        Target::Exactly(at("8", Some(990))),
        "repeats up to 5.0 h of events (everything since hour 990)",
    );
    check(CHANGES, Some(at("7", None)), Target::Earliest, "repeats up to 72.0 h of events (everything since hour 928)");
    check(CHANGES, Some(at("7", None)), Target::Latest, "skips up to 72.0 h of events (everything since hour 928)");
    check(CHANGES, None, Target::Earliest, "begins with everything since hour 928");
    check(CHANGES, None, Target::Latest, "begins with everything since hour 1000");
    for (from, to) in [
        (five_ago(), after("7")),
        (five_ago(), Target::Exactly(at("7", None))),
        (Some(Position::Earliest), Target::Earliest),
        (None, Target::Absent),
    ] {
        check(CHANGES, from, to, "stays as it is");
    }
}

#[test]
fn a_reset_says_what_the_configured_start_means_today() {
    let from = || Some(at("7", Some(995)));
    for (start, expected) in [
        (
            r#""latest""#,
            "starts anew at the configured start, latest: skips up to 5.0 h of events (everything since hour 995), and \
             skips what comes until the feed opens",
        ),
        (
            r#""earliest""#,
            "starts anew at the configured start, earliest: repeats up to 67.0 h of events (everything since hour 928)",
        ),
        (
            r#""3""#,
            "starts anew at the configured start, after 3: the time of that event is not known: repeats up to 67.0 h of \
             events, or skips up to 5.0 h",
        ),
    ] {
        check(CHANGES, from(), Target::Absent, start, expected);
    }
}

#[test]
fn a_position_that_nobody_can_read_can_be_moved() {
    let broken =
        || Err(Error::Unreadable { feed: "f".to_owned(), channel: CHANGES.to_owned(), reason: "torn".to_owned() });
    let plan = |to| plan(&[broken()], &[change(CHANGES, to)], &known(r#""earliest""#), now()).unwrap();
    assert!(plan(Target::Absent).changes_something());
    let said = plan(Target::Earliest).rows.first().unwrap().effect.to_string();
    assert!(said.starts_with("repeats up to 72.0 h"), "{said}");
}

#[test]
fn the_summary_says_the_most_hours_and_warns_of_a_skip() {
    let current = [saved(CHANGES, &at("7", Some(995))), saved(TOPIC, &at("7", Some(995)))];
    let summary = |to: [Target; 2]| {
        let [one, other] = to;
        let changes = [change(CHANGES, one), change(TOPIC, other)];
        plan(&current, &changes, &known(r#""latest""#), now()).unwrap().summary()
    };
    let same = || Target::After("7".parse().unwrap());
    assert_eq!(summary([Target::Earliest, Target::Earliest]), "2 channels; repeats up to 67.0 h of events");
    assert_eq!(
        summary([same(), Target::Latest]),
        "1 channel; SKIPS up to 5.0 h of events, which are then lost to this feed"
    );
    assert_eq!(
        summary([Target::Earliest, Target::Absent]),
        "2 channels; repeats up to 67.0 h and SKIPS up to 5.0 h of events"
    );
}

#[test]
fn a_channel_named_twice_is_refused() {
    let changes = [change(CHANGES, Target::Earliest), change(CHANGES, Target::Latest)];
    let refused = plan(&[], &changes, &known(r#""latest""#), now()).unwrap_err();
    assert_eq!(refused.to_string(), "the channel /data/ChangeEvents of feed `f` is named twice");
}

#[test]
fn targets_are_written_one_way() {
    for (json, target) in [
        (r#""earliest""#, Target::Earliest),
        (r#""latest""#, Target::Latest),
        (r#"{"after":"9007199254740993123456"}"#, Target::After("9007199254740993123456".parse().unwrap())),
        (r#"{"exactly":{"at":{"id":"7","time_ms":3582000000}}}"#, Target::Exactly(at("7", Some(995)))),
        (r#"{"exactly":{"begun":{"date":"1970-02-10T22:00:00Z"}}}"#, Target::Exactly(begun(982))),
        (r#""absent""#, Target::Absent),
    ] {
        assert_eq!(serde_json::to_string(&target).unwrap(), json);
        assert_eq!(serde_json::from_str::<Target>(json).unwrap(), target);
    }
    for wrong in [r#""tip""#, r#"{"after":"-2"}"#, r#"{"after":7}"#, r#"{"exactly":{"at":{"id":"x"}}}"#, "7"] {
        assert!(serde_json::from_str::<Target>(wrong).is_err(), "{wrong}");
    }
    for wrong in ["-2", "", "tip", "Earliest", "1e3", "007"] {
        let refused = wrong.parse::<Target>().unwrap_err();
        assert!(refused.contains("write `earliest`, `latest`"), "{refused}");
    }
}

#[test]
fn a_plan_is_done_in_one_write_and_kept_in_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let before = at("7", Some(995));
    store.save("f", &[(CHANGES, &before), (TOPIC, &before)], now()).unwrap();
    let changes = [change(CHANGES, Target::Latest), change(TOPIC, Target::After("7".parse().unwrap()))];
    let planned = plan(&store.list().unwrap(), &changes, &known(r#""latest""#), now()).unwrap();
    apply(&store, &planned, "me\u{1b}[2J", Some(&"x".repeat(1000)), at_hour(1001)).unwrap();
    // `latest` is the plan's now, not the deed's: what was said is what is done.
    let positions: Vec<Position> = store.of_feed("f").unwrap().into_iter().map(|saved| saved.position).collect();
    assert_eq!(positions, [begun(1000), before.clone()]);
    let history = store.history("f").unwrap();
    let [entry] = history.as_slice() else { panic!("what stays as it is is no change: {history:?}") };
    assert_eq!((&entry.from, &entry.to, entry.at), (&Some(before), &Some(begun(1000)), at_hour(1001)));
    assert_eq!((entry.by.as_str(), entry.reason.as_ref().unwrap().len()), ("me [2J", 300), "fit for a terminal");
}
