//! What an outage costs: events that are gone are told, events that come again are known, and the hours that are left
//! are counted.

use crate::logins::{crossfeed, said};
use crate::scene::{CHANGES, LIMIT, Scene, until_state};
use crossfeed::position::{Gap, Position, Store, Trace};
use harness::{Bridge, Publish};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// Changes of several entities, enriched: what was merged comes apart.
const SALES: &str = "/data/Sales__chn";

fn config(scene: &Scene, channel: &str, lines: &str) -> String {
    let feeds = scene
        .changes(&[channel], "earliest")
        .replace("start = \"earliest\"", &format!("start = \"earliest\"\n{lines}"));
    format!("prefix = \"{}\"\n{}", scene.name, scene.config(&feeds))
}

async fn start(scene: &Scene, channel: &str, lines: &str) -> Bridge {
    Bridge::start(scene.path(), &config(scene, channel, lines)).await.unwrap()
}

/// The bridge delivered so many events, and was stopped.
async fn delivered(scene: &Scene, channel: &str, count: u64) -> Bridge {
    let mut bridge = start(scene, channel, "").await;
    scene.org.publish(&Publish::new(channel, count)).await.unwrap();
    scene.caught_up(&mut bridge, channel).await;
    assert!(bridge.terminate().await.unwrap().success());
    bridge
}

async fn control(scene: &Scene, call: &str, order: Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(format!("{}/simulator/{call}", scene.org.url())).json(&order).send().await.unwrap();
    assert!(answer.status().is_success(), "{call}: {}", answer.text().await.unwrap());
}

async fn standing(scene: &Scene, channel: &str, fault: &str) {
    control(scene, "faults", json!({"on": "subscribe", "fault": fault, "channel": channel})).await;
}

fn store(scene: &Scene) -> Store {
    Store::open(&scene.path().join("positions")).unwrap()
}

/// The saved position, as if its event had happened so many hours ago.
fn age(scene: &Scene, channel: &str, hours: i64) -> Position {
    let store = store(scene);
    let Position::At { id, .. } = store.of_feed("changes").unwrap().remove(0).position else { panic!("no event yet") };
    let time = Timestamp::now() - SignedDuration::from_hours(hours);
    let aged = Position::At { id, time_ms: Some(time.as_millisecond()) };
    store.save("changes", &[(channel, &aged)], Timestamp::now()).unwrap();
    aged
}

/// The records of the gaps topic, with their keys.
pub(crate) async fn gaps(scene: &Scene) -> Vec<(String, Gap)> {
    let topic = format!("{}.gaps", scene.name);
    let mut reader = kafka::Reader::new(&scene.cluster, &topic, LIMIT).await.unwrap();
    let mut all = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
        all.push((key, serde_json::from_slice(&record.value.unwrap()).unwrap()));
    }
    all
}

async fn the_gap(scene: &Scene) -> Gap {
    let mut all = gaps(scene).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0).1
}

async fn replay_ids(scene: &Scene, channel: &str) -> Vec<String> {
    let mut ids = Vec::new();
    scene.org.ledger(channel, |made| ids.push(made.replay_id.to_string())).await.unwrap();
    ids
}

async fn has(bridge: &Bridge, metric: &str) {
    let metrics = bridge.metrics().await.unwrap();
    assert!(metrics.contains(metric), "{metric}: {metrics}");
}

#[tokio::test]
async fn f18_what_is_gone_is_told_on_a_topic_in_the_status_and_in_a_list() {
    let Some(scene) = Scene::set("gone").await else { return };
    let mut bridge = delivered(&scene, CHANGES, 10).await;
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    scene.org.expire(CHANGES).await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 7)).await.unwrap();
    let ids = replay_ids(&scene, CHANGES).await;
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert_eq!((verdict.lost, verdict.doubled), (5, 0), "{verdict}");

    let (key, gap) = gaps(&scene).await.remove(0);
    assert_eq!(key, "changes /data/AccountChangeEvent");
    let (last, first) = (gap.last.clone().unwrap(), gap.first.clone().unwrap());
    assert_eq!((last.replay_id.as_deref(), first.replay_id.as_deref()), (Some(&*ids[9]), Some(&*ids[15])));
    assert!(last.time.unwrap() <= first.time.unwrap());
    assert_eq!((gap.schema.as_str(), gap.cause.as_str(), gap.org.len()), ("crossfeed.gap/1", "refused", 18));

    has(&bridge, "crossfeed_gaps_total{cause=\"refused\",feed=\"changes\"} 1").await;
    let status: Value = serde_json::from_str(&bridge.get("/status").await.unwrap()).unwrap();
    let shown = &status[0]["gaps"][0];
    assert_eq!((&shown["cause"], &shown["since"]["replay_id"]), (&json!("refused"), &json!(ids[9])), "{status}");
    assert_eq!(shown["until"]["replay_id"], json!(ids[15]));
    let log = bridge.log_text().unwrap();
    let loud = log.lines().find(|line| line.contains("\"ERROR\"") && line.contains("a gap is recorded")).unwrap();
    assert!(loud.contains("compare the records"), "{loud}");
    let asked = log.lines().find(|line| line.contains("no longer valid")).unwrap();
    assert!(asked.contains("of 50000 (DailyDeliveredPlatformEvents)"), "{asked}");

    let listed = crossfeed(scene.path(), &["gaps", "list", "--json", "changes"]).await;
    assert_eq!(serde_json::from_slice::<Gap>(&listed.stdout).unwrap(), gap, "beside the running bridge");
    let listed = said(&crossfeed(scene.path(), &["gaps", "list"]).await);
    assert!(listed.contains("refused: after") && listed.contains("compare the records"), "{listed}");
    let unknown = crossfeed(scene.path(), &["gaps", "list", "chnges"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("described in the file: changes"));

    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
    let status = bridge.get("/status").await.unwrap();
    assert!(status.contains("\"cause\":\"refused\""), "it stays after a restart: {status}");
}

#[tokio::test]
async fn f18_an_old_position_says_that_it_expired_or_that_what_came_after_it_is_cut_off() {
    let cases = async |name, fault: Option<&str>, hours, cause: Option<&str>| {
        let Some(scene) = Scene::set(name).await else { return };
        let mut bridge = delivered(&scene, CHANGES, 10).await;
        age(&scene, CHANGES, hours);
        scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
        scene.org.expire(CHANGES).await.unwrap();
        scene.org.publish(&Publish::new(CHANGES, 7)).await.unwrap();
        if let Some(fault) = fault {
            standing(&scene, CHANGES, fault).await;
        }
        bridge.start_again().await.unwrap();
        scene.caught_up(&mut bridge, CHANGES).await;
        let recorded: Vec<&str> = gaps(&scene).await.iter().map(|(_, gap)| gap.cause.as_str()).collect();
        assert_eq!(recorded, cause.into_iter().collect::<Vec<_>>(), "{name}");
        assert_eq!(scene.verdict(CHANGES).await.lost, 5);
    };
    tokio::join!(
        cases("aged", None, 80, Some("expired")),
        cases("cut_off", Some("replay_accepted"), 80, Some("truncated")),
        // Accepted, and young: nothing says that it is cut off.
        cases("young", Some("replay_accepted"), 70, None),
    );
}

#[tokio::test]
async fn f18_latest_goes_on_with_what_comes_next_and_records_what_it_passed_over() {
    let Some(scene) = Scene::set("passed_over").await else { return };
    let mut bridge = delivered(&scene, CHANGES, 10).await;
    let ids = replay_ids(&scene, CHANGES).await;
    drop(bridge);
    standing(&scene, CHANGES, "replay_refused").await;
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    bridge = start(&scene, CHANGES, "on_expired = \"latest\"").await;
    bridge.wait_for("it begins anew", LIMIT, |it| it.is_at("changes", CHANGES, "begun")).await.unwrap();
    let gap = the_gap(&scene).await;
    assert_eq!((gap.cause.as_str(), gap.first), ("latest", None));
    assert_eq!(gap.last.unwrap().replay_id.as_deref(), Some(&*ids[9]));
    scene.org.publish(&Publish::new(CHANGES, 3)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert_eq!((verdict.arrived, verdict.lost), (13, 5), "{verdict}");
    has(&bridge, "crossfeed_gaps_total{cause=\"latest\",feed=\"changes\"} 1").await;
}

#[tokio::test]
async fn f18_fail_leaves_the_position_to_a_person() {
    let Some(scene) = Scene::set("left").await else { return };
    drop(delivered(&scene, CHANGES, 3).await);
    let before = store(&scene).of_feed("changes").unwrap();
    standing(&scene, CHANGES, "replay_refused").await;
    let mut bridge = start(&scene, CHANGES, "on_expired = \"fail\"").await;
    let problem = until_state(&mut bridge, "changes", "stopped").await.problem.unwrap();
    assert_eq!(problem.reason, "positions");
    assert!(problem.text.contains("The replayId {"), "Salesforce's words: {}", problem.text);
    assert!(problem.remedy.unwrap().contains("crossfeed positions set"));
    assert!(bridge.terminate().await.unwrap().success());
    assert_eq!(store(&scene).of_feed("changes").unwrap(), before);
}

#[tokio::test]
async fn f27_a_refused_position_whose_events_are_retained_repeats_nothing() {
    let known = async |name, channel: &'static str| {
        let Some(scene) = Scene::set(name).await else { return };
        let mut bridge = delivered(&scene, channel, 50).await;
        standing(&scene, channel, "replay_refused").await;
        scene.org.publish(&Publish::new(channel, 5)).await.unwrap();
        bridge.start_again().await.unwrap();
        scene.caught_up(&mut bridge, channel).await;
        has(&bridge, "crossfeed_repeats_skipped_total{feed=\"changes\"} 50").await;
        has(&bridge, "crossfeed_repeats_possible_total{feed=\"changes\"} 0").await;
        // Killed in the middle of it, and refused again.
        bridge.kill().unwrap();
        scene.org.publish(&Publish::new(channel, 5)).await.unwrap();
        bridge.start_again().await.unwrap();
        scene.caught_up(&mut bridge, channel).await;
        has(&bridge, "crossfeed_repeats_skipped_total{feed=\"changes\"} 55").await;
        let verdict = scene.verdict(channel).await;
        assert!(verdict.is_exact() && verdict.made == 60, "{name}: {verdict}");
        assert_eq!(gaps(&scene).await, [], "{name}: nothing is gone");
    };
    tokio::join!(known("known_changes", CHANGES), known("known_events", "/event/Low_Ink__e"));
}

#[tokio::test]
async fn f27_what_is_not_remembered_is_delivered_and_counted() {
    let Some(scene) = Scene::set("forgotten_ids").await else { return };
    drop(delivered(&scene, CHANGES, 10).await);
    let saved = store(&scene).of_feed("changes").unwrap().remove(0);
    std::fs::remove_dir_all(scene.path().join("positions")).unwrap();
    store(&scene).save("changes", &[(CHANGES, &saved.position)], saved.written).unwrap();
    standing(&scene, CHANGES, "replay_refused").await;
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    let mut bridge = start(&scene, CHANGES, "").await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert_eq!((verdict.lost, verdict.doubled), (0, 10), "{verdict}");
    let metrics = bridge.metrics().await.unwrap();
    assert!(!metrics.contains("crossfeed_repeats_possible_total{feed=\"changes\"} 0"), "{metrics}");
}

#[tokio::test]
async fn f19_another_org_is_refused_and_restarted_ids_are_an_alarm() {
    let another = async {
        let Some(scene) = Scene::set("another_org").await else { return };
        let mut bridge = delivered(&scene, CHANGES, 3).await;
        let before = store(&scene).of_feed("changes").unwrap();
        control(&scene, "org", json!({"org_id": "00Dyy0000001gPLEAY"})).await;
        bridge.start_again().await.unwrap();
        let problem = until_state(&mut bridge, "changes", "stopped").await.problem.unwrap();
        assert_eq!(problem.reason, "positions");
        assert!(
            problem.text.contains("00Dyy0000001gPLEAY") && problem.text.contains("name a new feed"),
            "{}",
            problem.text
        );
        assert!(bridge.terminate().await.unwrap().success());
        assert_eq!(store(&scene).of_feed("changes").unwrap(), before, "nothing was changed");
    };
    let restarted = async {
        let Some(scene) = Scene::set("restarted_ids").await else { return };
        let mut bridge = delivered(&scene, CHANGES, 10).await;
        let ids = replay_ids(&scene, CHANGES).await;
        control(&scene, "streams/restart", json!({"channel": CHANGES})).await;
        scene.org.publish(&Publish::new(CHANGES, 7)).await.unwrap();
        bridge.start_again().await.unwrap();
        scene.caught_up(&mut bridge, CHANGES).await;
        let verdict = scene.verdict(CHANGES).await;
        assert_eq!((verdict.arrived, verdict.lost), (17, 0), "{verdict}");
        let gap = the_gap(&scene).await;
        assert_eq!((gap.cause.as_str(), gap.last.unwrap().replay_id), ("reset", Some(ids[9].clone())));
        has(&bridge, "crossfeed_replay_ids_reset_total{feed=\"changes\"} 1").await;
        let log = bridge.log_text().unwrap();
        assert!(log.lines().any(|line| line.contains("\"ERROR\"") && line.contains("replay ids began anew")), "{log}");
    };
    tokio::join!(another, restarted);
}

/// What was made of a channel and what its topic has, each by replay id and record, sorted: events that share an id are
/// told apart.
async fn made_and_arrived(scene: &Scene, channel: &str) -> [Vec<(String, String)>; 2] {
    let (mut made, mut arrived) = (Vec::new(), Vec::new());
    let each = |event: harness::Made| {
        made.extend(event.record_ids.iter().map(|record| (event.replay_id.to_string(), record.clone())));
    };
    scene.org.ledger(channel, each).await.unwrap();
    let mut reader = kafka::Reader::new(&scene.cluster, &scene.topic(channel), LIMIT).await.unwrap();
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    while let Some(record) = reader.next().await.unwrap() {
        let id = record.headers.iter().find(|(name, _)| name == "sf.replay_id").unwrap();
        arrived.push((text(id.1.as_deref()), text(record.key.as_deref())));
    }
    made.sort_unstable();
    arrived.sort_unstable();
    [made, arrived]
}

#[tokio::test]
async fn f41_enriched_events_that_share_a_replay_id_all_arrive() {
    let Some(scene) = Scene::set("enriched").await else { return };
    let composed = json!({"channel": SALES, "members": ["AccountChangeEvent"], "enriched_fields": ["Industry"]});
    control(&scene, "channels", composed).await;
    let mut bridge = start(&scene, SALES, "").await;
    scene.org.publish(&Publish { record_ids: 3, ..Publish::new(CHANGES, 20) }).await.unwrap();
    scene.caught_up(&mut bridge, SALES).await;
    let [made, arrived] = made_and_arrived(&scene, SALES).await;
    let ids: std::collections::BTreeSet<&String> = made.iter().map(|(id, _)| id).collect();
    assert_eq!((made.len(), ids.len()), (60, 20), "three events share an id");
    assert_eq!(arrived, made);
    // And when all of them come again, each is known for itself.
    assert!(bridge.terminate().await.unwrap().success());
    standing(&scene, SALES, "replay_refused").await;
    scene.org.publish(&Publish { record_ids: 3, ..Publish::new(CHANGES, 2) }).await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, SALES).await;
    let [made, arrived] = made_and_arrived(&scene, SALES).await;
    assert_eq!(made.len(), 66);
    assert_eq!(arrived, made);
    has(&bridge, "crossfeed_repeats_skipped_total{feed=\"changes\"} 60").await;
}

#[tokio::test]
async fn f39_gap_and_overflow_events_are_delivered_as_they_came_and_recorded() {
    let Some(scene) = Scene::set("gap_events").await else { return };
    let mut bridge = start(&scene, CHANGES, "").await;
    scene.org.publish(&Publish::new(CHANGES, 2)).await.unwrap();
    for change_type in ["GAP_UPDATE", "GAP_OVERFLOW"] {
        let change_type = change_type.to_owned();
        scene.org.publish(&Publish { change_type, ..Publish::new(CHANGES, 1) }).await.unwrap();
    }
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 4, "{verdict}");
    let recorded = gaps(&scene).await;
    let causes: Vec<&str> = recorded.iter().map(|(_, gap)| gap.cause.as_str()).collect();
    assert_eq!(causes, ["gap_event", "overflow"]);
    let change = recorded[0].1.change.clone().unwrap();
    assert_eq!((change.entity.as_deref(), &*change.change_type), (Some("Account"), "GAP_UPDATE"));
    assert!(change.record_ids[0].starts_with("001") && change.transaction_key.is_some(), "{change:?}");
    let ids = replay_ids(&scene, CHANGES).await;
    assert_eq!(recorded[0].1.first.clone().unwrap().replay_id.as_deref(), Some(&*ids[2]));
    let status = bridge.status().await.unwrap();
    assert_eq!(status.feed("changes").unwrap().events, 4, "a gap's record is no event");
}

#[tokio::test]
async fn a_quiet_channel_whose_position_ages_out_is_kept_alive_by_what_was_seen() {
    let Some(scene) = Scene::set("quiet").await else { return };
    let mut bridge = delivered(&scene, CHANGES, 3).await;
    scene.org.expire(CHANGES).await.unwrap();
    age(&scene, CHANGES, 80);
    let seen = Timestamp::now() - SignedDuration::from_hours(1);
    let trace = Trace { seen: vec![(Arc::from(CHANGES), seen)], ..Trace::default() };
    store(&scene).save_with("changes", &[], &trace, seen).unwrap();
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
    let status: Value = serde_json::from_str(&bridge.get("/status").await.unwrap()).unwrap();
    let hours = status[0]["positions"][CHANGES]["hours_to_loss"].as_f64().unwrap();
    assert!((70.9..=71.0).contains(&hours), "{status}");
    scene.org.publish(&Publish::new(CHANGES, 2)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 5, "{verdict}");
    assert_eq!(gaps(&scene).await, [], "nothing is gone");
    has(&bridge, "crossfeed_repositioned_total{feed=\"changes\"} 1").await;
}

/// The org is away, and the hours go on.
#[tokio::test]
async fn f59_hours_to_loss_are_told() {
    let Some(scene) = Scene::set("hours").await else { return };
    drop(delivered(&scene, CHANGES, 3).await);
    for (hours, least, most, level) in
        [(10, 61.9, 62.0, None), (60, 11.9, 12.0, Some("WARN")), (80, 0.0, 0.0, Some("ERROR"))]
    {
        age(&scene, CHANGES, hours);
        let away = config(&scene, CHANGES, "").replace(scene.org.url(), "http://127.0.0.1:1");
        let mut bridge = Bridge::start(scene.path(), &away).await.unwrap();
        until_state(&mut bridge, "changes", "waiting").await;
        let metrics = bridge.metrics().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("crossfeed_hours_to_loss{")).unwrap();
        assert!(line.contains("{feed=\"changes\",stream=\"/data/AccountChangeEvent\"}"), "{line}");
        let told: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((least..=most).contains(&told), "{line}");
        let status: Value = serde_json::from_str(&bridge.get("/status").await.unwrap()).unwrap();
        assert!((status[0]["positions"][CHANGES]["hours_to_loss"].as_f64().unwrap() - told).abs() < 0.1, "{status}");
        assert!(bridge.terminate().await.unwrap().success());
        let log = bridge.log_text().unwrap();
        let said = |words: &str| log.lines().filter(|line| line.contains(words)).collect::<Vec<_>>();
        let about = [said("less than a third of the retention"), said("may no longer be retained: let")].concat();
        let levels: Vec<bool> = about.iter().map(|line| level.is_some_and(|level| line.contains(level))).collect();
        assert_eq!(levels, level.map(|_| true).into_iter().collect::<Vec<_>>(), "once, at its level: {about:?}");
        std::fs::remove_file(bridge.log()).unwrap();
    }
    // A retention of the file's own.
    age(&scene, CHANGES, 10);
    let away = config(&scene, CHANGES, "retention = \"12h\"").replace(scene.org.url(), "http://127.0.0.1:1");
    let bridge = Bridge::start(scene.path(), &away).await.unwrap();
    let status: Value = serde_json::from_str(&bridge.get("/status").await.unwrap()).unwrap();
    let hours = status[0]["positions"][CHANGES]["hours_to_loss"].as_f64().unwrap();
    assert!((1.9..=2.0).contains(&hours), "{status}");
}

/// Events were taken from the org, and Kafka is away: what is on the disk is where Kafka was left.
#[tokio::test]
async fn f11_a_position_is_never_ahead_of_kafka() {
    let Some(mut kafka) = harness::kafka_or_skip().await else { return };
    let scene = Scene::with("ahead", kafka.cluster()).await;
    let mut bridge = start(&scene, CHANGES, "").await;
    scene.org.publish(&Publish::new(CHANGES, 100)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    kafka.kill().await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 200)).await.unwrap();
    let taken = async || Ok((scene.org.stats().await?.channel(CHANGES).delivered == 300).then_some(()));
    harness::until("the bridge has taken all of it", LIMIT, taken).await.unwrap();
    // The next poll says that the reply before it was read.
    let polled = async || Ok((scene.org.stats().await?.sessions.held > 0).then_some(()));
    harness::until("it polls again", LIMIT, polled).await.unwrap();
    let on_disk = || {
        let store = Store::open_to_read(&scene.path().join("positions")).unwrap();
        let Position::At { id, .. } = store.of_feed("changes").unwrap().remove(0).position else { panic!("no event") };
        id.to_string()
    };
    let ids = replay_ids(&scene, CHANGES).await;
    assert_eq!(on_disk(), ids[99]);
    bridge.kill().unwrap();
    kafka.start_again().await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_whole() && verdict.made == 300, "{verdict}");
    assert_eq!(on_disk(), ids[299]);
}

#[tokio::test]
async fn the_topic_of_gaps_must_be_there_before_anything_is_read() {
    let Some(scene) = Scene::set("no_gaps_topic").await else { return };
    let config = config(&scene, CHANGES, "").replace("create = { partitions = 3, replication = 1 }", "");
    let mut bridge = Bridge::start(scene.path(), &config).await.unwrap();
    let problem = until_state(&mut bridge, "changes", "stopped").await.problem.unwrap();
    assert_eq!(problem.reason, "topic");
    assert!(problem.text.contains("no_gaps_topic.gaps"), "{}", problem.text);
    assert!(problem.remedy.is_some());
}
