//! `crossfeed positions export` and `import`: a header line, then a position a line, each a JSON object.

use super::change::{Asked, change};
use super::{Manner, Refused, Seen, Written, say};
use crate::position::{Binding, Change, Error, Position, Target};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// Tells this file from others, and its format from later ones.
    crossfeed_positions: u32,
    exported_at: Timestamp,
    /// What each feed's positions belong to.
    bindings: BTreeMap<String, Binding>,
}

/// Every other line. Fields may be added.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    feed: String,
    channel: String,
    position: Position,
    /// For people: an import writes anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    saved_at: Option<Timestamp>,
}

pub(super) fn export(written: &Written, feed: Option<&str>, output: Option<&Path>) -> Result<ExitCode, Refused> {
    let seen = Seen::of(written)?;
    if let Some(feed) = feed {
        seen.known.channels(feed)?;
    }
    let is_asked = |of: &str| feed.is_none_or(|feed| feed == of);
    let mut header = Header { crossfeed_positions: FORMAT, exported_at: Timestamp::now(), bindings: BTreeMap::new() };
    let mut lines = Vec::new();
    for saved in &seen.saved {
        let saved = match saved {
            Ok(saved) => saved,
            Err(Error::Unreadable { feed: of, .. }) if !is_asked(of) => continue,
            // What is missing in a file would start anew where it is imported.
            Err(error) => return Err(Refused::failed(format!("{error}; nothing was exported"))),
        };
        if !is_asked(&saved.feed) {
            continue;
        }
        let binding = seen.store.as_ref().map(|store| store.binding(&saved.feed)).transpose()?.flatten();
        header.bindings.extend(binding.map(|binding| (saved.feed.clone(), binding)));
        lines.push(as_line(&Line {
            feed: saved.feed.clone(),
            channel: saved.channel.clone(),
            position: saved.position.clone(),
            saved_at: Some(saved.written),
        }));
    }
    let count = lines.len();
    lines.insert(0, as_line(&header));
    let text = lines.join("\n");
    match output {
        None => say(&text),
        Some(path) => {
            std::fs::write(path, text + "\n")
                .map_err(|error| Refused::failed(format!("{} cannot be written: {error}", path.display())))?;
            say(&format!("{count} positions are in {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn import(
    written: &Written,
    path: &Path,
    feed: Option<&str>,
    force: bool,
    manner: &Manner,
) -> Result<ExitCode, Refused> {
    let name = path.display();
    let text = match path.as_os_str().as_encoded_bytes() {
        b"-" => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| Refused::wrong(format!("{name} cannot be read: {error}")))?;
    let (header, lines) = read(&text).map_err(|wrong| Refused::wrong(format!("{name}:{wrong}")))?;
    let seen = Seen::of(written)?;
    if let Some(feed) = feed {
        seen.known.channels(feed)?;
    }
    let mut asked = Asked::default();
    for line in lines.into_iter().filter(|line| feed.is_none_or(|feed| feed == line.feed)) {
        let channel = seen.known.channel(&line.feed, &line.channel)?.to_owned();
        asked.changes.push(Change { feed: line.feed, channel, to: Target::Exactly(line.position) });
    }
    if asked.changes.is_empty() {
        let of = feed.map(|feed| format!(" of feed `{feed}`")).unwrap_or_default();
        return Err(Refused::wrong(format!("{name} has no position{of}")));
    }
    // By force nothing is said of what they belong to: the feed's next opening ties them to what it finds.
    if !force {
        let feeds: BTreeSet<&String> = asked.changes.iter().map(|change| &change.feed).collect();
        for feed in feeds {
            let binding = header.bindings.get(feed).ok_or_else(|| {
                Refused::wrong(format!(
                    "{name}:1: nothing says to which org the positions of feed `{feed}` belong; take them all the same \
                     with --force"
                ))
            })?;
            asked.bindings.insert(feed.clone(), binding.clone());
        }
    }
    change(written, seen, &asked, manner)
}

/// Understands a file, or says what is wrong with it, with its line.
fn read(text: &str) -> Result<(Header, Vec<Line>), String> {
    let mut numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let not_ours = || "1: this is no file that `crossfeed positions export` wrote".to_owned();
    let (_, first) = numbered.next().ok_or_else(not_ours)?;
    // The format first: of a later one nothing else need be understood.
    let fields: serde_json::Value = serde_json::from_str(first).map_err(|_| not_ours())?;
    match fields.get("crossfeed_positions").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => return Err(format!("1: format {format}; this version knows format {FORMAT}")),
        None => return Err(not_ours()),
    }
    let header = serde_json::from_value(fields).map_err(|error| format!("1: {error}"))?;
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in numbered.filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| format!("{number}: {error}"))?;
        if lines.iter().any(|other| other.feed == line.feed && other.channel == line.channel) {
            return Err(format!("{number}: the channel {} of feed `{}` is named twice", line.channel, line.feed));
        }
        lines.push(line);
    }
    Ok((header, lines))
}

fn as_line(value: &impl Serialize) -> String {
    // Strings and numbers under string keys: serialising them cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

#[cfg(test)]
mod tests;
