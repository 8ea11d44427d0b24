//! From CometD servers that are not Salesforce: a real one, and the simulator's where events are replayed.

mod check;
mod front;
mod interrupted;
mod replayed;

use crate::scene::{LIMIT, Scene};
use front::Front;
use harness::{Bridge, CometD, Status, cometd_or_skip};
use serde_json::Value;
use std::time::Duration;

/// A feed from a server's channels, one partition a topic: its order is theirs.
pub(super) fn feed(scene: &Scene, feed: &str, url: &str, channels: &[&str], lines: &str) -> String {
    let name = scene.name;
    format!(
        r#"
[feed.{feed}]
delivery = "at_least_once"
[feed.{feed}.from.bayeux]
url = "{url}"
channels = {channels:?}
{lines}
[feed.{feed}.to.kafka]
cluster = "main"
topic = "{name}.{{channel}}"
create = {{ partitions = 1, replication = 1 }}
"#
    )
}

/// The bridge with these feeds, once all of them run.
pub(super) async fn start(scene: &Scene, feeds: &[String]) -> Bridge {
    let config = format!("prefix = \"{}\"\n{}", scene.name, scene.config(&feeds.concat()));
    let mut bridge = Bridge::start(scene.path(), &config).await.unwrap();
    let all = |it: &Status| it.feeds.len() == feeds.len() && it.all_run();
    bridge.wait_for("every feed runs", LIMIT, all).await.unwrap();
    bridge
}

/// The numbers that arrived of a channel, in order.
pub(super) async fn numbers(scene: &Scene, channel: &str) -> Vec<u64> {
    let mut reader = kafka::Reader::new(&scene.cluster, &scene.topic(channel), LIMIT).await.unwrap();
    let mut numbers = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        let header = |name: &str| record.headers.iter().find(|(known, _)| known == name).and_then(|(_, it)| it.clone());
        assert_eq!(header("bayeux.channel").as_deref(), Some(channel.as_bytes()));
        let value: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        numbers.push(value["number"].as_u64().unwrap());
    }
    numbers
}

/// Waits until the newest event of a channel is this one.
pub(super) async fn until_number(bridge: &mut Bridge, scene: &Scene, feed: &str, channel: &str, number: u64) {
    let some = |it: &Status| it.feed(feed).is_some_and(|feed| feed.events > 0);
    bridge.wait_for("something arrived", LIMIT, some).await.unwrap();
    let newest = async || Ok((numbers(scene, channel).await.last() == Some(&number)).then_some(()));
    harness::until(&format!("number {number} of {channel} arrives"), LIMIT, newest).await.unwrap();
}

pub(super) async fn until_held(server: &CometD, count: u64) {
    let held = async || Ok((server.held().await? == count).then_some(()));
    harness::until(&format!("{count} connects are held"), LIMIT, held).await.unwrap();
}

#[tokio::test]
async fn everything_published_arrives_once_and_in_order_over_both_transports_and_by_patterns() {
    let Some(scene) = Scene::set("bayeux_all").await else { return };
    let Some(server) = cometd_or_skip(&[]).await else { return };
    let cases = [
        ("polled", "/polled/a", "/polled/a", "transport = \"long-polling\""),
        ("unacknowledged", "/plain/a", "/plain/a", "transport = \"long-polling\"\nack = false"),
        ("socket", "/socket/a", "/socket/a", "transport = \"websocket\""),
        ("any", "/any/**", "/any/a/b", "transport = \"websocket\""),
        ("one", "/one/*", "/one/a", "transport = \"long-polling\""),
    ];
    let feeds = cases.map(|(name, channel, _, lines)| feed(&scene, name, server.url(), &[channel], lines));
    let mut bridge = start(&scene, &feeds).await;
    for (_, _, channel, _) in cases {
        server.publish_many(channel, 1000).await.unwrap();
    }
    // Not what one part stands for.
    server.publish_many("/one/a/b", 3).await.unwrap();
    server.publish_many("/one/a", 1).await.unwrap();
    for (name, _, channel, _) in cases {
        let count = if name == "one" { 1001 } else { 1000 };
        until_number(&mut bridge, &scene, name, channel, count).await;
        assert_eq!(numbers(&scene, channel).await, (1..=count).collect::<Vec<_>>(), "{name}");
        let metric = format!("crossfeed_feed_events_total{{feed=\"{name}\"}} {count}");
        let events = |it: &Status| it.feed(name).is_some_and(|feed| feed.events == count);
        bridge.wait_for(&metric, LIMIT, events).await.unwrap();
    }
    bridge.stop().await.unwrap();
    assert_eq!(server.sessions().await.unwrap(), 0, "it says goodbye");
}

#[tokio::test]
async fn a_web_socket_is_used_where_there_is_one_and_its_lack_is_remembered() {
    let Some(scene) = Scene::set("bayeux_auto").await else { return };
    let Some(server) = cometd_or_skip(&[]).await else { return };
    let (open, shut) = (Front::start(server.url(), false).await, Front::start(server.url(), true).await);
    let headers = "headers = { Authorization = { file = \"AUTH\" }, X-Team = \"ops\" }";
    let headers = headers.replace("AUTH", scene.path().join("authorization").to_str().unwrap());
    std::fs::write(scene.path().join("authorization"), "Bearer very-secret").unwrap();
    let feeds = [
        feed(&scene, "open", &open.url, &["/open/a"], &headers),
        feed(&scene, "shut", &shut.url, &["/shut/a"], &headers),
    ];
    let mut bridge = start(&scene, &feeds).await;
    for round in 1..=2 {
        until_held(&server, 1).await;
        for (name, channel) in [("open", "/open/a"), ("shut", "/shut/a")] {
            server.publish_many(channel, 1).await.unwrap();
            until_number(&mut bridge, &scene, name, channel, round).await;
        }
        assert_eq!((open.upgrades(), open.others(), shut.upgrades()), (round, 0, 1), "in round {round}");
        let before = bridge.status().await.unwrap();
        server.disconnect_sessions().await.unwrap();
        let again = |it: &Status| {
            let reopened = |name| it.feed(name).unwrap().reopens > before.feed(name).unwrap().reopens;
            it.all_run() && reopened("open") && reopened("shut")
        };
        bridge.wait_for("both opened again", LIMIT, again).await.unwrap();
    }
    assert_eq!((open.upgrades(), open.others(), shut.upgrades()), (3, 0, 1));
    for head in [open.heads(), shut.heads()].concat() {
        for line in ["authorization: Bearer very-secret\r\n", "x-team: ops\r\n", "user-agent: crossfeed/"] {
            assert!(head.contains(line), "no {line:?} in {head}");
        }
    }
    let log = bridge.log_text().unwrap();
    assert!(!log.contains("very-secret"), "{log}");
    tokio::time::timeout(Duration::from_secs(60), bridge.stop()).await.unwrap().unwrap();
}
