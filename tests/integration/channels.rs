//! Channels of every kind, those that are refused, and those that do not exist.

use crate::logins::{crossfeed, said};
use crate::scene::{CHANGES, LIMIT, ORDERS, Scene};
use harness::{Bridge, Publish};
use serde_json::{Value, json};

/// What the simulator answers to an order.
pub(super) async fn control(scene: &Scene, call: &str, order: &Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(format!("{}/simulator/{call}", scene.org.url())).json(order).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{call} {order}: {text}");
    serde_json::from_str(&text).unwrap()
}

async fn channels(bridge: &Bridge) -> Value {
    let status: Value = serde_json::from_str(&bridge.get("/status").await.unwrap()).unwrap();
    status[0]["channels"].clone()
}

/// Waits until a channel is in a state, and tells what is said of it.
async fn until(bridge: &Bridge, channel: &str, state: &str) -> Value {
    let is = async || {
        let told = channels(bridge).await[channel].clone();
        Ok((told["state"] == state).then_some(told))
    };
    harness::until(&format!("{channel} is {state}"), LIMIT, is).await.unwrap()
}

fn errors(bridge: &Bridge, part: &str) -> usize {
    let log = bridge.log_text().unwrap();
    log.lines().filter(|line| line.contains("\"ERROR\"") && line.contains(part)).count()
}

#[tokio::test]
async fn every_kind_of_channel_comes_through_in_one_feed() {
    let Some(scene) = Scene::set("every_kind").await else { return };
    let plain = [
        "/topic/InvoiceUpdates",
        "/u/notifications/Ops",
        "/u/a/b/c",
        "/event/Low_Ink__e",
        "/event/BatchApexErrorEvent",
        "/event/LoginEventStream",
        CHANGES,
        "/data/ChangeEvents",
        "/data/Employee__ChangeEvent",
    ];
    let (filtered, orders, sales) = ("/topic/Filtered?Status__c='Paid'", "/event/Orders__chn", "/data/Sales__chn");
    for channel in plain.iter().chain(&["/topic/Filtered"]) {
        scene.org.add_channel(channel, None).await.unwrap();
    }
    control(&scene, "channels", &json!({"channel": orders, "members": ["Low_Ink__e"]})).await;
    let members = json!({"channel": sales, "members": ["AccountChangeEvent"], "enriched_fields": ["Industry"]});
    control(&scene, "channels", &members).await;
    let all: Vec<&str> = plain.iter().copied().chain([filtered, orders, sales]).collect();
    let mut bridge = scene.bridge(&scene.changes(&all, "earliest")).await;
    for round in 0..2 {
        for channel in plain.iter().chain(&["/topic/Filtered"]) {
            scene.org.publish(&Publish::new(channel, 20)).await.unwrap();
        }
        for channel in plain.iter().copied().chain(["/topic/Filtered", orders, sales]) {
            scene.caught_up(&mut bridge, channel).await;
        }
        if round == 0 {
            // The second half is had from the saved positions.
            bridge.stop().await.unwrap();
            bridge.start_again().await.unwrap();
        }
    }
    for channel in plain.iter().copied().chain([orders, sales]) {
        let verdict = scene.verdict(channel).await;
        assert!(verdict.is_exact() && verdict.made >= 40, "{channel}: {verdict}");
    }
    let paid = kafka::read_all(&scene.cluster, &scene.topic("/topic/Filtered"), LIMIT).await.unwrap();
    assert_eq!(paid.len(), 20, "every second one");
    let asked = async || {
        let calls = scene.org.stats().await?.calls;
        Ok((calls["describe"] == 2 && calls["query"] == 6).then_some(()))
    };
    harness::until("each run has looked once for each list", LIMIT, asked).await.unwrap();
    for name in all.iter().map(|name| name.split('?').next().unwrap()) {
        assert_eq!(until(&bridge, name, "subscribed").await["problem"], Value::Null, "{name}");
    }
    assert_eq!(errors(&bridge, ""), 0);
}

#[tokio::test]
async fn f05_a_refused_channel_does_not_stop_the_others() {
    let Some(scene) = Scene::set("refused_channel").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES, ORDERS], "earliest")).await;
    scene.org.publish(&Publish::new(ORDERS, 5)).await.unwrap();
    scene.caught_up(&mut bridge, ORDERS).await;
    bridge.stop().await.unwrap();
    let denied = json!({"on": "subscribe", "fault": "denied", "channel": ORDERS, "refusal": "no_rights"});
    control(&scene, "faults", &denied).await;
    scene.org.publish(&Publish::new(ORDERS, 7)).await.unwrap();
    bridge.start_again().await.unwrap();
    scene.org.publish(&Publish::new(CHANGES, 50)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    let told = until(&bridge, ORDERS, "refused").await;
    assert_eq!(told["problem"], "403::No access on channel");
    assert!(told["remedy"].as_str().unwrap().contains("Permission Sets"), "{told}");
    assert!(told["retry_at"].as_str() > told["since"].as_str(), "{told}");
    assert_eq!(until(&bridge, CHANGES, "subscribed").await["problem"], Value::Null);
    assert_eq!(bridge.status().await.unwrap().feed("changes").unwrap().state, "running");
    let metrics = bridge.metrics().await.unwrap();
    let refused = format!("{{feed=\"changes\",stream=\"{ORDERS}\"}}");
    assert!(metrics.contains(&format!("crossfeed_channel_up{refused} 0")), "{metrics}");
    assert!(metrics.contains(&format!("crossfeed_channel_refusals_total{refused} 1")), "{metrics}");
    assert!(metrics.contains(&format!("crossfeed_channel_up{{feed=\"changes\",stream=\"{CHANGES}\"}} 1")), "{metrics}");
    assert_eq!(errors(&bridge, "403::No access on channel"), 1);
    scene.org.clear_faults().await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, ORDERS).await;
    let verdict = scene.verdict(ORDERS).await;
    assert!(verdict.is_exact() && verdict.made == 12, "from its position: {verdict}");
    assert!(scene.verdict(CHANGES).await.is_exact());
}

#[tokio::test]
async fn f06_a_channel_that_does_not_exist_is_found() {
    let Some(scene) = Scene::set("silent").await else { return };
    control(&scene, "streaming", &json!({"unknown_channels": "silent"})).await;
    let absent =
        ["/event/Nope__e", "/data/NopeChangeEvent", "/topic/Nope", "/u/nope", "/event/Nope__chn", "/data/Nope__chn"];
    // Of these no org tells everything.
    let unsure = ["/event/NopeEventStream", "/data/ChangeEvents"];
    let all: Vec<&str> = absent.iter().chain(&unsure).copied().chain([CHANGES]).collect();
    let mut bridge = scene.bridge(&scene.changes(&all, "earliest")).await;
    for channel in absent {
        let told = until(&bridge, channel, "silent").await;
        assert!(told["problem"].as_str().unwrap().contains("not among what the org has"), "{told}");
        assert!(told["remedy"].as_str().unwrap().contains("spelling"), "{told}");
        assert_eq!(errors(&bridge, &format!("channel {channel} can be subscribed, but")), 1);
    }
    let metrics = bridge.metrics().await.unwrap();
    for (channel, up) in absent.iter().map(|name| (name, 0)).chain(unsure.iter().map(|name| (name, 1))) {
        assert!(
            metrics.contains(&format!("crossfeed_channel_up{{feed=\"changes\",stream=\"{channel}\"}} {up}")),
            "{metrics}"
        );
    }
    let calls = scene.org.stats().await.unwrap().calls;
    assert_eq!((calls["describe"], calls["query"]), (1, 3), "each list once");
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    bridge.stop().await.unwrap();
    let output = crossfeed(scene.path(), &["check"]).await;
    assert_eq!(output.status.code(), Some(1));
    for channel in absent {
        assert!(
            said(&output).contains(&format!("channel {channel} can be subscribed, but is not among")),
            "{}",
            said(&output)
        );
    }
    for channel in unsure {
        assert!(said(&output).contains(&format!("channel {channel} (feed changes) can be read")), "{}", said(&output));
    }
}
