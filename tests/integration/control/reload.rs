//! A file that changes while the bridge runs.

use super::{Two, done};
use crate::logins::{crossfeed, said};
use crate::scene::{CHANGES, LIMIT, ORDERS, Scene, until_state};
use harness::{Bridge, Publish, kafka_or_skip, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

const INK: &str = "/event/Low_Ink__e";

fn signal(bridge: &Bridge, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(bridge.pid()).unwrap()), signal).unwrap();
}

fn rewrite(scene: &Scene, bridge: &Bridge, feeds: &str) {
    std::fs::write(bridge.config(), scene.config(feeds)).unwrap();
}

fn feed(scene: &Scene, name: &str, channel: &str, start: &str) -> String {
    scene.changes(&[channel], start).replace("feed.changes", &format!("feed.{name}"))
}

#[tokio::test]
async fn a_reload_starts_changes_and_ends_feeds_and_the_others_do_not_notice() {
    let Some(scene) = Scene::set("reload").await else { return };
    let stays = scene.changes(&[CHANGES], "earliest");
    scene.org.publish(&Publish::new(ORDERS, 10)).await.unwrap();
    let mut bridge = scene.bridge(&(stays.clone() + &feed(&scene, "orders", ORDERS, "earliest"))).await;
    scene.org.publish(&Publish { rate: Some(500.0), ..Publish::new(CHANGES, 3_000) }).await.unwrap();
    let events = |name: &'static str, count: u64| {
        move |it: &harness::Status| it.feed(name).is_some_and(|feed| feed.events >= count)
    };
    bridge.wait_for("events flow", LIMIT, events("changes", 100)).await.unwrap();
    bridge.wait_for("the orders have come", LIMIT, events("orders", 10)).await.unwrap();

    let more = feed(&scene, "orders", ORDERS, "latest") + &feed(&scene, "ink", INK, "earliest");
    rewrite(&scene, &bridge, &(stays.clone() + &more));
    let told = done(&scene, &["reload"]).await;
    assert_eq!(told, "added: ink\nchanged: orders\nunchanged: changes\n");
    for (channel, count) in [(ORDERS, 10), (INK, 5)] {
        scene.org.publish(&Publish::new(channel, count)).await.unwrap();
    }
    // At its saved position, not at the start that is configured now.
    bridge.wait_for("the later orders have come", LIMIT, events("orders", 20)).await.unwrap();
    bridge.wait_for("the new feed runs", LIMIT, events("ink", 5)).await.unwrap();
    let stats = scene.org.stats().await.unwrap();
    let sessions = (stats.sessions.opened, stats.sessions.open, stats.sessions.disconnected);
    assert_eq!(sessions, (4, 3, 1), "two, the one that changed, and the new one: {stats:?}");
    assert_eq!(stats.calls["token"], 1, "the org's token is still good");

    rewrite(&scene, &bridge, &stays);
    signal(&bridge, Signal::SIGHUP);
    bridge.wait_for("one feed is left", LIMIT, |it| it.feeds.len() == 1).await.unwrap();
    let metrics = bridge.metrics().await.unwrap();
    assert!(metrics.contains("feed=\"changes\"") && !metrics.contains("feed=\"orders\""), "{metrics}");
    scene.made(CHANGES, 3_000).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let stats = scene.org.stats().await.unwrap();
    assert_eq!((stats.sessions.opened, stats.sessions.open), (4, 1), "{stats:?}");
    for (channel, count) in [(CHANGES, 3_000), (ORDERS, 20), (INK, 5)] {
        let verdict = scene.verdict(channel).await;
        assert!(verdict.is_exact() && verdict.made == count, "{channel}: {verdict}");
    }

    // Its position was kept: what it had does not come again.
    rewrite(&scene, &bridge, &(stays + &feed(&scene, "orders", ORDERS, "earliest")));
    done(&scene, &["reload"]).await;
    until_state(&mut bridge, "orders", "running").await;
    scene.org.publish(&Publish::new(ORDERS, 1)).await.unwrap();
    bridge.wait_for("the last order has come", LIMIT, events("orders", 1)).await.unwrap();
    let verdict = scene.verdict(ORDERS).await;
    assert!(verdict.is_exact() && verdict.made == 21, "{verdict}");
    bridge.stop().await.unwrap();
}

#[tokio::test]
async fn a_reload_of_a_file_with_an_error_changes_nothing() {
    let Some(scene) = Scene::set("reload_error").await else { return };
    let stays = scene.changes(&[CHANGES], "earliest");
    let mut bridge = scene.bridge(&stays).await;
    until_state(&mut bridge, "changes", "running").await;
    let path = bridge.config().display().to_string();
    let wrong = feed(&scene, "second", "/nonsense/X", "soon") + &feed(&scene, "changes", CHANGES, "latest");
    rewrite(&scene, &bridge, &wrong);
    let checked = crossfeed(scene.path(), &["check", "--offline", "-c", &path]).await;
    let reloaded = crossfeed(scene.path(), &["reload", "-c", &path]).await;
    assert_eq!((reloaded.status.code(), said(&reloaded)), (Some(2), said(&checked)));
    assert!(said(&reloaded).contains("2 problems"), "{}", said(&reloaded));

    for (key, value) in [("memory", "\"9MiB\""), ("shutdown_timeout", "\"9s\"")] {
        let more = feed(&scene, "second", ORDERS, "earliest");
        std::fs::write(bridge.config(), format!("{key} = {value}\n{}", scene.config(&(stays.clone() + &more))))
            .unwrap();
        let output = crossfeed(scene.path(), &["reload"]).await;
        let words = format!("{key} cannot change while the bridge runs: restart it; nothing was changed");
        assert!(output.status.code() == Some(2) && said(&output).contains(&words), "{}", said(&output));
    }
    let status = bridge.status().await.unwrap();
    assert_eq!(status.feeds.len(), 1);
    let sessions = scene.org.stats().await.unwrap().sessions;
    assert_eq!((sessions.opened, sessions.open), (1, 1), "{sessions:?}");
    assert_eq!(bridge.log_text().unwrap().matches("not reloaded, nothing was changed").count(), 3);
    rewrite(&scene, &bridge, &stays);
    assert_eq!(done(&scene, &["reload"]).await, "unchanged: changes\n");
}

#[tokio::test]
async fn an_org_that_changed_logs_in_anew_and_the_other_keeps_its_token() {
    let Some(two) = Two::set("reload_org").await else { return };
    let scene = &two.scene;
    let mut bridge = scene.bridge(&two.feeds()).await;
    for feed in ["changes", "witness"] {
        until_state(&mut bridge, feed, "running").await;
    }
    let config = scene.config(&two.feeds());
    let changed = config.replacen("[org.acme.login", "[org.acme]\napi_reserve = \"10%\"\n[org.acme.login", 1);
    std::fs::write(bridge.config(), changed).unwrap();
    assert_eq!(done(scene, &["reload"]).await, "changed: changes\nunchanged: witness\n");
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    two.let_some_time_pass(&mut bridge).await;
    let (changed, kept) = (scene.org.stats().await.unwrap(), two.other.stats().await.unwrap());
    assert_eq!((changed.calls["token"], changed.sessions.opened), (2, 2), "{changed:?}");
    assert_eq!((kept.calls["token"], kept.sessions.opened), (1, 1), "{kept:?}");
    let metrics = bridge.metrics().await.unwrap();
    let logins = "crossfeed_org_logins_total{org=\"acme\",outcome=\"granted\"} 1";
    assert!(metrics.contains(logins), "its gate is new, and so is its count: {metrics}");
}

/// Kafka is away and an event is on its way: the feed that changed does not end before its limit, and the process is told
/// to end meanwhile; then told twice.
#[tokio::test]
async fn a_shut_down_during_a_reload_is_clean() {
    let Some(mut kafka) = kafka_or_skip().await else { return };
    let scene = Scene::with("reload_end", kafka.cluster()).await;
    let limited = |start: &str| {
        let feeds = feed(&scene, "changes", CHANGES, start);
        format!("shutdown_timeout = \"8s\"\n{}", scene.config(&feeds))
    };
    let mut bridge = Bridge::start(scene.path(), &limited("earliest")).await.unwrap();
    for (start, twice) in [("latest", false), ("earliest", true)] {
        scene.org.publish(&Publish::new(CHANGES, 1)).await.unwrap();
        scene.caught_up(&mut bridge, CHANGES).await;
        kafka.kill().await.unwrap();
        let before = scene.org.stats().await.unwrap().channel(CHANGES).delivered;
        scene.org.publish(&Publish::new(CHANGES, 1)).await.unwrap();
        let taken = async || Ok((scene.org.stats().await?.channel(CHANGES).delivered > before).then_some(()));
        until("the bridge has an event that cannot become durable", LIMIT, taken).await.unwrap();
        std::fs::write(bridge.config(), limited(start)).unwrap();
        signal(&bridge, Signal::SIGHUP);
        until_state(&mut bridge, "changes", "draining").await;
        if twice {
            signal(&bridge, Signal::SIGINT);
            let heard = async || Ok((bridge.log_text()?.matches("shutting down").count() == 2).then_some(()));
            until("the first signal is heard", LIMIT, heard).await.unwrap();
            let second = Instant::now();
            assert_eq!(bridge.terminate().await.unwrap().code(), Some(1));
            assert!(second.elapsed() < Duration::from_secs(6), "{:?}", second.elapsed());
            let log = bridge.log_text().unwrap();
            assert!(!log.contains("a feed did not end"), "it ended, and the store was closed: {log}");
        } else {
            bridge.stop().await.unwrap();
        }
        kafka.start_again().await.unwrap();
        bridge.start_again().await.unwrap();
    }
    scene.caught_up(&mut bridge, CHANGES).await;
    assert!(scene.verdict(CHANGES).await.is_whole());
}
