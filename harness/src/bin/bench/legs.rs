//! The legs, one after the other, each in a process of its own.

use crate::bayeux::Session;
use crate::report::{Aims, Figures, Report, Settings};
use crate::{Arguments, bridge, machine, many};
use harness::{Error, Kafka, Org, Process, Publish};
use std::path::Path;
use std::time::Duration;

/// Runs everything.
pub(crate) async fn run(arguments: &Arguments, folder: &Path) -> Result<Report, Error> {
    if cfg!(debug_assertions) {
        println!("This is a debug build: its figures mean nothing. Build with cargo build --release --workspace");
    }
    println!("Starting Apache Kafka and a Salesforce simulator, and making {} events …", arguments.events);
    let (data, log) = (folder.join("kafka"), folder.join("simulator.log"));
    let (kafka, org) = tokio::try_join!(Kafka::start_in(&data), Org::start(&[], &log))?;
    org.publish(&Publish::new(THREE_LEGS, arguments.events)).await?;
    let reply = folder.join("reply.json");
    let (_, body) = Session::open(org.url(), THREE_LEGS).await?;
    std::fs::write(&reply, &body).map_err(|source| Error::Io { what: reply.display().to_string(), source })?;
    let count = arguments.events.to_string();
    let same = ["--channel", THREE_LEGS, "--count", &count];

    println!("1. a bare producer …");
    let own = ["raw", "--brokers", kafka.bootstrap(), "--reply", &reply.to_string_lossy()];
    let raw = [&own[..], &same].concat();
    // Twice: the first one warms up Kafka, which has just been started.
    leg(&raw, &folder.join("warm-up.log")).await?;
    let raw = leg(&raw, &folder.join("raw.log")).await?;
    println!("2. a bare reader …");
    let own = ["drain", "--org", org.url()];
    let drain = leg(&[&own[..], &same].concat(), &folder.join("drain.log")).await?;
    println!("3. the bridge …");
    let (bridge, verdict) = bridge::replay(&folder.join("bridge"), &org, &kafka, THREE_LEGS, arguments.events).await?;
    println!("4. the bridge, started and left alone …");
    org.publish(&Publish::new(IDLE, 1)).await?;
    let start = bridge::idle(&folder.join("idle"), &org, &kafka, IDLE).await?;
    println!("5. the bridge with 20 channels, and with 1,000 …");
    let many = many::run(&folder.join("many"), &kafka).await?;
    let settings = Settings::new(arguments.events, body.len());
    let aims = Aims::of(&raw, &drain, &bridge, &start, &many);
    let machine = machine::Machine::this();
    Ok(Report { machine, settings, raw, drain, bridge, verdict: verdict.into(), start, many, aims })
}

/// Starts this program as one of its legs, and waits for what it tells.
async fn leg(arguments: &[&str], log: &Path) -> Result<Figures, Error> {
    let this = std::env::current_exe()
        .map_err(|source| Error::Io { what: "cannot tell where this program is".to_owned(), source })?;
    let mut process = Process::start(&this, arguments, log)?;
    process.line("the leg is done", LEG_LIMIT, Figures::heard).await
}

const THREE_LEGS: &str = "/data/AccountChangeEvent";
const IDLE: &str = "/data/LeadChangeEvent";
const LEG_LIMIT: Duration = Duration::from_secs(300);
