//! `crossfeed-bench`: what the bridge costs beside what its work costs at least, on a real Kafka.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

mod bayeux;
mod bridge;
mod drain;
mod legs;
mod machine;
mod many;
mod raw;
mod report;

use clap::{Parser, Subcommand};
use harness::Error;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures the bridge from a Salesforce simulator to Apache Kafka, beside a bare producer and a bare reader with the same
/// events, each in a process of its own. Nothing else should run on the machine.
#[derive(Debug, Clone, Parser)]
#[command(name = "crossfeed-bench", version, disable_help_subcommand = true)]
#[command(override_usage = "crossfeed-bench [OPTIONS]")]
struct Arguments {
    /// Events in each of the three legs; the bridge replays as many that are retained
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    events: u64,
    /// Where to write the figures
    #[arg(long, value_name = "FILE", default_value = "bench.json")]
    json: PathBuf,
    /// Keep the folder with configuration, logs and data, and tell where it is
    #[arg(long)]
    keep: bool,
    #[command(subcommand)]
    leg: Option<Leg>,
}

/// What this program starts itself as.
#[derive(Debug, Clone, Subcommand)]
enum Leg {
    #[command(hide = true)]
    Raw(raw::Arguments),
    #[command(hide = true)]
    Drain(drain::Arguments),
    /// Only this: what a thousand channels in one process take beside twenty
    Many,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let told = match &arguments.leg {
        Some(Leg::Raw(arguments)) => raw::run(arguments).await.map(|leg| leg.told()),
        Some(Leg::Drain(arguments)) => drain::run(arguments).await.map(|leg| leg.told()),
        Some(Leg::Many) => many::alone().await.map(|many| many.to_string()),
        None => return bench(&arguments).await,
    };
    match told {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

async fn bench(arguments: &Arguments) -> ExitCode {
    let folder = match tempfile::Builder::new().prefix("crossfeed-bench-").tempdir() {
        Ok(folder) => folder,
        Err(source) => return failed(&Error::Io { what: "no temporary folder".to_owned(), source }),
    };
    // Dropped, and with it everything that it started, before the folder is removed.
    let measured = tokio::select! {
        measured = measured(arguments, folder.path()) => Some(measured),
        () = harness::told_to_stop() => None,
    };
    let (code, keep) = match measured {
        Some(Ok(report)) if report.is_whole() => (ExitCode::SUCCESS, arguments.keep),
        Some(Ok(_)) => (ExitCode::FAILURE, true),
        Some(Err(error)) => (failed(&error), true),
        None => {
            eprintln!("interrupted: everything is ended");
            (ExitCode::from(harness::INTERRUPTED), arguments.keep)
        }
    };
    if keep {
        println!("Configuration, logs and data are in {}", folder.keep().display());
    }
    code
}

async fn measured(arguments: &Arguments, folder: &Path) -> Result<Report, Error> {
    let report = legs::run(arguments, folder).await?;
    println!("\n{report}");
    let json = serde_json::to_string_pretty(&report).unwrap_or_default();
    std::fs::write(&arguments.json, json + "\n")
        .map_err(|source| Error::Io { what: format!("cannot write {}", arguments.json.display()), source })?;
    println!("All figures are in {}", arguments.json.display());
    Ok(report)
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("\nThe bench failed: {}", error.told());
    ExitCode::FAILURE
}
