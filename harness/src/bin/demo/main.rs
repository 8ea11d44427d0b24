//! `crossfeed-demo`: events both ways between a Salesforce simulator and Apache Kafka, the bridge killed in mid-stream,
//! and a count of what arrived.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

mod progress;
mod report;
mod shipments;
mod show;
mod stage;

use clap::Parser;
use progress::Progress;
use report::Report;
use stage::Stage;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use tempfile::TempDir;

/// Carries events both ways between a Salesforce simulator and Apache Kafka, kills the bridge in mid-stream, and counts
/// what arrived. Everything runs on this machine and is ended and removed afterwards.
#[derive(Debug, Clone, Parser)]
#[command(name = "crossfeed-demo", version)]
struct Arguments {
    /// Events from Salesforce to Kafka, half of them change events, half platform events
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    events: u64,
    /// Records from Kafka to Salesforce
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    records: u32,
    /// Keep the folder with configuration, logs and data, and tell where it is
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = match tempfile::Builder::new().prefix("crossfeed-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(&format!("no temporary folder: {error}")),
    };
    // Dropped, and with it everything that it started, before the folder is removed.
    let shown = tokio::select! {
        shown = shown(&arguments, folder.path()) => Some(shown),
        () = harness::told_to_stop() => None,
    };
    let Some(shown) = shown else {
        eprintln!("interrupted: everything is ended");
        leave(folder, arguments.keep);
        return ExitCode::from(harness::INTERRUPTED);
    };
    match shown {
        Ok(report) => {
            println!("\n{report}");
            leave(folder, arguments.keep || !report.is_good());
            if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let code = failed(&error.told());
            leave(folder, true);
            code
        }
    }
}

async fn shown(arguments: &Arguments, folder: &Path) -> Result<Report, harness::Error> {
    let begin = Instant::now();
    println!("Starting Apache Kafka, a Salesforce simulator and crossfeed on this machine …");
    let mut stage = Stage::set(folder).await?;
    println!(
        "{} events from Salesforce to Kafka and {} records back, at once; half way, crossfeed is killed.\n",
        arguments.events, arguments.records
    );
    let mut progress = Progress::new(arguments.events, u64::from(arguments.records));
    let shown = show::run(&mut stage, arguments, &mut progress).await;
    progress.finish();
    let (outward, back) = shown?;
    Ok(Report { outward, back, took: begin.elapsed() })
}

fn leave(folder: TempDir, keep: bool) {
    if keep {
        println!("Configuration, logs and data are in {}", folder.keep().display());
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("\nThe demo failed: {why}");
    ExitCode::FAILURE
}
