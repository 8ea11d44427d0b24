//! Logins that are refused, or lead elsewhere than before.

use crate::scene::{CHANGES, Scene, until_state};
use harness::Publish;
use serde_json::json;

/// A crash loop with a wrong secret must not lock anybody out.
#[tokio::test]
async fn f28_a_restart_does_not_try_a_refused_login_again_unless_told() {
    let Some(scene) = Scene::set("login_refused").await else { return };
    let config = scene.config(&scene.changes(&[CHANGES], "latest"));
    std::fs::write(scene.path().join("client_secret"), "not the secret").unwrap();
    let mut bridge = harness::Bridge::start(scene.path(), &config).await.unwrap();
    let logins = async || scene.org.stats().await.unwrap().calls["token"];
    for _ in 0..3 {
        let problem = until_state(&mut bridge, "changes", "stopped").await.problem.unwrap();
        assert!(problem.reason == "login" && problem.text.contains("invalid_client"), "{}", problem.text);
        bridge.start_again().await.unwrap();
    }
    let problem = until_state(&mut bridge, "changes", "stopped").await.problem.unwrap();
    assert!(problem.remedy.unwrap().contains("--retry-login"));
    assert_eq!(logins().await, 1);
    bridge.start_again_with(&["--retry-login"]).await.unwrap();
    until_state(&mut bridge, "changes", "stopped").await;
    assert_eq!(logins().await, 2);
    // The right secret is another credential: no word on the command line is needed.
    std::fs::write(scene.path().join("client_secret"), simulator::Options::default().client_secret).unwrap();
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
}

/// The org was moved: the next login names another instance, and everything goes there.
#[tokio::test]
async fn an_instance_url_that_changed_is_followed() {
    let Some(scene) = Scene::set("moved").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let moved = scene.org.url().replace("127.0.0.1", "localhost");
    scene.org.policy(&json!({"instance_url": moved})).await.unwrap();
    scene.org.revoke_tokens().await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    assert!(bridge.get("/status/orgs").await.unwrap().contains(&moved));
}

/// What is left of the day's API calls belongs to others.
#[tokio::test]
async fn f53_below_the_reserve_a_feed_waits_and_says_so() {
    let Some(scene) = Scene::set("reserve").await else { return };
    let topic = scene.topic("shipments");
    let config = scene.config(&scene.shipments()) + "[org.acme]\napi_reserve = \"20%\"\n";
    scene.org.limits(&json!({"api_used": 900, "api_max": 1000})).await.unwrap();
    let producer = kafka::Producer::new(&scene.cluster, "test", 1 << 20).unwrap();
    let creation = kafka::Creation { partitions: 1, replication: 1 };
    let wanted = kafka::Topic { name: topic.clone(), create: Some(creation) };
    producer.ensure_topic(&wanted, crate::scene::LIMIT).await.unwrap();
    let send = async |number: u32| {
        let value = format!("{{\"Seq__c\":{number}}}");
        let record = kafka::Record {
            topic: &topic,
            key: None,
            partition: Some(0),
            value: value.as_bytes(),
            time_ms: None,
            headers: &[],
        };
        let mut batch = producer.batch();
        assert_eq!(batch.send(&record).unwrap(), kafka::Sent::Queued);
        batch.finish().await.unwrap();
    };
    let mut bridge = harness::Bridge::start(scene.path(), &config).await.unwrap();
    // The first call shows how much is used; from then on what can wait does.
    send(1).await;
    send(2).await;
    let count = async || {
        let mut accepted = 0;
        scene.org.accepted("Shipment__e", |_| accepted += 1).await.unwrap();
        Ok((accepted > 0).then_some(accepted))
    };
    harness::until("the first is published", crate::scene::LIMIT, count).await.unwrap();
    send(3).await;
    let problem = until_state(&mut bridge, "shipments", "waiting").await.problem.unwrap();
    assert_eq!(problem.reason, "limit");
    assert!(problem.text.contains("901 of the day's 1000 API calls are used"), "{}", problem.text);
    assert!(problem.remedy.is_some());
    assert!(bridge.metrics().await.unwrap().contains("crossfeed_org_api_calls_max{org=\"acme\"} 1000"));
}
