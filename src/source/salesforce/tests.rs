#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
//! The source against an org of this process.

use super::*;
use crate::feed::{Batch, ChannelState, Decision, Place};
use harness::{How, Org as Simulated, Publish};
use serde_json::json;
use simulator::Options;
use std::time::Duration;

const CHANGES: &str = "/data/AccountChangeEvent";
const LATER: &str = "/event/Later__e";
const LIMIT: Duration = Duration::from_secs(30);

struct World {
    org: Simulated,
    shared: Shared,
    config: config::Config,
    _folder: tempfile::TempDir,
}

impl World {
    /// Feeds of these names from these channels.
    async fn new(feeds: &[&str], channels: &[&str]) -> Self {
        // Connects are short, so that there is soon a time when none is held.
        let options = Options { hold: Duration::from_millis(300), ..Options::default() };
        let folder = tempfile::tempdir().unwrap();
        let org = Simulated::within(options).await.unwrap();
        let mut text = harness::surroundings(folder.path(), &org, "127.0.0.1:1").unwrap();
        text += "[org.acme]\napi_reserve = \"20%\"\n";
        for feed in feeds {
            text += &format!(
                "[feed.{feed}]\ndelivery = \"at_least_once\"\n[feed.{feed}.from.salesforce]\norg = \"acme\"\nchannels = {channels:?}\n\
                 start = \"earliest\"\n[feed.{feed}.to.kafka]\ncluster = \"main\"\ntopic = \"t\"\n"
            );
        }
        let config = config::Config::parse(&text).unwrap();
        let shared = Shared::open(&config, false).unwrap();
        Self { org, shared, config, _folder: folder }
    }

    fn source(&self, feed: usize, pause: Duration) -> Salesforce {
        let config::From::Salesforce(from) = &self.config.feeds[feed].from else { panic!() };
        let (status, org) = (self.shared.statuses[feed].clone(), self.shared.orgs["acme"].clone());
        let source = Salesforce::new(&self.config.feeds[feed].name, from, org, &self.shared, status.clone());
        Salesforce { refused: Refused::new(status, pause), ..source }
    }

    async fn fault(&self, plan: serde_json::Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let planned = client.post(format!("{}/simulator/faults", self.org.url())).json(&plan).send().await.unwrap();
        assert!(planned.status().is_success(), "{plan}: {}", planned.text().await.unwrap());
    }

    fn channel(&self, name: &str) -> serde_json::Value {
        serde_json::to_value(self.shared.statuses[0].snapshot()).unwrap()["channels"][name].clone()
    }
}

async fn next(session: &mut Session) -> Result<Batch, Stop> {
    tokio::time::timeout(LIMIT, session.next()).await.unwrap()
}

#[tokio::test]
async fn f05_a_refused_channel_is_asked_for_again_in_the_same_session_at_its_position() {
    let world = World::new(&["a"], &[CHANGES, LATER]).await;
    let mut source = world.source(0, Duration::from_millis(500));
    world.org.publish(&Publish::new(CHANGES, 3)).await.unwrap();
    let mut session = source.session(None).await.unwrap();
    assert_eq!(next(&mut session).await.unwrap().events.len(), 3);
    // Some more times: nothing of it ends the session, or says the same twice.
    let refused = async || {
        world
            .shared
            .metrics
            .render()
            .unwrap()
            .contains(&format!("channel_refusals_total{{feed=\"a\",stream=\"{LATER}\"}} 3"))
    };
    tokio::select! {
        batch = session.next() => panic!("{:?}", batch.err()),
        done = harness::until("refused three times", LIMIT, async || Ok(refused().await.then_some(()))) => done.unwrap(),
    }
    let told = world.channel(LATER);
    assert_eq!(told["state"], "refused");
    assert!(told["problem"].as_str().unwrap().contains("does not exist {/event/Later__e}"), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("spelling") && told["retry_at"].is_string(), "{told}");
    assert_eq!(world.channel(CHANGES)["state"], "subscribed");
    world.org.add_channel(LATER, None).await.unwrap();
    world.org.publish(&Publish::new(LATER, 2)).await.unwrap();
    let batch = next(&mut session).await.unwrap();
    assert_eq!((batch.events.len(), &*batch.events[0].stream), (2, LATER));
    // They came with the answer to the subscription, which is told after them.
    let subscribed = async || Ok((world.channel(LATER)["state"] == "subscribed").then_some(()));
    tokio::select! {
        batch = session.next() => panic!("{:?}", batch.err()),
        done = harness::until("the channel is subscribed", LIMIT, subscribed) => done.unwrap(),
    }
    let stats = world.org.stats().await.unwrap();
    assert_eq!((stats.sessions.opened, stats.sessions.open), (1, 1));
    session.close().await;
    assert_eq!(world.org.stats().await.unwrap().sessions.open, 0);
}

#[tokio::test]
async fn f05_a_feed_whose_channels_are_all_refused_holds_no_session() {
    let world = World::new(&["a"], &[LATER, "/topic/Nope"]).await;
    let mut source = world.source(0, channels::PAUSE);
    let mut session = source.session(None).await.unwrap();
    let stop = next(&mut session).await.err().unwrap();
    assert_eq!((stop.reason, stop.decision), (Reason::Channel, Decision::Transient(Pace::growing(600, 600))));
    assert!(stop.text.contains("every channel is refused") && stop.remedy.is_some(), "{stop:?}");
    session.close().await;
    let stats = world.org.stats().await.unwrap();
    assert_eq!((stats.sessions.open, stats.sessions.disconnected), (0, 1));
}

/// Ten feeds, and an org that is too busy for any of them.
#[tokio::test]
async fn f30_the_feeds_of_an_org_do_not_storm_it_when_it_is_busy() {
    let names: Vec<String> = (0..10).map(|number| format!("f{number}")).collect();
    let world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[CHANGES]).await;
    world.fault(json!({"on": "handshake", "fault": "unavailable", "times": 1_000})).await;
    let mut stops = tokio::task::JoinSet::new();
    for feed in 0..10 {
        let mut source = world.source(feed, channels::PAUSE);
        stops.spawn(async move {
            match source.session(None).await {
                Ok(mut session) => next(&mut session).await.err(),
                Err(stop) => Some(stop),
            }
        });
    }
    for stop in stops.join_all().await {
        let stop = stop.unwrap();
        let Decision::Transient(pace) = stop.decision else { panic!("{stop:?}") };
        assert_eq!(stop.reason, Reason::Busy);
        assert!(stop.text.contains("Server is too busy"), "{stop}");
        assert!(pace.first >= Duration::from_secs(40), "nobody comes back within the minute: {pace:?}");
    }
    let handshakes = world.org.stats().await.unwrap().calls["handshake"];
    assert!((1..=4).contains(&handshakes), "{handshakes}");
}

#[tokio::test]
async fn f13_every_session_asks_for_all_that_is_saved() {
    let world =
        World::new(&["a"], &[CHANGES, "/event/Low_Ink__e", "/topic/InvoiceUpdates", "/u/notifications/Ops"]).await;
    let mut source = world.source(0, channels::PAUSE);
    for round in 1..=3 {
        for channel in world.config.feeds.iter().flat_map(|feed| match &feed.from {
            config::From::Salesforce(from) => from.channels.clone(),
            config::From::Kafka(_) => Vec::new(),
        }) {
            world.org.publish(&Publish::new(channel.as_str(), 5)).await.unwrap();
        }
        let mut session = source.session(None).await.unwrap();
        let mut events = 0;
        while events < 20 {
            let batch = next(&mut session).await.unwrap();
            events += batch.events.len();
            session.save(&batch.positions).await.unwrap();
        }
        assert_eq!(events, 20, "round {round}: nothing twice, nothing left out");
        world.org.end_sessions(How::UnknownClient).await.unwrap();
        assert_eq!(next(&mut session).await.err().unwrap().reason, Reason::UnknownClient);
        session.close().await;
    }
}

/// What is no object, or has no replay id, goes through as it came: the sink gets it, and no position comes of it.
#[tokio::test]
async fn f22_an_undecodable_event_is_not_skipped() {
    let world = World::new(&["a"], &[CHANGES]).await;
    let mut session = world.source(0, channels::PAUSE).session(None).await.unwrap();
    let datas = [
        r#"[1,{"event":{"replayId":7}}]"#,
        r#""just a text""#,
        "null",
        "17",
        r#"{"schema":"x","payload":{"A":1},"event":{}}"#,
        r#"{"event":{"replayId":"seven"}}"#,
        r#"{"payload":"\ud800 half a pair"}"#,
    ];
    let good = r#"{"payload":{},"event":{"replayId":8}}"#;
    let messages: Vec<String> =
        datas.iter().chain([&good]).map(|data| format!(r#"{{"data":{data},"channel":"{CHANGES}"}}"#)).collect();
    let reply = format!("[{}]", messages.join(",")).into();
    let batch = session.batch(bayeux::split(&reply).unwrap(), None);
    let values: Vec<&[u8]> = batch.events.iter().map(|event| &*event.value).collect();
    assert_eq!(values, datas.iter().chain([&good]).map(|data| data.as_bytes()).collect::<Vec<_>>());
    let positions: Vec<_> = batch.positions.iter().collect();
    assert!(
        matches!(positions[..], [(_, Place::After(Position::At { id, .. }))] if id.as_str() == "8"),
        "{positions:?}"
    );
}

#[tokio::test]
async fn f60_what_the_org_says_is_told_with_its_channel() {
    let world = World::new(&["a"], &[LATER]).await;
    let mut session = world.source(0, channels::PAUSE).session(None).await.unwrap();
    let stop = next(&mut session).await.err().unwrap();
    assert!(
        stop.text.contains("400::The channel you requested to subscribe to does not exist {/event/Later__e}"),
        "{stop}"
    );
    assert_eq!(world.channel(LATER)["state"], serde_json::to_value(ChannelState::Refused).unwrap());
}

/// Whatever ends a session, the next one goes on where it stood, by the same way in.
#[tokio::test]
async fn f03_a_session_that_ends_in_any_way_is_opened_again() {
    let world = World::new(&["a"], &[CHANGES]).await;
    let mut source = world.source(0, channels::PAUSE);
    for plan in [
        json!({"fault": "html"}),
        json!({"fault": "truncated"}),
        json!({"fault": "empty"}),
        json!({"fault": "cut"}),
        json!({"fault": "reset"}),
        json!({"fault": "reset", "place": "body"}),
        json!({"fault": "status", "status": 500}),
        json!({"fault": "status", "status": 403}),
        json!({"fault": "status", "status": 302}),
        json!({"fault": "unauthorized"}),
        json!({"fault": "unauthorized_nested"}),
        json!({"fault": "busy_as_401"}),
        json!({"fault": "busy_as_403"}),
        json!({"fault": "daily_limit"}),
        json!({"fault": "concurrent_limit"}),
        json!({"fault": "unknown_client", "advice": "handshake"}),
        json!({"fault": "unknown_client", "advice": "none"}),
        json!({"fault": "unknown_client", "advice": "absent"}),
        json!({"fault": "server_disconnect", "place": "alone"}),
        json!({"fault": "server_disconnect", "place": "before"}),
        json!({"fault": "server_disconnect", "place": "after"}),
    ] {
        let mut plan = plan;
        plan["on"] = "connect".into();
        // The first is answered at once, and the next is held.
        plan["nth"] = 2.into();
        let mut session = source.session(None).await.unwrap();
        world.fault(plan.clone()).await;
        let stop = tokio::time::timeout(LIMIT, session.next()).await;
        let stop = stop.unwrap_or_else(|_| panic!("{plan} ended nothing")).err().unwrap();
        let Decision::Transient(pace) = stop.decision else { panic!("{plan}: {stop:?}") };
        assert!(pace.first <= Duration::from_secs(300), "{plan}: {pace:?}");
        session.close().await;
        // What is waited for, an hour at most, is over.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3600)).await;
        tokio::time::resume();
        world.org.publish(&Publish::new(CHANGES, 2)).await.unwrap();
        let mut session = source.session(None).await.unwrap();
        let batch = next(&mut session).await.unwrap();
        assert_eq!(batch.events.len(), 2, "{plan}");
        session.save(&batch.positions).await.unwrap();
        session.close().await;
    }
}

#[tokio::test]
async fn f07_a_limit_that_is_lifted_lets_the_feed_go_on_at_its_position() {
    let world = World::new(&["a"], &[CHANGES]).await;
    let mut source = world.source(0, channels::PAUSE);
    world.org.publish(&Publish::new(CHANGES, 3)).await.unwrap();
    let mut session = source.session(None).await.unwrap();
    let batch = next(&mut session).await.unwrap();
    session.save(&batch.positions).await.unwrap();
    world.fault(json!({"on": "connect", "fault": "daily_limit", "for": "10m"})).await;
    let stop = next(&mut session).await.err().unwrap();
    assert_eq!((stop.reason, stop.decision), (Reason::Limit, Decision::Transient(Pace::growing(300, 3600))));
    world.org.publish(&Publish::new(CHANGES, 4)).await.unwrap();
    let before = world.org.stats().await.unwrap().calls["handshake"];
    let stop = source.session(None).await.err().unwrap();
    assert!(stop.text.contains("daily limit exceeded"), "{stop}");
    assert_eq!(world.org.stats().await.unwrap().calls["handshake"], before, "nothing is asked meanwhile");
    world.org.clear_faults().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(400)).await;
    tokio::time::resume();
    let mut session = source.session(None).await.unwrap();
    assert_eq!(next(&mut session).await.unwrap().events.len(), 4);
    assert!(world.shared.orgs["acme"].handshakes.permit().await.is_ok());
}

#[tokio::test]
async fn f32_no_call_is_made_to_keep_a_session() {
    let world = World::new(&["a"], &[CHANGES]).await;
    let mut source = world.source(0, channels::PAUSE);
    let mut session = source.session(None).await.unwrap();
    let others = async || {
        let mut calls = world.org.stats().await.unwrap().calls;
        (calls.remove("connect").unwrap(), calls)
    };
    let held = async |count: u64| Ok((others().await.0 >= count).then_some(()));
    let mut seen = Vec::new();
    for count in [4, 12] {
        tokio::select! {
            batch = session.next() => panic!("{:?}", batch.err()),
            done = harness::until("some connects more", LIMIT, async || held(count).await) => done.unwrap(),
        }
        seen.push(others().await.1);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0]["describe"], 1, "what is looked up once at the start is behind us");
}

#[tokio::test]
async fn looking_for_silent_channels_leaves_the_calls_of_others_alone() {
    let world = World::new(&["a"], &[CHANGES]).await;
    let org = &world.shared.orgs["acme"];
    world.org.limits(&json!({"api_used": 9_990, "api_max": 10_000})).await.unwrap();
    org.gate.limits().await.unwrap();
    let before = world.org.stats().await.unwrap().calls["api"];
    assert_eq!(org.inventory.has(&org.gate, &CHANGES.parse().unwrap()).await, None);
    assert_eq!(world.org.stats().await.unwrap().calls["api"], before);
}
