//! `crossfeed positions`: where each channel stands.

use super::{FAILED, complain, load, say};
use crate::position::{Error, Position, Saved, Store};
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::process::ExitCode;

/// What to do with positions.
#[derive(Debug, Subcommand)]
pub enum PositionsCommand {
    /// List all positions; works beside a running bridge
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

/// Runs a `positions` command.
#[must_use]
pub fn positions(command: &PositionsCommand, named: Option<&Path>) -> ExitCode {
    let PositionsCommand::List { json } = command;
    let config = match load(named) {
        Ok((_, config)) => config,
        Err(code) => return code,
    };
    let listed = match Store::open_to_read(&config.positions).and_then(|store| store.list()) {
        Ok(listed) => listed,
        Err(Error::Missing { path }) => {
            say(&format!("no position is saved yet: there is no store in {}", path.display()));
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(FAILED);
        }
    };
    let (mut saved, mut unreadable) = (Vec::new(), 0);
    for position in listed {
        match position {
            Ok(position) => saved.push(position),
            Err(error) => {
                unreadable += 1;
                complain(&error.to_string());
            }
        }
    }
    if *json {
        saved.iter().for_each(|saved| say(&as_json(saved)));
    } else if saved.is_empty() {
        say("no position is saved yet");
    } else {
        say(&as_table(&saved, Timestamp::now()));
    }
    if unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

fn as_json(saved: &Saved) -> String {
    let (id, time) = place(saved);
    serde_json::json!({
        "feed": saved.feed, "channel": saved.channel, "replay_id": id, "time": time,
        "saved_at": saved.written, "commit_seq": saved.commit_seq,
    })
    .to_string()
}

fn as_table(saved: &[Saved], now: Timestamp) -> String {
    let titles = ["FEED", "CHANNEL", "POSITION", "AGE", "SAVED"].map(str::to_owned);
    let rows = saved.iter().map(|saved| {
        let (id, time) = place(saved);
        let age = time.map_or_else(|| "-".to_owned(), |time| ago(now.duration_since(time)));
        let written = ago(now.duration_since(saved.written));
        let id = id.unwrap_or_else(|| "begun, no event yet".to_owned());
        [saved.feed.clone(), saved.channel.clone(), id, age, format!("{written} ago")]
    });
    let rows: Vec<[String; 5]> = std::iter::once(titles).chain(rows).collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..5).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn place(saved: &Saved) -> (Option<String>, Option<Timestamp>) {
    match &saved.position {
        Position::Begun { date } => (None, Some(*date)),
        Position::At { id, time_ms } => {
            (Some(id.to_string()), time_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
        }
    }
}

fn ago(span: SignedDuration) -> String {
    let seconds = u64::try_from(span.as_secs()).unwrap_or_default();
    humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string()
}
