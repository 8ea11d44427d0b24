//! From a server with the replay extension: positions are kept as Salesforce's are.

use super::{feed, start};
use crate::scene::{LIMIT, Scene};
use harness::verify::{Keyed, channel};
use harness::{Publish, Status};
use simulator::{Generic, Options};

const CHANNEL: &str = "/ticks/a";

#[tokio::test]
async fn with_replay_kills_lose_nothing_and_it_goes_on_at_its_position() {
    let generic = Some(Generic { replay: true, ..Generic::default() });
    let Some(scene) = Scene::set_with("bayeux_replay", Options { generic, ..Options::default() }).await else { return };
    let url = format!("{}/cometd", scene.org.url());
    let feeds = [feed(&scene, "ticks", &url, &[CHANNEL], "replay = true\nstart = \"earliest\"")];
    scene.org.publish(&Publish::new(CHANNEL, 100)).await.unwrap();
    let mut bridge = start(&scene, &feeds).await;
    for kill in 1..=3 {
        scene.org.publish(&Publish { rate: Some(2000.0), ..Publish::new(CHANNEL, 2000) }).await.unwrap();
        let some = |it: &Status| it.feed("ticks").is_some_and(|feed| feed.events >= 200 && !feed.positions.is_empty());
        bridge.wait_for("some arrived", LIMIT, some).await.unwrap();
        bridge.kill().unwrap();
        // What was published while nobody was there is there all the same.
        scene.made(CHANNEL, 100 + 2010 * (kill - 1) + 2000).await;
        scene.org.publish(&Publish::new(CHANNEL, 10)).await.unwrap();
        bridge.start_again().await.unwrap();
    }
    let newest = scene.org.newest(CHANNEL).await.unwrap().unwrap().to_string();
    bridge.wait_for("everything is durable", LIMIT, |it| it.is_at("ticks", CHANNEL, &newest)).await.unwrap();
    let verdict = channel(&scene.org, &scene.cluster, &scene.topic(CHANNEL), CHANNEL, Keyed::Anyhow).await.unwrap();
    assert!(verdict.is_whole() && verdict.made == 6130, "{verdict}");
    // Never from the beginning again.
    let log = bridge.log_text().unwrap();
    let asked: Vec<&str> = log.lines().filter(|line| line.contains("\"subscribing\"")).collect();
    assert_eq!(asked.len(), 4, "{asked:#?}");
    assert_eq!(asked.iter().filter(|line| line.contains("\"replay\":\"-2\"")).count(), 1, "{asked:#?}");
    bridge.stop().await.unwrap();
}
