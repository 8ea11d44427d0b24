#![allow(clippy::unwrap_used)]
//! Feeds that never get further than to a door that is shut: what runs and what does not is all that is looked at.

use super::*;
use crate::config::Config;
use crate::feed::Phase;
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Two orgs, a cluster, and a feed of each org's.
fn written(folder: &Path) -> String {
    let secret = folder.join("secret");
    std::fs::write(&secret, "x").unwrap();
    let org = |name: &str| {
        format!(
            "[org.{name}.login.client_credentials]\nurl = \"http://127.0.0.1:1\"\nclient_id = \"{name}\"\n\
             client_secret = {{ file = \"{}\" }}\n",
            secret.display()
        )
    };
    let feed = |name: &str, org: &str| {
        format!(
            "[feed.{name}.from.kafka]\ncluster = \"main\"\ntopics = [\"t\"]\n\
             [feed.{name}.to.platform_event]\norg = \"{org}\"\nevent = \"X__e\"\n"
        )
    };
    format!("positions = \"{}\"\n", folder.join("positions").display())
        + &org("one")
        + &org("two")
        + "[kafka.main]\nbrokers = \"127.0.0.1:1\"\n"
        + &feed("a", "one")
        + &feed("b", "two")
}

struct Scene {
    control: Control,
    shutdown: CancellationToken,
    running: JoinHandle<shared::Shared>,
    folder: TempDir,
}

impl Scene {
    fn set() -> Self {
        Self::set_in(tempfile::tempdir().unwrap())
    }

    fn set_in(folder: TempDir) -> Self {
        let path = folder.path().join("crossfeed.toml");
        std::fs::write(&path, written(folder.path())).unwrap();
        let config = Config::load(&path).unwrap();
        let shared = shared::Shared::open(&config, false).unwrap();
        let shutdown = CancellationToken::new();
        let (supervisor, control) = Supervisor::new(path, config, shared, shutdown.clone()).unwrap();
        let running = tokio::spawn(supervisor.run(CancellationToken::new()));
        Self { control, shutdown, running, folder }
    }

    fn phase(&self, feed: &str) -> Phase {
        let roster = self.control.roster();
        roster.statuses.iter().find(|status| status.name() == feed).unwrap().phase()
    }

    /// Waits until a feed tries again and again.
    async fn runs(&self, feed: &str) {
        let running = async {
            while self.phase(feed) != Phase::Waiting {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), running).await.unwrap();
    }

    async fn end(self) -> TempDir {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.running).await.unwrap().unwrap();
        assert!(matches!(self.control.resume("a").await, Err(Error::Ending)));
        self.folder
    }
}

fn by(name: &str) -> Paused {
    Paused { by: name.to_owned(), at: Timestamp::now(), reason: None }
}

#[tokio::test]
async fn a_pause_holds_over_a_restart_and_the_first_one_counts() {
    let scene = Scene::set();
    let first = scene.control.pause("a", by("ann")).await.unwrap();
    assert_eq!(scene.control.pause("a", by("bob")).await.unwrap(), first);
    assert_eq!(scene.phase("a"), Phase::Paused);
    scene.runs("b").await;
    let scene = Scene::set_in(scene.end().await);
    scene.runs("b").await;
    assert_eq!(scene.phase("a"), Phase::Paused);
    assert!(scene.control.resume("a").await.unwrap());
    assert!(!scene.control.resume("a").await.unwrap(), "it runs already");
    scene.runs("a").await;
    let scene = Scene::set_in(scene.end().await);
    scene.runs("a").await;
    scene.end().await;
}

#[tokio::test]
async fn work_is_done_while_the_feed_does_not_run_and_then_it_runs_again() {
    let scene = Scene::set();
    scene.runs("a").await;
    let control = scene.control.clone();
    let phase_then = move |feed: &str| control.roster().statuses.iter().find(|it| it.name() == feed).unwrap().phase();
    let seen = scene.control.with_feed_paused("a", move |store| (phase_then("a"), store.list().unwrap().len()));
    assert_eq!(seen.await.unwrap(), (Phase::Done, 0));
    scene.runs("a").await;
    let panics = scene.control.with_feed_paused("a", |_| -> () { std::panic::panic_any("not said") });
    assert!(matches!(panics.await, Err(Error::Bug)));
    scene.runs("a").await;
    scene.control.pause("a", by("ann")).await.unwrap();
    scene.control.with_feed_paused("a", |_| ()).await.unwrap();
    assert_eq!(scene.phase("a"), Phase::Paused);
    let unknown = scene.control.with_feed_paused("c", |_| ()).await.unwrap_err().to_string();
    assert_eq!(unknown, "there is no feed `c`; there are: a, b");
    scene.end().await;
}

#[test]
fn a_feed_has_changed_where_it_means_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let text = written(folder.path());
    let old = Config::parse(&text).unwrap();
    let check = |from: &str, to: &str, expected: [&[&str]; 4]| {
        assert!(text.contains(from), "{from}");
        let new = Config::parse(&text.replacen(from, to, 1)).unwrap();
        let Changes { added, changed, removed, unchanged } = reload::compare(&old, &new).unwrap();
        assert_eq!([added, changed, removed, unchanged], expected.map(|it| it.to_vec()), "{from} -> {to}");
    };
    check("[org.one", "# a comment\n[org.one", [&[], &[], &[], &["a", "b"]]);
    check("topics = [\"t\"]", "topics = [\"t\", \"u\"]", [&[], &["a"], &[], &["b"]]);
    check("client_id = \"two\"", "client_id = \"too\"", [&[], &["b"], &[], &["a"]]);
    check("brokers = \"127.0.0.1:1\"", "brokers = \"127.0.0.1:2\"", [&[], &["a", "b"], &[], &[]]);
    check("[kafka.main]", "[kafka.other]\nbrokers = \"x:1\"\n[kafka.main]", [&[], &[], &[], &["a", "b"]]);
    let renamed = text.replace("feed.b", "feed.c");
    let changes = reload::compare(&old, &Config::parse(&renamed).unwrap()).unwrap();
    assert_eq!((changes.added, changes.removed), (vec!["c".to_owned()], vec!["b".to_owned()]));
    // What a secret's file holds is part of what its org means.
    std::fs::write(folder.path().join("secret"), "y").unwrap();
    let changes = reload::compare(&old, &Config::parse(&text).unwrap()).unwrap();
    assert_eq!(changes.changed, ["a", "b"]);
}

#[test]
fn what_belongs_to_the_process_cannot_change_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = written(folder.path());
    let old = Config::parse(&text).unwrap();
    for (key, value) in
        [("admin", "\"127.0.0.1:1\""), ("memory", "\"9MiB\""), ("reply_limit", "1"), ("shutdown_timeout", "\"1s\"")]
    {
        let new = Config::parse(&format!("{key} = {value}\n{text}")).unwrap();
        assert_eq!(reload::compare(&old, &new), Err(vec![key]));
    }
    let new = Config::parse(&text.replacen("positions\"", "elsewhere\"", 1)).unwrap();
    assert_eq!(reload::compare(&old, &new), Err(vec!["positions"]));
}
