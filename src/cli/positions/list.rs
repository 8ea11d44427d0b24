//! `crossfeed positions list`.

use super::{FAILED, Refused, Seen, Written, complain, say};
use crate::position::{Entry, Position, Saved};
use jiff::Timestamp;
use std::process::ExitCode;

pub(super) fn positions(written: &Written, json: bool) -> Result<ExitCode, Refused> {
    let seen = Seen::of(written)?;
    if seen.store.is_none() {
        say(&format!("no position is saved yet: there is no store in {}", written.outline.positions.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let (saved, unreadable) = seen.readable();
    unreadable.iter().for_each(|error| complain(&error.to_string()));
    if json {
        saved.iter().for_each(|saved| say(&as_json(saved)));
    } else if saved.is_empty() {
        say("no position is saved yet");
    } else {
        let now = Timestamp::now();
        let rows = saved.iter().map(|saved| {
            let age = time(&saved.position).map_or_else(|| "-".to_owned(), |time| ago(time, now));
            let written = format!("{} ago", ago(saved.written, now));
            [saved.feed.clone(), saved.channel.clone(), place(&saved.position), age, written]
        });
        say(&table(["FEED", "CHANNEL", "POSITION", "AGE", "SAVED"], rows));
    }
    Ok(if unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

pub(super) fn history(written: &Written, json: bool) -> Result<ExitCode, Refused> {
    let seen = Seen::of(written)?;
    let mut entries = Vec::new();
    if let Some(store) = &seen.store {
        for feed in store.feeds_with_history()? {
            entries.extend(store.history(&feed)?);
        }
    }
    entries.sort_by_key(|entry| entry.at);
    if json {
        entries.iter().for_each(|entry| say(&serde_json::to_string(entry).unwrap_or_default()));
    } else if entries.is_empty() {
        say("no position was ever changed by hand");
    } else {
        let rows = entries.iter().map(|entry| {
            let [at, from, to, by, why] = of_history(entry);
            [at, entry.feed.clone(), entry.channel.clone(), from, to, by, why]
        });
        say(&table(["WHEN", "FEED", "CHANNEL", "FROM", "TO", "BY", "WHY"], rows));
    }
    Ok(ExitCode::SUCCESS)
}

/// When, from, to, by and why, of a change by hand.
pub(super) fn of_history(entry: &Entry) -> [String; 5] {
    let position = |position: &Option<Position>| position.as_ref().map_or_else(|| "-".to_owned(), place);
    let why = entry.reason.clone().unwrap_or_else(|| "-".to_owned());
    [seconds(entry.at), position(&entry.from), position(&entry.to), entry.by.clone(), why]
}

fn as_json(saved: &Saved) -> String {
    let id = match &saved.position {
        Position::At { id, .. } => Some(id.to_string()),
        Position::Begun { .. } | Position::Earliest => None,
    };
    serde_json::json!({
        "feed": saved.feed, "channel": saved.channel, "replay_id": id, "time": time(&saved.position),
        "position": saved.position, "saved_at": saved.written, "commit_seq": saved.commit_seq,
    })
    .to_string()
}

/// Columns as wide as what is in them.
pub(super) fn table<const N: usize>(titles: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(titles.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A position in a few words.
pub(super) fn place(position: &Position) -> String {
    match position {
        Position::Earliest => "earliest, no event yet".to_owned(),
        Position::Begun { .. } => "begun, no event yet".to_owned(),
        Position::At { id, .. } => id.to_string(),
    }
}

/// The time of the event at a position, or of the subscription.
pub(super) fn time(position: &Position) -> Option<Timestamp> {
    match position {
        Position::Earliest => None,
        Position::Begun { date } => Some(*date),
        Position::At { time_ms, .. } => Timestamp::from_millisecond((*time_ms)?).ok(),
    }
}

pub(super) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = u64::try_from(now.duration_since(time).as_secs()).unwrap_or_default();
    humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string()
}

pub(super) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
