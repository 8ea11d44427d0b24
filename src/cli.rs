//! The command line, one file per subcommand.

mod admin_client;
mod check;
mod gaps;
mod login;
mod pause;
mod positions;
mod reload;
mod run;

pub use check::{CheckArguments, check};
pub use gaps::{GapsCommand, gaps};
pub use login::{LoginArguments, login, logout};
pub use pause::{PauseArguments, pause, resume};
pub use positions::{PositionsCommand, positions};
pub use reload::reload;
pub use run::run;

use crate::config::{Config, Feed, Outline, Problems, is_name};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::runtime::{Builder, Runtime};

/// Carries events between Salesforce and Apache Kafka, both ways, and never loses one.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None)]
pub struct Cli {
    /// The configuration file; else crossfeed.toml, else /etc/crossfeed/crossfeed.toml
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all feeds of the file until told to stop (SIGTERM or Ctrl-C; a second one stops at once)
    Run {
        /// Log in once more where the same credentials were refused before: after the cause was mended in Salesforce
        #[arg(long)]
        retry_login: bool,
    },
    /// Check the file, and every org, channel, cluster and topic that it names; nothing is written
    Check(CheckArguments),
    /// Log in to an org once, with a browser: for an org that logs in by authorization code
    Login(LoginArguments),
    /// Revoke and remove what `login` has kept
    Logout {
        /// The org's name in the file
        org: String,
    },
    /// Let a feed fetch nothing until it is resumed, also over restarts
    Pause(PauseArguments),
    /// Let a feed go on that was paused, or that had stopped for a person
    Resume {
        /// The feed's name in the file
        #[arg(value_parser = feed_name)]
        feed: String,
    },
    /// Have a running bridge read its file again: feeds that changed restart, the others do not notice
    Reload,
    /// See where each channel stands, and move it
    #[command(subcommand)]
    Positions(PositionsCommand),
    /// See which events can no longer be had
    #[command(subcommand)]
    Gaps(GapsCommand),
}

impl Command {
    /// What is logged where nobody says otherwise: a command that ends tells what it found in its own words.
    #[must_use]
    pub fn log_level(&self) -> &'static str {
        match self {
            Self::Run { .. } => "info",
            Self::Check(_) | Self::Login(_) | Self::Logout { .. } | Self::Positions(_) => "error",
            Self::Gaps(_) | Self::Pause(_) | Self::Resume { .. } | Self::Reload => "error",
        }
    }
}

/// Reads the configuration, or tells all that is wrong with it.
fn load(named: Option<&Path>) -> Result<(PathBuf, Config), ExitCode> {
    load_by(named, Config::load)
}

/// Reads what tells where a running bridge is, without any secret.
fn outline(named: Option<&Path>) -> Result<(PathBuf, Outline), ExitCode> {
    load_by(named, Outline::load)
}

/// Reads the same, and what the feeds are.
fn outline_with_feeds(named: Option<&Path>) -> Result<(Outline, Vec<Feed>), ExitCode> {
    load_by(named, Outline::load_with_feeds).map(|(_, read)| read)
}

fn load_by<T>(named: Option<&Path>, read: impl FnOnce(&Path) -> Result<T, Problems>) -> Result<(PathBuf, T), ExitCode> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => match Config::PLACES.iter().map(Path::new).find(|path| path.exists()) {
            Some(path) => path.to_owned(),
            None => {
                let places = Config::PLACES.join(" nor ");
                complain(&format!("there is neither {places}: name a file with -c FILE"));
                return Err(ExitCode::from(WRONG_INPUT));
            }
        },
    };
    match read(&path) {
        Ok(read) => Ok((path, read)),
        Err(problems) => {
            complain(&problems.to_string());
            Err(ExitCode::from(WRONG_INPUT))
        }
    }
}

/// A word that may be a feed's name, and so part of a path.
fn feed_name(word: &str) -> Result<String, &'static str> {
    if is_name(word) { Ok(word.to_owned()) } else { Err("not a feed's name: letters, digits, `-` and `_`") }
}

/// The runtime of a command that connects.
fn runtime() -> Result<Runtime, ExitCode> {
    Builder::new_multi_thread().enable_all().build().map_err(|error| {
        complain(&format!("no runtime can be made: {error}"));
        ExitCode::from(FAILED)
    })
}

/// Says what a person must know, on standard error.
#[expect(clippy::print_stderr, reason = "a command's words to the person who typed it")]
fn complain(text: &str) {
    eprintln!("{text}");
}

/// A command's output.
#[expect(clippy::print_stdout, reason = "a command's output")]
fn say(text: &str) {
    println!("{text}");
}

/// The exit code where the file, or the command line, is wrong.
const WRONG_INPUT: u8 = 2;
/// The exit code where it could not be done.
const FAILED: u8 = 1;
