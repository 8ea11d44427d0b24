#![allow(clippy::unwrap_used)]

use super::*;

const ACCOUNTS: &str = "/data/AccountChangeEvent";

async fn org() -> Org {
    Org::within(Options::default()).await.unwrap()
}

#[tokio::test]
async fn every_fault_can_be_said() {
    let org = org().await;
    let text = |text: &str| Some(text.to_owned());
    let faults = [
        Fault::next("connect", "cut"),
        Fault {
            nth: 3,
            times: Some(2),
            with_events: true,
            session: text("one"),
            ..Fault::next("connect", "duplicate")
        },
        Fault { for_: Some(Duration::from_secs(10)), ..Fault::next("any", "busy_as_401") },
        Fault { advice: Some("absent".into()), ..Fault::next("connect", "unknown_client") },
        Fault { advice: Some(json!({"interval": -1})), ..Fault::next("connect", "odd_advice") },
        Fault { place: text("alone"), ..Fault::next("connect", "server_disconnect") },
        Fault { after: Some(Duration::from_millis(1500)), ..Fault::next("connect", "reset") },
        Fault { status: Some(502), ..Fault::next("connect", "status") },
        Fault { bytes: text("1MB"), ..Fault::next("connect", "large") },
        Fault { refusal: text("create_denied"), ..Fault::of_channel("/topic/T", "denied") },
        Fault::of_channel(ACCOUNTS, "replay_refused"),
    ];
    for (number, fault) in (1..).zip(&faults) {
        assert_eq!(org.fault(fault).await.unwrap(), number, "{fault:?}");
    }
    assert!(org.fault(&Fault::next("connect", "hiccup")).await.is_err());
    org.lift(1).await.unwrap();
    assert!(org.lift(99).await.is_err());
    let open: Vec<bool> = org.planned().await.unwrap().iter().map(|planned| planned.open).collect();
    assert!(!open[0] && open[1..].iter().all(|open| *open), "{open:?}");
    org.clear_faults().await.unwrap();
    assert!(org.planned().await.unwrap().iter().all(|planned| !planned.open && planned.hits == 0));
}

#[tokio::test]
async fn a_fault_that_struck_is_counted() {
    let org = org().await;
    let number = org.fault(&Fault { status: Some(502), ..Fault::next("handshake", "status") }).await.unwrap();
    let handshake = json!([{"channel": "/meta/handshake"}]);
    let answer = org.client.post(format!("{}/cometd/64.0", org.url)).json(&handshake).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 502);
    assert_eq!(org.planned().await.unwrap(), [Planned { number, hits: 1, open: false }]);
}

#[tokio::test]
async fn streams_and_channels_obey() {
    let org = org().await;
    let sales = CustomChannel {
        channel: "/data/Sales__chn".to_owned(),
        members: vec!["AccountChangeEvent".to_owned()],
        enriched_fields: vec!["Industry".to_owned()],
        filter: Some("Seq__c = 2".to_owned()),
    };
    org.compose(&sales).await.unwrap();
    org.publish(&Publish::new(ACCOUNTS, 5)).await.unwrap();
    assert_eq!(org.stats().await.unwrap().channel("/data/Sales__chn").made, 1);
    assert_eq!(org.expire_but(ACCOUNTS, 2).await.unwrap(), 3);
    assert_eq!(org.expire(ACCOUNTS).await.unwrap(), 5);
    let before = org.newest(ACCOUNTS).await.unwrap();
    assert!(org.restart_stream(ACCOUNTS, false).await.unwrap().iter().any(|channel| channel == "/data/ChangeEvents"));
    org.publish(&Publish::new(ACCOUNTS, 1)).await.unwrap();
    assert!(org.newest(ACCOUNTS).await.unwrap() < before);
    org.streaming(&json!({"unknown_channels": "silent", "routing_cookie": "3s"})).await.unwrap();
    org.limits(&json!({"delivered_used": 1, "delivered_max": 2})).await.unwrap();
    org.change_org("00Dyy0000001gPLEAY").await.unwrap();
    assert!(org.change_org("nobody").await.is_err());
}
