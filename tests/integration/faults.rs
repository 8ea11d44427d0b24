//! What Salesforce and the network between do to a session.

use crate::channels::control;
use crate::scene::{CHANGES, LIMIT, ORDERS, Scene, until_state};
use harness::{Bridge, Fault, How, Publish};
use serde_json::json;
use simulator::Options;
use std::time::Duration;

async fn running(scene: &Scene) -> Bridge {
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    bridge
}

async fn all_arrive(scene: &Scene, bridge: &mut Bridge) {
    scene.org.publish(&Publish::new(CHANGES, 50)).await.unwrap();
    scene.caught_up(bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 60, "{verdict}");
}

/// The simulator drops the events of a spoilt reply from its session, as Salesforce does: only a new one brings them again.
#[tokio::test]
async fn f08_html_truncated_empty_and_cut_replies_lose_nothing() {
    let spoilt = async |name, fault, reason: &str| {
        let Some(scene) = Scene::set(name).await else { return };
        let mut bridge = running(&scene).await;
        scene.org.fault(&Fault { with_events: true, ..Fault::next("connect", fault) }).await.unwrap();
        all_arrive(&scene, &mut bridge).await;
        let metrics = bridge.metrics().await.unwrap();
        let counted = format!("crossfeed_reopens_total{{feed=\"changes\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&counted), "{fault}: {metrics}");
        let lost = scene.org.stats().await.unwrap().channel(CHANGES).lost;
        assert!(lost > 0, "the fault {fault} never happened");
    };
    tokio::join!(
        spoilt("html", "html", "malformed"),
        spoilt("truncated", "truncated", "malformed"),
        spoilt("empty", "empty", "malformed"),
        spoilt("cut", "cut", "transport"),
    );
}

#[tokio::test]
async fn f01_a_forgotten_session_is_opened_again_with_its_subscriptions_and_positions() {
    let Some(scene) = Scene::set("forgotten").await else { return };
    let mut bridge = running(&scene).await;
    assert_eq!(scene.org.end_sessions(How::UnknownClient).await.unwrap(), 1);
    all_arrive(&scene, &mut bridge).await;
    assert_eq!(scene.org.stats().await.unwrap().calls["token"], 1, "the token is kept");
}

#[tokio::test]
async fn f02_a_server_s_disconnect_is_not_the_end() {
    let Some(scene) = Scene::set("disconnected").await else { return };
    let mut bridge = running(&scene).await;
    assert_eq!(scene.org.end_sessions(How::ServerDisconnect).await.unwrap(), 1);
    all_arrive(&scene, &mut bridge).await;
}

#[tokio::test]
async fn f20_a_revoked_token_is_replaced_by_one_login_and_the_position_goes_on() {
    let Some(scene) = Scene::set("revoked").await else { return };
    let mut bridge = running(&scene).await;
    scene.org.revoke_tokens().await.unwrap();
    all_arrive(&scene, &mut bridge).await;
    assert_eq!(scene.org.stats().await.unwrap().calls["token"], 2);
}

#[tokio::test]
async fn f31_a_busy_server_is_left_in_peace_and_the_token_is_kept() {
    let Some(scene) = Scene::set("busy").await else { return };
    let mut bridge = running(&scene).await;
    scene.org.fault(&Fault::next("handshake", "unavailable")).await.unwrap();
    scene.org.end_sessions(How::UnknownClient).await.unwrap();
    let busy = |it: &harness::Status| {
        let problem = it.feed("changes").and_then(|feed| feed.problem.as_ref());
        problem.is_some_and(|problem| problem.reason == "busy" && problem.text.contains("Server is too busy"))
    };
    let status = bridge.wait_for("the feed waits for a busy server", LIMIT, busy).await.unwrap();
    assert_eq!(status.feed("changes").unwrap().state, "waiting");
    assert_eq!(scene.org.stats().await.unwrap().calls["token"], 1);
}

#[tokio::test]
async fn f18_an_expired_position_is_loud_and_goes_on_from_the_oldest_event() {
    let Some(scene) = Scene::set("expired").await else { return };
    let mut bridge = running(&scene).await;
    assert!(bridge.terminate().await.unwrap().success());
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    scene.org.expire(CHANGES).await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 7)).await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert_eq!((verdict.arrived, verdict.lost), (17, 5), "{verdict}: the five that aged out are gone");
    assert!(bridge.metrics().await.unwrap().contains("crossfeed_repositioned_total{feed=\"changes\"} 1"));
    let log = bridge.log_text().unwrap();
    let loud = log.lines().find(|line| line.contains("\"ERROR\"") && line.contains("no longer valid"));
    assert!(loud.is_some_and(|line| line.contains("The replayId {")), "{log}");
}

/// The refused position stays until an event takes its place: to begin anew would pass over what is still retained.
#[tokio::test]
async fn f18_a_refused_position_is_not_replaced_by_a_beginning() {
    let Some(scene) = Scene::set("refused").await else { return };
    let mut bridge = running(&scene).await;
    let refused = scene.org.newest(CHANGES).await.unwrap().unwrap().to_string();
    assert!(bridge.terminate().await.unwrap().success());
    scene.org.expire(CHANGES).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "latest")).await;
    until_state(&mut bridge, "changes", "running").await;
    assert!(bridge.terminate().await.unwrap().success());
    let log = bridge.log_text().unwrap();
    assert!(log.contains("no longer valid"), "{log}");
    let saved = crossfeed::position::Store::open_to_read(&scene.path().join("positions")).unwrap();
    let positions = saved.of_feed("changes").unwrap();
    let crossfeed::position::Position::At { id, .. } = &positions[0].position else { panic!("{positions:?}") };
    assert_eq!(id.to_string(), refused);
}

#[tokio::test]
async fn f16_a_reply_over_the_limit_stops_the_feed_with_the_remedy() {
    let Some(scene) = Scene::set("too_large").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 100)).await.unwrap();
    let config = format!("reply_limit = \"20KiB\"\n{}", scene.config(&scene.changes(&[CHANGES], "earliest")));
    let mut bridge = Bridge::start(scene.path(), &config).await.unwrap();
    let problem = until_state(&mut bridge, "changes", "stopped").await.problem.unwrap();
    assert_eq!(problem.reason, "too_large");
    assert!(problem.remedy.unwrap().contains("raise `reply_limit`"));
    assert!(bridge.status().await.unwrap().feed("changes").unwrap().positions.is_empty(), "nothing was stepped over");
}

/// Nothing is delivered any more, and no events are lost: they stay in the org.
#[tokio::test]
async fn f07_daily_limit_while_running_is_loud() {
    let Some(scene) = Scene::set("daily_limit").await else { return };
    let mut bridge = running(&scene).await;
    control(&scene, "faults", &json!({"on": "connect", "fault": "daily_limit", "for": "10m"})).await;
    // The held connect ends, and the next one is told.
    scene.org.publish(&Publish::new(CHANGES, 1)).await.unwrap();
    let problem = until_state(&mut bridge, "changes", "waiting").await.problem.unwrap();
    assert_eq!(problem.reason, "limit");
    assert!(problem.text.contains("403::Organization total events daily limit exceeded"), "{}", problem.text);
    assert!(problem.remedy.unwrap().contains("allocation"));
    let status: serde_json::Value = serde_json::from_str(&bridge.get("/status").await.unwrap()).unwrap();
    assert!(status[0]["problem"]["retry_at"].is_string(), "{status}");
    assert_eq!(status[0]["channels"][CHANGES]["state"], "waiting");
    let metrics = bridge.metrics().await.unwrap();
    for line in [
        "crossfeed_reopens_total{feed=\"changes\",reason=\"limit\"} 1",
        "crossfeed_session_up{feed=\"changes\"} 0",
        "crossfeed_channel_up{feed=\"changes\",stream=\"/data/AccountChangeEvent\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let log = bridge.log_text().unwrap();
    assert!(log.lines().any(|line| line.contains("\"WARN\"") && line.contains("daily limit exceeded")), "{log}");
    let calls = scene.org.stats().await.unwrap().calls;
    assert_eq!(calls["token"], 1, "the token is kept");
    // Whoever starts it again when the limit is lifted has everything.
    scene.org.clear_faults().await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 11, "{verdict}");
}

/// Each session begins with an empty jar: a balancer that sees the cookie of one that is over would send it nowhere.
#[tokio::test]
async fn f10_an_expired_routing_cookie_does_not_loop() {
    let seconds = |seconds| Duration::from_secs(seconds);
    let options = Options { routing_cookie: Some(seconds(2)), hold: seconds(1), ..Options::default() };
    let Some(scene) = Scene::set_with("routing", options).await else { return };
    let mut bridge = running(&scene).await;
    for expired in 1..=3 {
        let opened = async || Ok((scene.org.stats().await?.sessions.opened > expired).then_some(()));
        harness::until("another session is opened", LIMIT, opened).await.unwrap();
        scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
        scene.caught_up(&mut bridge, CHANGES).await;
    }
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 40, "{verdict}");
    let stats = scene.org.stats().await.unwrap();
    assert!(stats.sessions.opened <= 40, "one for each two seconds at most: {stats:?}");
    assert_eq!(stats.calls["token"], 1);
}

/// Events come in the answer to the subscription, and before and after that of a connect.
#[tokio::test]
async fn f15_events_beside_any_answer_arrive() {
    let Some(scene) = Scene::set("beside").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 30)).await.unwrap();
    scene.org.publish(&Publish::new(ORDERS, 30)).await.unwrap();
    control(&scene, "faults", &json!({"on": "connect", "fault": "events_around", "times": 1000})).await;
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES, ORDERS], "earliest")).await;
    for _ in 0..3 {
        for channel in [CHANGES, ORDERS] {
            scene.org.publish(&Publish::new(channel, 10)).await.unwrap();
            scene.caught_up(&mut bridge, channel).await;
        }
    }
    for channel in [CHANGES, ORDERS] {
        let verdict = scene.verdict(channel).await;
        assert!(verdict.is_exact() && verdict.made == 60, "{channel}: {verdict}");
    }
    assert_eq!(scene.org.stats().await.unwrap().sessions.opened, 1);
}

#[tokio::test]
async fn f33_ten_feeds_of_one_org_replace_a_revoked_token_by_one_login() {
    let Some(scene) = Scene::set("ten_feeds").await else { return };
    let one = scene.changes(&[CHANGES], "earliest");
    let feeds: String = (0..10).map(|number| one.replace("feed.changes", &format!("feed.f{number}"))).collect();
    let mut bridge = scene.bridge(&feeds).await;
    bridge.wait_for("all run", LIMIT, harness::Status::all_run).await.unwrap();
    assert_eq!(scene.org.stats().await.unwrap().calls["token"], 1);
    scene.org.revoke_tokens().await.unwrap();
    let reopened = |it: &harness::Status| it.all_run() && it.feeds.iter().all(|feed| feed.reopens == 1);
    bridge.wait_for("all run again", LIMIT, reopened).await.unwrap();
    let stats = scene.org.stats().await.unwrap();
    assert_eq!(stats.calls["token"], 2, "one login for all: {stats:?}");
    // What a revoked token had opened cannot be closed with it.
    assert_eq!((stats.sessions.held, stats.calls["handshake"]), (10, 20), "{stats:?}");
}

#[tokio::test]
async fn f60_salesforce_s_words_are_in_the_status_and_the_log() {
    let Some(scene) = Scene::set("words").await else { return };
    control(&scene, "faults", &json!({"on": "handshake", "fault": "concurrent_limit", "times": 1000})).await;
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    let problem = until_state(&mut bridge, "changes", "waiting").await.problem.unwrap();
    let words = "handshake: 403::Organization concurrent user limit exceeded (403::Handshake denied)";
    assert_eq!((problem.reason.as_str(), problem.text.as_str()), ("limit", words));
    let log = bridge.log_text().unwrap();
    assert!(log.lines().any(|line| line.contains("\"WARN\"") && line.contains(words)), "{log}");
}
