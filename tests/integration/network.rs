//! What the network between the bridge and an org does to connections: a proxy does it.

use crate::scene::{CHANGES, LIMIT, Scene};
use harness::{Bridge, Fault, Org, Proxy, Publish, SessionCounts, until};
use simulator::Options;
use std::time::{Duration, Instant};

/// A bridge that reaches its org through a proxy.
struct Line {
    scene: Scene,
    proxy: Proxy,
    bridge: Bridge,
    /// Events made so far.
    made: u64,
}

impl Line {
    /// With a first event in Kafka; `None` where tests with Kafka are skipped.
    async fn up(name: &'static str) -> Option<Self> {
        let options = Options { hold: HOLD, ..Options::default() };
        let scene = Scene::set_with(name, options).await?;
        let proxy = Proxy::start(host(&scene.org)).await.unwrap();
        let through = format!("http://{}", proxy.address());
        let config = scene.config(&scene.changes(&[CHANGES], "earliest")).replace(scene.org.url(), &through);
        let bridge = Bridge::start(scene.path(), &config).await.unwrap();
        let mut line = Self { scene, proxy, bridge, made: 0 };
        line.publish(1).await;
        line.all_arrive().await;
        Some(line)
    }

    async fn publish(&mut self, count: u64) {
        self.scene.org.publish(&Publish::new(CHANGES, count)).await.unwrap();
        self.made += count;
    }

    /// Everything made is in Kafka, once.
    async fn all_arrive(&mut self) {
        self.scene.caught_up(&mut self.bridge, CHANGES).await;
        let verdict = self.scene.verdict(CHANGES).await;
        assert!(verdict.is_exact() && verdict.made == self.made, "{verdict}");
    }

    /// Waits until the org has written everything made into a connection, dead or not.
    async fn all_written(&self) {
        let written =
            async || Ok((self.scene.org.stats().await?.channel(CHANGES).delivered >= self.made).then_some(()));
        until("the org has sent everything", LIMIT, written).await.unwrap();
    }

    async fn reopens(&self) -> u64 {
        self.bridge.status().await.unwrap().feed("changes").unwrap().reopens
    }

    async fn reopened(&mut self, times: u64) {
        let has = |it: &harness::Status| it.feed("changes").is_some_and(|feed| feed.reopens >= times);
        self.bridge.wait_for("it opens again", LIMIT, has).await.unwrap();
    }

    /// The session is held again: its subscriptions are in place.
    async fn held(&self) {
        let held = async || Ok((self.scene.org.stats().await?.sessions.held == 1).then_some(()));
        until("a connect is held", LIMIT, held).await.unwrap();
    }
}

fn host(org: &Org) -> &str {
    org.url().trim_start_matches("http://")
}

#[tokio::test]
async fn f04_a_half_open_connection_is_noticed() {
    let Some(mut line) = Line::up("half_open").await else { return };
    line.held().await;
    line.proxy.blackhole();
    let begin = Instant::now();
    line.publish(5).await;
    line.all_written().await;
    line.proxy.heal();
    line.reopened(1).await;
    let noticed = begin.elapsed();
    assert!(noticed <= HOLD + SLACK + MACHINE, "noticed after {noticed:?}");
    line.all_arrive().await;
    assert_eq!(line.reopens().await, 1);
    let log = line.bridge.log_text().unwrap();
    assert!(log.contains("connect: no reply in time: opening again"), "{log}");
}

#[tokio::test]
async fn f09_a_proxy_that_cuts_idle_connections_loses_nothing() {
    let Some(mut line) = Line::up("idle_cut").await else { return };
    line.proxy.cut_idle(Some(HOLD / 3));
    for times in 1..=3 {
        line.reopened(times).await;
        line.publish(10).await;
        line.all_arrive().await;
    }
    assert!(line.proxy.idle_cuts() >= 3);
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let Some(mut line) = Line::up("drip").await else { return };
    line.held().await;
    line.scene.org.fault(&Fault { with_events: true, ..Fault::next("connect", "drip") }).await.unwrap();
    let begin = Instant::now();
    line.publish(100).await;
    line.reopened(1).await;
    assert!(begin.elapsed() <= HOLD + SLACK + MACHINE, "given up after {:?}", begin.elapsed());
    line.all_arrive().await;
    assert!(line.scene.org.stats().await.unwrap().channel(CHANGES).lost >= 100, "nothing dripped");
}

#[tokio::test]
async fn f14_an_event_written_into_a_dead_socket_comes_again() {
    let Some(mut line) = Line::up("dead_socket").await else { return };
    line.held().await;
    line.proxy.blackhole();
    line.publish(5).await;
    line.all_written().await;
    line.proxy.heal();
    assert!(line.proxy.cut() > 0);
    line.all_arrive().await;
    assert!(line.scene.org.stats().await.unwrap().channel(CHANGES).delivered >= 11, "the five were not sent twice");
}

/// The session outlives the outage at the org, and what it would say into its dead connect is gone: only a new one at the
/// saved position has it.
#[tokio::test]
async fn f17_an_outage_shorter_than_the_session_loses_nothing() {
    let Some(mut line) = Line::up("short_outage").await else { return };
    line.held().await;
    line.proxy.refuse().await;
    line.proxy.cut();
    line.publish(20).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    line.publish(20).await;
    line.proxy.listen().await.unwrap();
    line.all_arrive().await;
    let sessions = line.scene.org.stats().await.unwrap().sessions;
    assert_eq!(sessions.expired, 0, "the outage was longer than the session");
}

#[tokio::test]
async fn a_name_that_moves_to_another_address_is_followed() {
    let Some(mut line) = Line::up("name_moves").await else { return };
    line.held().await;
    let second = Proxy::start(host(&line.scene.org)).await.unwrap();
    line.proxy.lead_to(&second.address().to_string());
    line.publish(5).await;
    line.all_arrive().await;
    // The old address goes away, and with it what was open there.
    line.proxy.cut();
    line.publish(5).await;
    line.all_arrive().await;
    assert!(second.accepted() > 0);
}

#[tokio::test]
async fn after_a_cut_the_first_event_comes_within_the_back_off_step_and_a_second() {
    let after = async |name, away: Away, seconds: f64| {
        let Some(mut line) = Line::up(name).await else { return };
        line.held().await;
        let before = line.bridge.status().await.unwrap().feed("changes").unwrap().events;
        match away {
            Away::Refuses => line.proxy.refuse().await,
            Away::IsGone => line.proxy.vanish().await.unwrap(),
        }
        line.proxy.cut();
        line.publish(1).await;
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        line.proxy.listen().await.unwrap();
        let begin = Instant::now();
        let has = |it: &harness::Status| it.feed("changes").is_some_and(|feed| feed.events > before);
        line.bridge.wait_for("the first event comes", LIMIT, has).await.unwrap();
        let (took, step) = (begin.elapsed(), last_wait(&line.bridge.log_text().unwrap()));
        println!("{away:?} for {seconds} s: the first event {took:?} after the return, the step was {step:?}");
        let step = match away {
            Away::Refuses => step,
            Away::IsGone => step.max(SYN_GAP),
        };
        assert!(took <= step + Duration::from_secs(1), "{away:?} for {seconds} s: {took:?}, the step was {step:?}");
        line.all_arrive().await;
    };
    tokio::join!(
        after("cut_a", Away::Refuses, 0.0),
        after("cut_b", Away::Refuses, 0.5),
        after("cut_c", Away::Refuses, 2.0),
        after("cut_d", Away::Refuses, 6.0),
        after("cut_e", Away::IsGone, 0.5),
        after("cut_f", Away::IsGone, 2.0),
        after("cut_g", Away::IsGone, 6.0),
        after("cut_h", Away::IsGone, 14.0),
    );
}

#[derive(Debug, Clone, Copy)]
enum Away {
    /// Attempts to connect are refused.
    Refuses,
    /// Attempts to connect get no answer.
    IsGone,
}

/// The wait that the bridge last told.
fn last_wait(log: &str) -> Duration {
    let text = log.rsplit("\"wait\":\"").next().unwrap().split('"').next().unwrap();
    let parts = text.split(' ').map(|part| match part.strip_suffix("ms") {
        Some(number) => number.parse::<f64>().unwrap() / 1e3,
        None => part.trim_end_matches('s').parse().unwrap(),
    });
    Duration::from_secs_f64(parts.sum())
}

/// The reply is spoilt, not the line: the org can be told that its session is over, and has to be before the next one
/// begins.
#[tokio::test]
async fn f24_the_old_session_is_closed_before_the_new_one_opens() {
    let Some(mut line) = Line::up("one_session").await else { return };
    let org = &line.scene.org;
    let faults = ["truncated", "cut", "empty"];
    for (times, fault) in (1..).zip(faults) {
        org.fault(&Fault { with_events: true, ..Fault::next("connect", fault) }).await.unwrap();
        org.publish(&Publish::new(CHANGES, 1)).await.unwrap();
        line.made += 1;
        let most = async {
            let mut most = 0;
            let again = async || {
                let SessionCounts { open, opened, held, .. } = org.stats().await?.sessions;
                most = open.max(most);
                Ok((opened == times + 1 && held == 1).then_some(()))
            };
            until("the next session is held", LIMIT, again).await.unwrap();
            most
        };
        assert_eq!(most.await, 1, "after {fault}");
        assert_eq!(org.stats().await.unwrap().sessions.disconnected, times, "after {fault}");
    }
    line.all_arrive().await;
}

/// An attempt to connect that got no answer is repeated by the kernel 1, 3 and 7 s after it began (tcp(7),
/// `tcp_syn_retries`), and given up by us after 10 s.
const SYN_GAP: Duration = Duration::from_secs(4);
const HOLD: Duration = Duration::from_secs(2);
/// What the bridge gives an answer beyond the hold.
const SLACK: Duration = Duration::from_secs(15);
/// What a loaded machine may add.
const MACHINE: Duration = Duration::from_secs(3);
