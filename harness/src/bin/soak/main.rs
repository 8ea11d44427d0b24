//! `crossfeed-soak`: disturbs a bridge without pause, and says what became of every event.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use clap::{Parser, Subcommand};
use harness::pressure::Pressure;
use harness::soak::Order;
use harness::{Error, Kafka};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Disturbs the bridge between a Salesforce simulator and Apache Kafka each 50 to 500 ms, with events on 20 channels all
/// the while, and then compares what was made with what arrived.
#[derive(Debug, Clone, Parser)]
#[command(name = "crossfeed-soak", version, disable_help_subcommand = true)]
struct Arguments {
    /// How long it is disturbed
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// Repeats the disturbances of an earlier run, which told its seed
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the folder with configuration, positions and log, and tell where it is
    #[arg(long)]
    keep: bool,
    #[command(subcommand)]
    other: Option<Other>,
}

/// What else it does.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Other {
    /// Lets 20 feeds replay without end into a Kafka that takes 1 MB/s, and looks at the memory
    Pressure {
        /// How long; memory is looked at from two thirds of it on
        #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(30..=10_000))]
        seconds: u64,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = match tempfile::Builder::new().prefix("crossfeed-soak-").tempdir() {
        Ok(folder) => folder,
        Err(source) => return failed(&Error::Io { what: "no temporary folder".to_owned(), source }),
    };
    let ran = tokio::select! {
        ran = run(&arguments, folder.path()) => ran,
        () = harness::told_to_stop() => {
            eprintln!("interrupted: everything is ended");
            return ExitCode::from(harness::INTERRUPTED);
        }
    };
    let (code, keep) = match ran {
        Ok(violations) if violations.is_empty() => {
            println!("nothing is wrong");
            (ExitCode::SUCCESS, arguments.keep)
        }
        Ok(violations) => {
            violations.iter().for_each(|violation| println!("WRONG: {violation}"));
            (ExitCode::FAILURE, true)
        }
        Err(error) => (failed(&error), true),
    };
    if keep {
        println!("Configuration, positions and log are in {}", folder.keep().display());
    }
    code
}

async fn run(arguments: &Arguments, folder: &Path) -> Result<Vec<String>, Error> {
    if let Some(Other::Pressure { seconds }) = arguments.other {
        let (bytes_per_second, memory_mib) = (1_000_000, 32);
        let order = Pressure { seconds, flat_from: seconds * 2 / 3, bytes_per_second, memory_mib, flat_within: 5 };
        let squeezed = order.squeeze(folder, &Kafka::start().await?).await?;
        println!("{squeezed}");
        return Ok(squeezed.violations());
    }
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = arguments.seed.unwrap_or_else(now);
    println!("seed {seed}: --seed {seed} repeats this");
    let order = Order { seconds: arguments.minutes * 60, seed, restarts: arguments.minutes };
    let report = order.run(folder, |line| println!("{line}")).await?;
    println!("\n{report}");
    Ok(report.violations())
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("\nThe soak failed: {}", error.told());
    ExitCode::FAILURE
}
