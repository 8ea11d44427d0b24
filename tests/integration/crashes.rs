//! Processes that end, politely and not.

use crate::scene::{CHANGES, LIMIT, ORDERS, Scene, until_state};
use harness::{Kafka, Publish, kafka_or_skip, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Command;
use std::time::{Duration, Instant};

#[tokio::test]
async fn sigkill_in_mid_stream_loses_nothing() {
    let Some(scene) = Scene::set("sigkill").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES, ORDERS], "earliest")).await;
    for channel in [CHANGES, ORDERS] {
        let order = Publish { rate: Some(1_000.0), ..Publish::new(channel, 4_000) };
        scene.org.publish(&order).await.unwrap();
    }
    for _ in 0..3 {
        let some = |it: &harness::Status| it.feed("changes").is_some_and(|feed| feed.events >= 500);
        bridge.wait_for("events flow", LIMIT, some).await.unwrap();
        bridge.start_again().await.unwrap(); // SIGKILL first
    }
    for channel in [CHANGES, ORDERS] {
        scene.made(channel, 4_000).await;
        scene.caught_up(&mut bridge, channel).await;
        let verdict = scene.verdict(channel).await;
        assert!(verdict.is_whole() && verdict.made == 4_000, "{channel}: {verdict}");
    }
}

#[tokio::test]
async fn sigterm_saves_positions_and_says_goodbye() {
    let Some(scene) = Scene::set("sigterm").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.org.publish(&Publish { rate: Some(1_000.0), ..Publish::new(CHANGES, 3_000) }).await.unwrap();
    let some = |it: &harness::Status| it.feed("changes").is_some_and(|feed| feed.events >= 500);
    bridge.wait_for("events flow", LIMIT, some).await.unwrap();
    assert!(bridge.terminate().await.unwrap().success());
    let sessions = scene.org.stats().await.unwrap().sessions;
    assert_eq!((sessions.open, sessions.disconnected), (0, 1), "{sessions:?}");
    bridge.start_again().await.unwrap();
    scene.made(CHANGES, 3_000).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 3_000, "{verdict}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let Some(mut kafka): Option<Kafka> = kafka_or_skip().await else { return };
    let scene = Scene::with("twice", kafka.cluster()).await;
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.org.publish(&Publish::new(CHANGES, 1)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    kafka.kill().await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 1)).await.unwrap();
    let taken = async || Ok((scene.org.stats().await?.channel(CHANGES).delivered == 2).then_some(()));
    until("the bridge has an event that cannot become durable", LIMIT, taken).await.unwrap();
    let pid = Pid::from_raw(i32::try_from(bridge.pid()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    until_state(&mut bridge, "changes", "draining").await;
    let second = Instant::now();
    let status = bridge.terminate().await.unwrap();
    assert_eq!(status.code(), Some(1), "{status}\n{}", bridge.log_text().unwrap());
    assert!(second.elapsed() < Duration::from_secs(10), "{:?}", second.elapsed());
}

#[tokio::test]
async fn two_processes_on_one_store_are_told_apart() {
    let Some(scene) = Scene::set("two").await else { return };
    let bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    let second = Command::new(env!("CARGO_BIN_EXE_crossfeed"))
        .args(["run", "-c"])
        .arg(scene.path().join("crossfeed.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1));
    assert!(said.contains(&format!("is in use by pid {}", bridge.pid())), "{said}");
}

/// Begun with what comes next, killed before anything came: what comes before the restart is not lost.
#[tokio::test]
async fn f21_a_crash_before_the_first_event_after_latest_loses_nothing() {
    let Some(scene) = Scene::set("latest").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "latest")).await;
    until_state(&mut bridge, "changes", "running").await;
    bridge.kill().unwrap();
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 10, "{verdict}");
}

/// A start that is configured is asked for only where nothing is saved.
#[tokio::test]
async fn f12_a_saved_position_goes_before_the_configured_start() {
    let Some(scene) = Scene::set("saved").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    assert!(bridge.terminate().await.unwrap().success());
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    for start in ["latest", "earliest"] {
        drop(std::mem::replace(&mut bridge, scene.bridge(&scene.changes(&[CHANGES], start)).await));
        scene.caught_up(&mut bridge, CHANGES).await;
        assert!(bridge.terminate().await.unwrap().success());
    }
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 15, "{verdict}");
}
