//! Kafka that is away.

use crate::scene::{CHANGES, Scene, until_state};
use harness::{Bridge, Publish, kafka_or_skip};
use std::time::Duration;

/// Long enough that there is no room for a further reply, the session is closed on purpose, and opened again at the
/// position of what was accepted.
#[tokio::test]
async fn kafka_down_in_mid_stream_loses_nothing() {
    let Some(mut kafka) = kafka_or_skip().await else { return };
    let scene = Scene::with("outage", kafka.cluster()).await;
    let config = format!("memory = \"2MiB\"\n{}", scene.config(&scene.changes(&[CHANGES], "earliest")));
    let mut bridge = Bridge::start(scene.path(), &config).await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 100)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let before = bridge.figures().unwrap().peak_resident;
    kafka.kill().await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 40_000)).await.unwrap();
    until_state(&mut bridge, "changes", "draining").await;
    // 40 MB wait in the org. Taken was one reply of 4 MiB, which went past the budget: it, its copies in librdkafka, and
    // what a record needs beside its bytes.
    let grown = bridge.figures().unwrap().peak_resident - before;
    assert!(grown < 24 << 20, "{grown} bytes");
    kafka.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 40_100, "{verdict}");
    // The answer to the goodbye carries events, too (as CometD's does): one reply at most was fetched for nothing.
    let delivered = scene.org.stats().await.unwrap().channel(CHANGES).delivered;
    assert!(delivered <= 40_100 + (4 << 20) / 1024, "{delivered}");
    assert!(bridge.metrics().await.unwrap().contains("reason=\"no_room\"} 1"));
}

#[tokio::test]
async fn kafka_unreachable_at_start_is_said_and_tried_again() {
    let Some(mut kafka) = kafka_or_skip().await else { return };
    kafka.stop().await.unwrap();
    let scene = Scene::with("absent", kafka.cluster()).await;
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    let problem = until_state(&mut bridge, "changes", "waiting").await.problem.unwrap();
    assert_eq!(problem.reason, "kafka");
    assert!(problem.text.contains(kafka.bootstrap()), "{}", problem.text);
    let stats = scene.org.stats().await.unwrap();
    assert_eq!(stats.calls["token"] + stats.sessions.opened, 0, "the org is not bothered meanwhile");
    kafka.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 10, "{verdict}");
    assert!(tokio::time::timeout(Duration::from_secs(40), bridge.terminate()).await.unwrap().unwrap().success());
}
