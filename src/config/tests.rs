#![allow(clippy::unwrap_used, clippy::panic)]

mod bayeux;

use super::*;

const GOOD: &str = r#"
[org.acme.login.access_token]
url = "https://acme.my.salesforce.com"
token = { env = "PATH" }
[kafka.main]
brokers = "localhost:9092"
librdkafka = { "security.protocol" = "ssl", "socket.nagle.disable" = true }
[feed.accounts]
delivery = "at_least_once"
[feed.accounts.from.salesforce]
org = "acme"
channels = ["/data/AccountChangeEvent", "/event/Order_Placed__e"]
start = "earliest"
[feed.accounts.to.kafka]
cluster = "main"
topic = "sf.{channel}"
key = "{record_id}"
create = { partitions = 3 }
[feed.orders.from.kafka]
cluster = "main"
topics = ["orders"]
[feed.orders.to.platform_event]
org = "acme"
event = "Order_Placed__e"
"#;

/// Replaces one line of a good file and expects exactly these problems, as `line:column: message`.
#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    check_text(&GOOD.replacen(from, to, 1), expected);
}

#[track_caller]
fn check_text(text: &str, expected: &[&str]) {
    let problems = Config::parse(text).err().unwrap_or_default();
    let told: Vec<String> = problems.iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message)).collect();
    assert_eq!(told, expected, "{text}");
}

#[test]
fn a_good_file_means_what_it_says() {
    let config = Config::parse(GOOD).unwrap();
    let names: Vec<&str> = config.feeds.iter().map(|feed| &*feed.name).collect();
    assert_eq!(names, ["accounts", "orders"]);
    let cluster = config.clusters.get("main").unwrap();
    assert_eq!(cluster.kafka.librdkafka.get("socket.nagle.disable").map(String::as_str), Some("true"));
    let From::Kafka(orders) = &config.feeds.last().unwrap().from else { panic!() };
    assert_eq!((&*orders.group, orders.latest), ("crossfeed.orders", false));
    let To::Kafka(accounts) = &config.feeds.first().unwrap().to else { panic!() };
    assert_eq!(accounts.create, Some(Creation { partitions: 3, replication: -1 }));
}

#[test]
fn an_unknown_key_is_told_with_what_is_known() {
    check("topic = ", "topc = \"x\"\ntopic = ", &["16:1: unknown key `topc`; known here: cluster, create, key, topic"]);
    check(
        "[org.acme.login.access_token]",
        "memry = \"1MiB\"\n[org.acme.login.access_token]",
        &[
            "2:1: unknown key `memry`; known here: admin, feed, kafka, memory, org, positions, prefix, reply_limit, shutdown_timeout",
        ],
    );
    check(
        "[feed.orders.from.kafka]",
        "[feed.orders.from.kafcka]",
        &["19:19: unknown key `kafcka`; known here: bayeux, kafka, salesforce"],
    );
}

#[test]
fn a_wrong_type_is_told_without_the_value() {
    check("brokers = \"localhost:9092\"", "brokers = 9092", &["6:11: expected a string, found an integer"]);
    check("topics = [\"orders\"]", "topics = \"orders\"", &["21:11: expected an array, found a string"]);
    check(
        "[org.acme.login.access_token]",
        "memory = \"lots\"\nshutdown_timeout = \"soon\"\nadmin = \"here\"\n[org.acme.login.access_token]",
        &[
            "2:11: not a size such as \"64MiB\": couldn't parse \"lots\" into a ByteSize, cannot parse float from empty string",
            "3:21: not a duration such as \"30s\": expected number at 0",
            "4:10: not an address such as \"127.0.0.1:9464\": invalid socket address syntax",
        ],
    );
}

#[test]
fn f58_a_missing_secret_is_told_before_anything_connects() {
    check(
        "token = { env = \"PATH\" }",
        "token = { env = \"CROSSFEED_NO_SUCH\" }",
        &["4:9: the environment variable `CROSSFEED_NO_SUCH` is not set"],
    );
    check(
        "token = { env = \"PATH\" }",
        "token = { file = \"/no/such/file\" }",
        &["4:9: the file `/no/such/file` cannot be read: No such file or directory (os error 2)"],
    );
    check(
        "token = { env = \"PATH\" }",
        "token = \"00D-very-secret\"",
        &["4:10: a secret is not written here: use { env = \"NAME\" } or { file = \"PATH\" }"],
    );
    check("token = { env = \"PATH\" }", "", &["2:1: `token` is missing"]);
}

#[test]
fn an_unknown_org_or_cluster_is_told_with_what_is_described() {
    check("org = \"acme\"", "org = \"acmee\"", &["11:8: unknown org `acmee`; described in this file: acme"]);
    check("cluster = \"main\"", "cluster = \"mian\"", &["15:12: unknown cluster `mian`; described in this file: main"]);
}

#[test]
fn what_is_done_about_an_expired_position_is_as_it_is_written() {
    let with = |lines: &str| {
        let config = Config::parse(&GOOD.replace("start = \"earliest\"", lines)).unwrap();
        let feed = config.feeds.into_iter().next().unwrap();
        let (From::Salesforce(from), To::Kafka(to)) = (feed.from, feed.to) else { panic!() };
        (from.on_expired, from.retention.map(|retention| retention.as_secs() / 3600), to.gaps)
    };
    assert_eq!(with(""), (OnExpired::Earliest, None, "crossfeed.gaps".to_owned()));
    assert_eq!(with("on_expired = \"latest\"").0, OnExpired::Latest);
    assert_eq!(
        with("on_expired = \"fail\"\nretention = \"24h\""),
        (OnExpired::Fail, Some(24), "crossfeed.gaps".into())
    );
    let prefixed = Config::parse(&format!("prefix = \"acme.bridge\"\n{GOOD}")).unwrap();
    let To::Kafka(to) = &prefixed.feeds.first().unwrap().to else { panic!() };
    assert_eq!(to.gaps, "acme.bridge.gaps");
    check(
        "start = \"earliest\"",
        "on_expired = \"newest\"\nretention = \"3m\"",
        &[
            "13:15: expected \"earliest\", \"latest\" or \"fail\"",
            "14:14: nothing is retained for less than an hour: write how long the org retains events",
        ],
    );
    for (prefix, at, problem) in
        [("a b", 11, "` ` cannot stand in a topic's name"), ("", 10, "it does not name a topic")]
    {
        check(
            "[org.acme.login.access_token]",
            &format!("prefix = \"{prefix}\"\n[org.acme.login.access_token]"),
            &[&format!("2:{at}: no topic can begin with it: {problem}")],
        );
    }
}

#[test]
fn two_feeds_of_one_name_are_told() {
    check(
        "[feed.orders.from.kafka]",
        "[feed.accounts.to.kafka]",
        &["19:1: [feed.accounts.to.kafka] is described twice, first in line 14"],
    );
}

#[test]
fn an_invalid_channel_template_event_or_topic_is_told() {
    check(
        "channels = [\"/data/AccountChangeEvent\"",
        "channels = [\"data/AccountChangeEvent\"",
        &[
            "12:14: not a channel: channel `data/AccountChangeEvent`: a channel begins with /topic/, /u/, /event/ or /data/",
        ],
    );
    check(
        "\"/event/Order_Placed__e\"]",
        "\"/data/AccountChangeEvent\"]",
        &["12:42: `/data/AccountChangeEvent` is named twice"],
    );
    check(
        "topic = \"sf.{channel}\"",
        "topic = \"sf.{record_id}\"",
        &["16:10: not a template: unknown placeholder `{record_id}`; known here: {channel}, {event}, {feed}, {org}"],
    );
    check(
        "topic = \"sf.{channel}\"",
        "topic = \"s f\"",
        &["16:10: not a template: ` ` cannot stand in a topic's name"],
    );
    check("key = \"{record_id}\"", "key = \"{record_id\"", &["17:8: not a template: `{` without `}`"]);
    check(
        "topics = [\"orders\"]",
        "topics = [\"or ders\"]",
        &["21:12: not a topic: ` ` cannot stand in a topic's name"],
    );
    check(
        "event = \"Order_Placed__e\"",
        "event = \"Order_Placed\"",
        &["24:10: not a platform event: its API name ends in `__e`, such as \"Order_Placed__e\""],
    );
}

#[test]
fn the_delivery_must_be_written_and_be_one_that_exists() {
    let missing = "`delivery` is missing: write delivery = \"at_least_once\", the only one built so far";
    check("delivery = \"at_least_once\"", "", &[&format!("8:1: {missing}")]);
    check(
        "delivery = \"at_least_once\"",
        "delivery = \"exactly_once\"",
        &["9:13: \"exactly_once\" is not built yet: write \"at_least_once\""],
    );
}

#[test]
fn a_replay_id_starts_one_channel_and_keeps_its_digits() {
    let problem = "13:10: a replay id belongs to one channel: name that channel alone in its feed";
    check("start = \"earliest\"", "start = \"77\"", &[problem]);
    check("start = \"earliest\"", "start = -2", &["13:9: expected \"latest\", \"earliest\" or a replay id"]);
    let one = GOOD.replace(", \"/event/Order_Placed__e\"]", "]").replace("\"earliest\"", "\"9007199254740993123456\"");
    let From::Salesforce(from) = Config::parse(&one).unwrap().feeds.remove(0).from else { panic!() };
    assert_eq!(from.start, Start::After("9007199254740993123456".parse().unwrap()));
}

#[test]
fn a_setting_that_carries_a_guarantee_is_refused_with_the_reason() {
    let text = GOOD.replace("\"security.protocol\" = \"ssl\"", "\"enable.idempotence\" = false");
    let problems = Config::parse(&text).unwrap_err();
    let [problem] = &*problems else { panic!("{problems:?}") };
    assert!(problem.message.starts_with("`enable.idempotence` cannot be set here: "), "{}", problem.message);
}

#[test]
fn everything_wrong_is_told_together_in_the_order_of_the_text() {
    let text = GOOD
        .replace("\"https://acme.my.salesforce.com\"", "\"acme\"")
        .replace("brokers = ", "broker = ")
        .replace("org = \"acme\"\nevent", "org = \"b\"\nevent");
    check_text(
        &text,
        &[
            "3:8: not a URL such as \"https://acme.my.salesforce.com\": relative URL without a base",
            "5:1: `brokers` is missing",
            "6:1: unknown key `broker`; known here: brokers, librdkafka",
            "23:8: unknown org `b`; described in this file: acme",
        ],
    );
}

#[test]
fn what_is_no_toml_and_what_is_empty_is_told() {
    let problems = Config::parse("[feed.x\n").unwrap_err();
    assert!(matches!(&*problems, [Problem { line: 1, .. }]), "{problems:?}");
    check_text("", &["1:1: no feed is described: write at least one [feed.NAME.from.…] and [feed.NAME.to.…]"]);
}

#[test]
fn a_feed_goes_from_one_side_to_the_other() {
    let text = GOOD.replace("[feed.orders.from.kafka]\ncluster = \"main\"\ntopics = [\"orders\"]", "");
    check_text(
        &text,
        &[
            "20:1: `from` is missing: write [feed.NAME.from.salesforce] or [feed.NAME.from.bayeux] or [feed.NAME.from.kafka]",
        ],
    );
    let text = GOOD
        .replace(
            "[feed.orders.to.platform_event]\norg = \"acme\"\nevent = \"Order_Placed__e\"",
            "[feed.orders.to.kafka]\ncluster = \"main\"\ntopic = \"t\"",
        )
        .replace("[feed.orders.from", "[feed.orders]\ndelivery = \"at_least_once\"\n[feed.orders.from");
    check_text(&text, &["19:1: a feed goes to Kafka, or from Kafka to Salesforce"]);
}

#[test]
fn names_become_parts_of_topics_and_metrics_and_are_checked() {
    let text = GOOD.replace("[feed.orders.", "[feed.\"or ders\".");
    let problems = Config::parse(&text).unwrap_err();
    assert!(problems.iter().any(|it| it.message == "`or ders` is not a name: use letters, digits, `-` and `_`"));
}

#[test]
fn no_bytes_make_it_panic() {
    let mut text = GOOD.to_owned();
    for cut in (0..GOOD.len()).rev().filter(|cut| GOOD.is_char_boundary(*cut)) {
        text.truncate(cut);
        let _ = Config::parse(&text);
    }
}

mod templates {
    use super::*;

    #[test]
    fn a_channel_becomes_a_legal_topic() {
        let template = Template::topic("sf.{channel}.{event}").unwrap();
        let mut topic = String::new();
        let facts = Facts { channel: "/u/notifications/Ops!", event: "Ops", ..Facts::default() };
        template.render_topic(&facts, &mut topic);
        assert_eq!(topic, "sf.u.notifications.Ops_.Ops");
        assert_eq!(template.to_string(), "sf.{channel}.{event}");
    }

    #[test]
    fn a_key_without_its_fact_is_no_key() {
        let template = Template::key("{org}:{record_id}").unwrap();
        let mut key = String::new();
        let with = Facts { org: "00D", record_id: Some("001"), ..Facts::default() };
        assert!(template.render_key(&with, &mut key) && key == "00D:001");
        assert!(!template.render_key(&Facts { record_id: None, ..with }, &mut key));
        assert!(template.is_by_record() && template.is_known_ahead());
    }
}

#[test]
fn feeds_are_read_without_secrets_and_what_is_wrong_with_them_is_told() {
    let file = |channel: &str| {
        format!(
            r#"
positions = "p"
memory = "nonsense"
[org.acme.login.client_credentials]
client_secret = {{ env = "CROSSFEED_TEST_NOT_SET" }}
[kafka.main]
[feed.a]
delivery = "at_least_once"
[feed.a.from.salesforce]
org = "acme"
channels = ["{channel}"]
[feed.a.to.kafka]
cluster = "main"
topic = "t"
"#
        )
    };
    assert_eq!(Outline::parse_feeds(&file("/event/X__e")).unwrap().len(), 1);
    let wrong = Outline::parse_feeds(&file("nonsense")).unwrap_err();
    let lines: Vec<usize> = wrong.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [11], "{wrong:?}");
}
