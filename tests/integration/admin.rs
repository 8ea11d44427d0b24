//! What the admin listener says.

use crate::scene::{CHANGES, Scene, until_state};
use harness::Publish;

async fn get(bridge: &harness::Bridge, path: &str) -> (u16, String) {
    let log = bridge.log_text().unwrap();
    let address = log.rsplit("\"address\":\"").next().unwrap().split('"').next().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn health_tells_the_process_from_its_feeds() {
    let Some(scene) = Scene::set("health").await else { return };
    let unknown = scene.changes(&["/event/Nope__e"], "latest").replace("feed.changes", "feed.unknown");
    let mut bridge = scene.bridge(&(scene.changes(&[CHANGES], "earliest") + &unknown)).await;
    until_state(&mut bridge, "changes", "running").await;
    until_state(&mut bridge, "unknown", "waiting").await;
    assert_eq!(get(&bridge, "/health/live").await.0, 200, "Salesforce's refusal does not end the process");
    assert_eq!(get(&bridge, "/health/ready").await, (503, "not running: unknown; see /status\n".to_owned()));
    assert_eq!(get(&bridge, "/nothing").await.0, 404);
    drop(bridge);
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    until_state(&mut bridge, "changes", "running").await;
    assert_eq!(get(&bridge, "/health/ready").await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn metrics_count_by_feed_and_positions_are_listed_beside_a_running_bridge() {
    let Some(scene) = Scene::set("metrics").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 25)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let metrics = bridge.metrics().await.unwrap();
    for expected in [
        "crossfeed_events_total{feed=\"changes\"} 25",
        "crossfeed_session_up{feed=\"changes\"} 1",
        "crossfeed_event_to_receipt_seconds_count{feed=\"changes\"}",
        "crossfeed_position_age_seconds{feed=\"changes\",stream=\"/data/AccountChangeEvent\"}",
        "crossfeed_produce_errors_total{feed=\"changes\"} 0",
        "crossfeed_budget_bytes 0",
    ] {
        assert!(metrics.contains(expected), "{expected}: {metrics}");
    }
    let list = |extra: &[&str]| {
        let config = scene.path().join("crossfeed.toml");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossfeed"))
            .args(["positions", "list", "-c"])
            .arg(config)
            .args(extra)
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let newest = scene.org.newest(CHANGES).await.unwrap().unwrap();
    assert!(list(&[]).lines().nth(1).unwrap().contains(&format!("{newest}")), "{}", list(&[]));
    let json: serde_json::Value = serde_json::from_str(&list(&["--json"])).unwrap();
    assert_eq!((&json["channel"], &json["replay_id"]), (&CHANGES.into(), &newest.to_string().into()));
}
