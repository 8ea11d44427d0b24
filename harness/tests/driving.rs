//! What the harness promises to those who use it: nothing is left behind, and what is waited for is told.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use harness::{Error, Fault, How, Org, Process, Publish, kafka_or_skip, program, until};
use kafka::{Creation, Producer, Record, Sent, Topic};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str, log: &Path) -> Process {
    Process::start(Path::new("/bin/sh"), ["-c", script], log).unwrap()
}

fn is_there(pid: u32) -> bool {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), None).is_ok()
}

#[tokio::test]
async fn a_process_ends_with_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = shell("echo ready; exec sleep 600", &folder.path().join("log"));
    process.line("it is ready", LIMIT, |line| (line == "ready").then_some(())).await.unwrap();
    let pid = process.pid();
    assert!(is_there(pid) && process.figures().unwrap().resident > 0);
    drop(process);
    assert!(!is_there(pid));
}

#[tokio::test]
async fn a_process_that_ends_too_early_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = shell("echo no such feed >&2; exit 3", &folder.path().join("log"));
    let waited = process.line("it is ready", LIMIT, |line| (line == "ready").then_some(())).await;
    let told = waited.unwrap_err().told();
    assert!(told.contains("no such feed") && told.contains("exit status: 3"), "{told}");
}

#[tokio::test]
async fn a_process_that_does_not_stop_in_good_order_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut process =
        shell("trap 'echo broken; exit 4' TERM; echo ready; while :; do sleep 0.01; done", &folder.path().join("log"));
    process.line("it is ready", LIMIT, |line| (line == "ready").then_some(())).await.unwrap();
    let told = process.stop(LIMIT).await.unwrap_err().told();
    assert!(told.contains("broken") && told.contains("exit status: 4"), "{told}");
}

#[tokio::test]
async fn a_wait_ends_and_says_what_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = shell("echo busy; exec sleep 600", &folder.path().join("log"));
    process.line("it is busy", LIMIT, |line| (line == "busy").then_some(())).await.unwrap();
    let waited = process.line("it is ready", Duration::from_millis(20), |_| None::<()>).await;
    let told = waited.unwrap_err().told();
    assert!(told.contains("it is ready") && told.contains("busy"), "{told}");
}

#[test]
fn a_missing_program_is_told_with_the_remedy() {
    let told = program("crossfeed-nowhere").unwrap_err().told();
    assert!(told.contains("cargo build --workspace"), "{told}");
}

/// What the next test kills: it starts a process, tells its id, and stays. In a run of all tests it is nothing.
#[tokio::test]
async fn starter() {
    if !std::env::args().any(|argument| argument == "starter") {
        return;
    }
    let process = shell("exec sleep 600", Path::new("/dev/null"));
    println!("\nstarted {}", process.pid());
    tokio::time::sleep(Duration::from_secs(600)).await;
}

#[tokio::test]
async fn a_process_ends_with_its_starter_however_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "starter", "--nocapture"];
    let mut starter = Process::start(&this, arguments, &folder.path().join("log")).unwrap();
    let told = |line: &str| line.strip_prefix("started ").and_then(|pid| pid.parse::<u32>().ok());
    let pid = starter.line("the starter has started", LIMIT, told).await.unwrap();
    assert!(is_there(pid));
    starter.kill().unwrap();
    let gone = async || Ok((!is_there(pid)).then_some(()));
    until("what it started is gone", LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn an_org_is_told_what_to_do_and_tells_what_it_did() {
    let org = Org::within(simulator::Options::default()).await.unwrap();
    org.add_channel("/event/More__e", Some(&serde_json::json!({"A__c": {"type": "number"}}))).await.unwrap();
    org.publish(&Publish::new("/event/More__e", 3)).await.unwrap();
    org.publish(&Publish { record_ids: 2, ..Publish::new("/data/AccountChangeEvent", 5_000) }).await.unwrap();
    let mut made = Vec::new();
    org.ledger("/data/AccountChangeEvent", |row| made.push(row)).await.unwrap();
    assert_eq!(made.len(), 5_000);
    assert!(made.iter().all(|row| row.record_ids.len() == 2 && row.bytes > 900));
    assert_eq!(org.newest("/data/AccountChangeEvent").await.unwrap(), made.last().map(|row| row.replay_id));
    assert_eq!(org.stats().await.unwrap().channel("/event/More__e").made, 3);
    assert_eq!(org.expire("/event/More__e").await.unwrap(), 3);
    assert_eq!(org.end_sessions(How::UnknownClient).await.unwrap(), 0);
    assert_eq!(org.revoke_tokens().await.unwrap(), 0);
    org.fault(&Fault::next("connect", "cut")).await.unwrap();
    org.clear_faults().await.unwrap();
    org.accepted("Shipment__e", |_| unreachable!("nothing was published by REST")).await.unwrap();
    let refused = org.publish(&Publish::new("/event/Unknown__e", 1)).await;
    assert!(matches!(refused, Err(Error::Refused { status: 404, .. })), "{refused:?}");
}

#[tokio::test]
async fn kafka_comes_back_with_its_data_and_its_port() {
    let Some(mut kafka) = kafka_or_skip().await else { return };
    let bootstrap = kafka.bootstrap().to_owned();
    let producer = Producer::new(&kafka.cluster(), "test", 1 << 20).unwrap();
    let create = Some(Creation { partitions: 1, replication: 1 });
    producer.ensure_topic(&Topic { name: "kept".to_owned(), create }, LIMIT).await.unwrap();
    let mut batch = producer.batch();
    assert_eq!(batch.send(&Record { topic: "kept", value: b"x", ..Record::default() }).unwrap(), Sent::Queued);
    batch.finish().await.unwrap();
    for kill in [true, false] {
        if kill {
            kafka.kill().await.unwrap()
        } else {
            kafka.stop().await.unwrap()
        }
        kafka.start_again().await.unwrap();
        assert_eq!(kafka.bootstrap(), bootstrap);
        assert_eq!(kafka::read_all(&kafka.cluster(), "kept", LIMIT).await.unwrap().len(), 1);
    }
}
