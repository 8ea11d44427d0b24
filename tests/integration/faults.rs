//! What Salesforce and the network between do to a session.

use crate::scene::{CHANGES, LIMIT, Scene, until_state};
use harness::{Bridge, Fault, How, Publish};

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
