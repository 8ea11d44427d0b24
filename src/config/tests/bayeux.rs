//! `[feed.NAME.from.bayeux]`.

use super::{check_text, *};

const GOOD: &str = r#"[kafka.main]
brokers = "localhost:9092"
[feed.ticks]
delivery = "at_least_once"
[feed.ticks.from.bayeux]
url = "https://events.example.com/cometd"
channels = ["/ticks/eu", "/ticks/us/*"]
headers = { Authorization = { env = "PATH" }, X-Team = "ops" }
[feed.ticks.to.kafka]
cluster = "main"
topic = "cometd.{channel}"
"#;

/// Replaces a part of a good file and expects exactly these problems.
#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    check_text(&GOOD.replacen(from, to, 1), expected);
}

fn source(text: &str) -> BayeuxSource {
    let config = Config::parse(text).unwrap();
    let From::Bayeux(from) = config.feeds.into_iter().next().unwrap().from else { panic!("{text}") };
    *from
}

#[test]
fn a_server_is_described_by_its_url_and_its_channels() {
    let from = source(GOOD);
    assert_eq!(from.channels, ["/ticks/eu", "/ticks/us/*"]);
    assert_eq!((from.replay, from.ack, from.transport), (false, true, Transport::Auto));
    assert_eq!((from.start, from.retention.as_secs()), (Start::Latest, 24 * 3600));
    assert_eq!(from.headers["x-team"], "ops");
    assert!(from.headers.values().all(http::HeaderValue::is_sensitive), "any of them may be a secret");
    for (written, meant) in
        [("auto", Transport::Auto), ("long-polling", Transport::LongPolling), ("websocket", Transport::WebSocket)]
    {
        assert_eq!(source(&GOOD.replace("url =", &format!("transport = \"{written}\"\nurl ="))).transport, meant);
    }
    let replayed = "replay = true\nstart = \"77\"\non_expired = \"fail\"\nretention = \"2h\"\nack = false";
    let from = source(&GOOD.replace(", \"/ticks/us/*\"]", &format!("]\n{replayed}")));
    assert_eq!((from.replay, from.ack, from.on_expired), (true, false, OnExpired::Fail));
    assert_eq!((from.start, from.retention.as_secs()), (Start::After("77".parse().unwrap()), 7200));
}

#[test]
fn the_server_is_told_without_secrets() {
    let debug = format!("{:?}", source(&GOOD.replace("\"ops\"", "\"very-secret\"")));
    assert!(debug.contains("events.example.com") && !debug.contains("very-secret"), "{debug}");
    let password =
        "6:8: a password is not written here: send it as a header, headers = { Authorization = { env = \"NAME\" } }";
    check("https://events", "https://u:p@events", &[password]);
    check("https://events", "https://u@events", &[password]);
}

#[test]
fn what_a_server_cannot_be_is_told() {
    check("url = \"https://events.example.com/cometd\"", "", &["5:1: `url` is missing"]);
    check(
        "https://events",
        "wss://events",
        &["6:8: not a URL such as \"https://acme.my.salesforce.com\": it must begin with https://"],
    );
    check(
        "url =",
        "transport = \"callback-polling\"\nurl =",
        &["6:14: expected \"auto\", \"long-polling\" or \"websocket\""],
    );
    check("X-Team =", "\"X Team\" =", &["8:48: not a header's name"]);
    check("\"ops\"", "\"o\\np\"", &["8:57: this cannot stand in a header: write it in ASCII, on one line"]);
    check("\"ops\"", "7", &["8:56: expected a table, found an integer"]);
    check(
        "cometd.{channel}",
        "{org}.{channel}",
        &["3:1: `{org}` is of Salesforce: events of another server have none"],
    );
}

#[test]
fn what_a_channel_cannot_be_is_told() {
    for (channel, why) in [
        ("ticks", "it begins with `/`"),
        ("/meta/connect", "/meta/ and /service/ channels cannot be subscribed"),
        ("/service/x", "/meta/ and /service/ channels cannot be subscribed"),
        ("/meta/**", "/meta/ and /service/ channels cannot be subscribed"),
        ("/", "there is nothing between two `/`, or after the last one"),
        ("/a//b", "there is nothing between two `/`, or after the last one"),
        ("/*/b", "`*` and `**` stand in the last part only"),
        ("/a b", "a channel is made of letters, digits and - _ ! ~ ( ) $ @"),
        ("/a*", "a channel is made of letters, digits and - _ ! ~ ( ) $ @"),
    ] {
        check("/ticks/eu", channel, &[&format!("7:14: not a channel: {why}")]);
    }
    check("/ticks/us/*", "/ticks/eu", &["7:27: `/ticks/eu` is named twice"]);
    check("[\"/ticks/eu\", \"/ticks/us/*\"]", "[]", &["7:12: no channel is named"]);
}

#[test]
fn replay_and_what_is_of_meaning_with_it_only_go_together() {
    let with = |lines: &str, expected: &[&str]| check("headers =", &format!("{lines}\nheaders ="), expected);
    with("replay = true", &["7:27: a replay id belongs to one channel: with replay = true, name each channel"]);
    let alone = "without replay = true no position is kept, and a channel starts with what comes next";
    with("start = \"earliest\"", &[&format!("8:10: {alone}")]);
    with("on_expired = \"latest\"", &[&format!("8:15: {alone}")]);
    with("retention = \"2h\"", &[&format!("8:14: {alone}")]);
    check(
        "\"/ticks/us/*\"]",
        "\"/ticks/us\"]\nreplay = true\nstart = \"77\"",
        &["9:10: a replay id belongs to one channel: name that channel alone in its feed"],
    );
}

#[test]
fn from_another_server_into_salesforce_is_no_feed() {
    let text = GOOD.replace(
        "[feed.ticks.to.kafka]\ncluster = \"main\"\ntopic = \"cometd.{channel}\"",
        "[feed.ticks.to.platform_event]\norg = \"acme\"\nevent = \"X__e\"",
    );
    let problems = Config::parse(&text).unwrap_err();
    assert!(
        problems.iter().any(|it| it.message == "a feed goes to Kafka, or from Kafka to Salesforce"),
        "{problems:?}"
    );
}
