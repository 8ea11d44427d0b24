#![allow(clippy::unwrap_used, clippy::panic)]
//! The source alone, opened a thousand times: what it leaves behind. A feed's waits would make that hours.

use super::Salesforce;
use crate::config::{self, Config};
use crate::feed::{Phase, Source as _, Status};
use crate::shared::Shared;
use harness::{Held, How, Org};
use simulator::Options;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A process of its own, where nothing else opens descriptors: this test itself, started anew.
#[test]
fn f35_a_thousand_reopenings_leak_nothing() {
    let this = std::env::current_exe().unwrap();
    let name = "source::salesforce::reopening::opens_a_thousand_times";
    let run = Command::new(this).args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1000 reopenings:"),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Every second session is ended by the org, the others by us. Counted are the entries of `/proc/self/fd` and
/// `/proc/self/task` and `VmRSS`, here and at the org together, after a hundred and after a thousand.
#[tokio::test]
async fn opens_a_thousand_times() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let org = Org::within(Options::default()).await.unwrap();
    let text = harness::surroundings(folder.path(), &org, "localhost:1").unwrap()
        + &harness::pressure::feed("changes", &["/data/AccountChangeEvent"], "changes");
    let config = Config::parse(&text).unwrap();
    let shared = Shared::open(&config, false).unwrap();
    let [feed] = config.feeds.as_slice() else { panic!("one feed") };
    let config::From::Salesforce(from) = &feed.from else { panic!("from Salesforce") };
    let status = Arc::new(Status::new(&feed.name, shared.metrics.feed(&feed.name)));
    let gate = shared.orgs.get("acme").unwrap().clone();
    let mut source = Salesforce::new(&feed.name, from, gate, &shared, status.clone());
    let mut after_a_hundred = Held::default();
    for number in 1..=1000 {
        status.opening();
        let mut reading = source.open(Some("cluster")).await.unwrap();
        let runs = async {
            while status.phase() != Phase::Running {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            ended = reading.next() => panic!("{:?}", ended.map(|batch| batch.positions)),
            () = runs => {}
        }
        if number % 2 == 0 {
            org.end_sessions(How::UnknownClient).await.unwrap();
            assert!(reading.next().await.is_err());
        }
        reading.close().await;
        drop(reading);
        if number == 100 {
            after_a_hundred = Held::by(std::process::id()).unwrap();
        }
    }
    let after = Held::by(std::process::id()).unwrap();
    let stats = org.stats().await.unwrap();
    println!("1000 reopenings: {after_a_hundred} after a hundred, {after} after all; {:?}", stats.sessions);
    assert_eq!((stats.sessions.open, stats.sessions.opened), (0, 1000));
    assert_eq!(stats.calls.get("token"), Some(&1));
    assert!(after.descriptors <= after_a_hundred.descriptors + 10, "{after_a_hundred}, then {after}");
    assert!(after.threads <= after_a_hundred.threads + 2, "{after_a_hundred}, then {after}");
    assert!(
        after.resident <= after_a_hundred.resident + after_a_hundred.resident / 5,
        "{after_a_hundred}, then {after}"
    );
}

const ALONE: &str = "CROSSFEED_TEST_ALONE";
