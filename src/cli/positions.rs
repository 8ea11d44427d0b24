//! `crossfeed positions`: where each channel stands, and moving it.

mod change;
mod file;
mod list;
mod show;

use super::{FAILED, WRONG_INPUT, complain, outline_with_feeds, say};
use crate::config::{Feed, Outline};
use crate::position::{Error, Known, Saved, Store, Target, Unknown};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with positions.
#[derive(Debug, Subcommand)]
pub enum PositionsCommand {
    /// List all positions; works beside a running bridge
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// What was changed by hand instead, the oldest change first
        #[arg(long)]
        history: bool,
    },
    /// Show all that is known of a feed's positions; works beside a running bridge
    Show {
        /// The feed
        feed: String,
        /// One of its channels
        channel: Option<String>,
    },
    /// Write positions to a file, to keep them or to take them elsewhere; works beside a running bridge
    Export {
        /// Of this feed alone
        feed: Option<String>,
        /// The file, else standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Take positions from a file that `export` wrote
    Import {
        /// The file, or `-`: standard input (then with --yes or --dry-run)
        file: PathBuf,
        /// Of this feed alone
        #[arg(long)]
        feed: Option<String>,
        /// Also where they belong to another org or Kafka cluster
        #[arg(long)]
        force: bool,
        /// How to go about it
        #[command(flatten)]
        manner: Manner,
    },
    /// Move a channel's position
    Set {
        /// The feed
        feed: String,
        /// The channel
        channel: String,
        /// `earliest`: everything that is retained comes again. `latest`: what comes from now on. A replay id: what came
        /// after that event
        #[arg(long, value_name = "earliest|latest|ID", allow_hyphen_values = true)]
        to: Target,
        /// How to go about it
        #[command(flatten)]
        manner: Manner,
    },
    /// Remove positions: the start of the file holds again
    Reset {
        /// The feed
        feed: String,
        /// The channel
        #[arg(required_unless_present = "all")]
        channel: Option<String>,
        /// All channels of the feed; positions of another org or cluster may be kept under its name then
        #[arg(long, conflicts_with = "channel")]
        all: bool,
        /// How to go about it
        #[command(flatten)]
        manner: Manner,
    },
}

/// How to go about a change.
#[derive(Debug, Args)]
pub struct Manner {
    /// Say what would be done, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    /// Why: kept in the history
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
}

/// Runs a `positions` command.
#[must_use]
pub fn positions(command: &PositionsCommand, named: Option<&Path>) -> ExitCode {
    let written = match outline_with_feeds(named) {
        Ok((outline, feeds)) => Written { outline, feeds },
        Err(code) => return code,
    };
    let done = match command {
        PositionsCommand::List { json, history: false } => list::positions(&written, *json),
        PositionsCommand::List { json, history: true } => list::history(&written, *json),
        PositionsCommand::Show { feed, channel } => show::show(&written, feed, channel.as_deref()),
        PositionsCommand::Export { feed, output } => file::export(&written, feed.as_deref(), output.as_deref()),
        PositionsCommand::Import { file, feed, force, manner } => {
            file::import(&written, file, feed.as_deref(), *force, manner)
        }
        PositionsCommand::Set { feed, channel, to, manner } => change::set(&written, feed, channel, to, manner),
        PositionsCommand::Reset { feed, channel, all: _, manner } => {
            change::reset(&written, feed, channel.as_deref(), manner)
        }
    };
    match done {
        Ok(code) => code,
        Err(Refused { text, code }) => {
            complain(&text);
            ExitCode::from(code)
        }
    }
}

/// Why a command did nothing, and its exit code.
struct Refused {
    text: String,
    code: u8,
}

impl Refused {
    /// What was typed, or what the file says, is wrong.
    fn wrong(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: WRONG_INPUT }
    }

    /// It cannot be done.
    fn failed(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: FAILED }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::failed(crate::decide::chain(&error))
    }
}

impl From<Unknown> for Refused {
    fn from(unknown: Unknown) -> Self {
        Self::wrong(unknown)
    }
}

/// What the file says of feeds and their positions.
struct Written {
    outline: Outline,
    feeds: Vec<Feed>,
}

/// The store as it can be read beside a bridge that runs.
struct Seen {
    /// Absent: nothing was ever saved.
    store: Option<Store>,
    saved: Vec<Result<Saved, Error>>,
    known: Known,
}

impl Seen {
    fn of(written: &Written) -> Result<Self, Refused> {
        match Store::open_to_read(&written.outline.positions) {
            Ok(store) => Self::with(written, store),
            Err(Error::Missing { .. }) => {
                Ok(Self { store: None, saved: Vec::new(), known: Known::new(&written.feeds, &[]) })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn with(written: &Written, store: Store) -> Result<Self, Refused> {
        let saved = store.list()?;
        let known = Known::new(&written.feeds, &saved);
        Ok(Self { store: Some(store), saved, known })
    }

    /// What can be read, and what cannot.
    fn readable(&self) -> (Vec<&Saved>, Vec<&Error>) {
        let readable = self.saved.iter().filter_map(|saved| saved.as_ref().ok()).collect();
        (readable, self.saved.iter().filter_map(|saved| saved.as_ref().err()).collect())
    }
}
