//! `crossfeed gaps`: events that can no longer be had.

use super::{FAILED, WRONG_INPUT, complain, outline, say};
use crate::position::{Edge, Error, Gap, Store};
use clap::Subcommand;
use std::path::Path;
use std::process::ExitCode;

/// What to do with gaps.
#[derive(Debug, Subcommand)]
pub enum GapsCommand {
    /// List what is gone, the oldest first, the last 1000 of each feed; works beside a running bridge
    List {
        /// One JSON object a line: the record on the gaps topic
        #[arg(long)]
        json: bool,
        /// This feed only
        feed: Option<String>,
    },
}

/// Runs a `gaps` command.
#[must_use]
pub fn gaps(command: &GapsCommand, named: Option<&Path>) -> ExitCode {
    let GapsCommand::List { json, feed } = command;
    let outline = match outline(named) {
        Ok((_, outline)) => outline,
        Err(code) => return code,
    };
    if let Some(feed) = feed
        && !outline.feeds.contains(feed)
    {
        complain(&format!("there is no feed `{feed}`; described in the file: {}", outline.feeds.join(", ")));
        return ExitCode::from(WRONG_INPUT);
    }
    let gaps = match Store::open_to_read(&outline.positions).and_then(|store| store.gaps(feed.as_deref())) {
        Ok(gaps) => gaps,
        Err(Error::Missing { .. }) => Vec::new(),
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(FAILED);
        }
    };
    if *json {
        gaps.iter().for_each(|gap| say(&String::from_utf8_lossy(&gap.to_json())));
    } else if gaps.is_empty() {
        say("no gap is recorded");
    } else {
        gaps.iter().for_each(|gap| say(&told(gap)));
    }
    ExitCode::SUCCESS
}

/// A gap in two lines: what is gone, and what can be done about it.
fn told(gap: &Gap) -> String {
    let cause = gap.cause.as_str();
    let what = match &gap.change {
        Some(change) => {
            let entity = change.entity.as_deref().unwrap_or("?");
            format!("{} of {entity} {}", change.change_type, change.record_ids.join(", "))
        }
        None => format!("after {}, before {}", edge(gap.last.as_ref()), edge(gap.first.as_ref())),
    };
    format!("{}  {}  {}  {cause}: {what}\n    {}", gap.detected_at, gap.feed, gap.channel, gap.cause.remedy())
}

fn edge(edge: Option<&Edge>) -> String {
    let Some(edge) = edge else { return "what came next".to_owned() };
    let id = edge.replay_id.as_deref().unwrap_or("the beginning");
    match edge.time {
        Some(time) => format!("{id} ({time})"),
        None => id.to_owned(),
    }
}
