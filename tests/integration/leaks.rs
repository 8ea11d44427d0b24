//! What is left behind when feeds open again and again: nothing, here and at the org.

use crate::scene::{LIMIT, Scene};
use harness::{Held, How, Org, SessionCounts, until};
use std::fmt::Write as _;
use std::time::Duration;

const FEEDS: u64 = 50;
const ROUNDS: u64 = 4;

fn feeds(name: &str) -> String {
    let mut feeds = String::new();
    for number in 0..FEEDS {
        write!(
            feeds,
            r#"
[feed.f{number}]
delivery = "at_least_once"
[feed.f{number}.from.salesforce]
org = "acme"
channels = ["/data/AccountChangeEvent"]
start = "latest"
[feed.f{number}.to.kafka]
cluster = "main"
topic = "{name}"
create = {{ partitions = 1, replication = 1 }}
"#
        )
        .unwrap();
    }
    feeds
}

async fn all_held(org: &Org) -> SessionCounts {
    let held = async || {
        let sessions = org.stats().await?.sessions;
        Ok((sessions.held == FEEDS).then_some(sessions))
    };
    until("every feed has a connect held", LIMIT, held).await.unwrap()
}

/// What a process holds once that has not changed for a second: a producer's second connection comes after its first.
async fn settled(pid: u32) -> Held {
    let mut before = Held::default();
    let settled = async || {
        let now = Held::by(pid)?;
        let same = (now.descriptors, now.threads) == (before.descriptors, before.threads);
        before = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(same.then_some(now))
    };
    until("what is held does not change", LIMIT, settled).await.unwrap()
}

/// Counted are the entries of `/proc/PID/fd` and `/proc/PID/task`, and `VmRSS`, each time all feeds have a connect held
/// again; at the org, its sessions. The first wait of a feed's is none and they grow, so that four rounds of fifty feeds
/// take eight seconds.
#[tokio::test]
async fn f30_reopenings_leave_no_session_at_the_org_and_no_descriptor_or_thread_here() {
    let Some(scene) = Scene::set("leaks").await else { return };
    let bridge = scene.bridge(&feeds("leaks")).await;
    all_held(&scene.org).await;
    let mut seen = Vec::new();
    for round in 1..=ROUNDS {
        assert_eq!(scene.org.end_sessions(How::UnknownClient).await.unwrap(), FEEDS);
        let sessions = all_held(&scene.org).await;
        assert_eq!((sessions.open, sessions.opened), (FEEDS, FEEDS * (round + 1)), "{sessions:?}");
        seen.push(settled(bridge.pid()).await);
    }
    println!("{seen:?}");
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    // A leak of one a reopening would be fifty a round.
    assert!(last.descriptors <= first.descriptors + 20, "{seen:?}");
    assert!(last.threads <= first.threads + 20, "{seen:?}");
    assert!(last.resident <= first.resident + first.resident / 10, "{seen:?}");
    assert_eq!(scene.org.stats().await.unwrap().calls["token"], 1, "one login serves them all");
}
