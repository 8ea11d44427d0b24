//! Feeds that are paused, resumed and changed while the process runs, and who may do that.

mod access;
mod reload;

use crate::logins::{crossfeed, said};
use crate::scene::{CHANGES, LIMIT, ORDERS, Scene, until_state};
use harness::{Bridge, Org, Publish};
use simulator::Options;

/// A feed of `acme`, and one of another org: what it does shows that time has passed, and that nothing else has.
pub(super) struct Two {
    pub(super) scene: Scene,
    pub(super) other: Org,
}

impl Two {
    pub(super) async fn set(name: &'static str) -> Option<Self> {
        let scene = Scene::set(name).await?;
        let other = Org::within(Options::default()).await.unwrap();
        Some(Self { scene, other })
    }

    /// The feed `changes` of `acme`, and the feed `witness` of `other`.
    pub(super) fn feeds(&self) -> String {
        let options = Options::default();
        let witness = self.scene.changes(&[ORDERS], "earliest").replace("feed.changes", "feed.witness");
        format!(
            "[org.other.login.client_credentials]\nurl = \"{}\"\nclient_id = \"{}\"\nclient_secret = {{ file = \"{}\" }}\n{}{}",
            self.other.url(),
            options.client_id,
            self.scene.path().join("client_secret").display(),
            self.scene.changes(&[CHANGES], "earliest"),
            witness.replace("\"acme\"", "\"other\""),
        )
    }

    /// Lets events of the other org cross, from its server to Kafka.
    pub(super) async fn let_some_time_pass(&self, bridge: &mut Bridge) {
        self.other.publish(&Publish::new(ORDERS, 20)).await.unwrap();
        let newest = self.other.newest(ORDERS).await.unwrap().unwrap().to_string();
        let crossed = |it: &harness::Status| it.is_at("witness", ORDERS, &newest);
        bridge.wait_for("events of the other org cross", LIMIT, crossed).await.unwrap();
    }
}

/// Runs a command that succeeds.
pub(super) async fn done(scene: &Scene, arguments: &[&str]) -> String {
    let output = crossfeed(scene.path(), arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

#[tokio::test]
async fn f36_a_paused_feed_fetches_nothing() {
    let Some(two) = Two::set("f36").await else { return };
    let scene = &two.scene;
    scene.org.publish(&Publish::new(CHANGES, 50)).await.unwrap();
    let mut bridge = scene.bridge(&two.feeds()).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    scene.org.publish(&Publish::new(CHANGES, 50)).await.unwrap();
    let told = done(scene, &["pause", "changes", "--reason", "the topic moves"]).await;
    assert!(told.contains("crossfeed resume changes"), "{told}");

    let feed = until_state(&mut bridge, "changes", "paused").await;
    let paused = feed.paused.unwrap();
    assert!(paused.by.starts_with("user id ") && paused.reason.as_deref() == Some("the topic moves"), "{paused:?}");
    let then = scene.org.stats().await.unwrap();
    assert_eq!((then.sessions.open, then.sessions.disconnected), (0, 1), "it said goodbye: {:?}", then.sessions);
    assert!(bridge.metrics().await.unwrap().contains("crossfeed_session_up{feed=\"changes\"} 0"));
    scene.org.publish(&Publish::new(CHANGES, 100)).await.unwrap();
    two.let_some_time_pass(&mut bridge).await;
    let now = scene.org.stats().await.unwrap();
    assert_eq!(now.calls, then.calls, "no request at all");
    assert_eq!(bridge.get("/health/ready").await.unwrap(), "ready\n", "that is as a person wanted it");

    assert_eq!(done(scene, &["resume", "changes"]).await.trim(), "changes goes on");
    scene.caught_up(&mut bridge, CHANGES).await;
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_exact() && verdict.made == 200, "{verdict}");
    assert!(until_state(&mut bridge, "changes", "running").await.paused.is_none());
    // The answer to the goodbye may carry events that are not taken.
    let delivered = scene.org.stats().await.unwrap().channel(CHANGES).delivered;
    assert!((200..=250).contains(&delivered), "{delivered}");
}

#[tokio::test]
async fn a_pause_survives_sigkill_and_restart() {
    let Some(two) = Two::set("pause_stays").await else { return };
    let scene = &two.scene;
    let mut bridge = scene.bridge(&two.feeds()).await;
    until_state(&mut bridge, "changes", "running").await;
    done(scene, &["pause", "changes"]).await;
    bridge.start_again().await.unwrap(); // SIGKILL first
    scene.org.publish(&Publish::new(CHANGES, 30)).await.unwrap();
    let then = scene.org.stats().await.unwrap().calls;
    two.let_some_time_pass(&mut bridge).await;
    assert_eq!(scene.org.stats().await.unwrap().calls, then, "no login, and no session");
    until_state(&mut bridge, "changes", "paused").await;
    let log = bridge.log_text().unwrap();
    assert_eq!(log.matches("paused: it fetches nothing until").count(), 2, "said at each start: {log}");
    done(scene, &["resume", "changes"]).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    assert!(scene.verdict(CHANGES).await.is_exact());
}

#[tokio::test]
async fn without_a_bridge_a_pause_holds_from_the_next_start_on() {
    let Some(scene) = Scene::set("pause_before").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    until_state(&mut bridge, "changes", "running").await;
    bridge.stop().await.unwrap();
    let told = done(&scene, &["pause", "changes"]).await;
    assert!(told.contains("no bridge is running: changes is paused from the next start on"), "{told}");
    let told = done(&scene, &["pause", "changes"]).await;
    assert!(told.contains("paused already, by user id"), "{told}");
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "paused").await;
    bridge.stop().await.unwrap();
    let told = done(&scene, &["resume", "changes"]).await;
    assert!(told.contains("from the next start on"), "{told}");
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
}

/// A feed that stopped for a person goes on when a person says so, without a restart of the others.
#[tokio::test]
async fn a_feed_that_waits_is_resumed_at_once_when_its_cause_is_mended() {
    let Some(scene) = Scene::set("mended").await else { return };
    let feeds = scene.changes(&["/event/Late__e"], "earliest");
    let mut bridge = scene.bridge(&feeds).await;
    // For ten minutes: its only channel is refused.
    until_state(&mut bridge, "changes", "waiting").await;
    scene.org.add_channel("/event/Late__e", None).await.unwrap();
    scene.org.publish(&Publish::new("/event/Late__e", 3)).await.unwrap();
    assert_eq!(done(&scene, &["resume", "changes"]).await.trim(), "changes goes on");
    scene.caught_up(&mut bridge, "/event/Late__e").await;
    let told = done(&scene, &["resume", "changes"]).await;
    assert_eq!(told.trim(), "changes was not paused: it runs");
}
