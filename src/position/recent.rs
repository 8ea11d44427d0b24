//! What was delivered last: the identities of a channel's newest events, so that those that come again under new replay
//! ids are known.
//!
//! ```text
//! recent   \0 feed \0 channel \0 number of the first → identities, 16 bytes each: of the last 20,000 events, and some
//! repeats  \0 feed \0 channel                        → events come again: up to which number they were delivered (JSON)
//! repeated \0 feed \0 channel \0 number of the write  → identities that have come again, 16 bytes each
//! seen     \0 feed \0 channel                        → until when everything after the position was had (JSON)
//! ```
//!
//! All of it is written with the position, in one write: after a crash the window is what the position says it is.

use super::record::Position;
use super::store::{Error, Store, key};
use super::trace::Had;
use jiff::Timestamp;
use rocksdb::{Direction, IteratorMode, WriteBatch};
use salesforce::Identity;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The events that may come again, and what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Which were delivered, and have not come again: the oldest first.
    pub delivered: Vec<Identity>,
    /// The time of the last one, or until when everything was had, in milliseconds since 1970.
    pub last_ms: Option<i64>,
}

/// Where the next identity of a channel goes, and whether old ones must stay.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    next: u64,
    repeating: bool,
}

/// The ends of the channels that were written to, so that a write need not look for them.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<HashMap<Vec<u8>, End>>);

#[derive(Debug, Serialize, Deserialize)]
struct Repeats {
    upto: u64,
    last_ms: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    /// The position that it belongs to: a position that was set by hand is another.
    position: String,
    until: Timestamp,
}

impl Store {
    /// From now on events may come again that were delivered: what they are known by. Old identities stay until
    /// [`Had::passed`] is saved.
    ///
    /// # Errors
    /// RocksDB failed.
    pub fn begin_repeats(&self, feed: &str, channel: &str, last_ms: Option<i64>) -> Result<Window, Error> {
        let end = self.end(feed, channel)?;
        let mut batch = WriteBatch::default();
        let repeats = Repeats { upto: end.next, last_ms };
        batch.put(key(REPEATS, feed, Some(channel)), serde_json::to_vec(&repeats).unwrap_or_default());
        clear(&mut batch, &place(REPEATED, feed, channel));
        self.db().write(batch)?;
        self.set_end(feed, channel, End { repeating: true, ..end });
        self.window(feed, channel, &repeats)
    }

    /// The events that still may come again; `None` where none may.
    ///
    /// # Errors
    /// RocksDB failed, or what it holds cannot be understood.
    pub fn repeats(&self, feed: &str, channel: &str) -> Result<Option<Window>, Error> {
        let Some(bytes) = self.db().get(key(REPEATS, feed, Some(channel)))? else { return Ok(None) };
        let repeats: Repeats = serde_json::from_slice(&bytes).map_err(|error| unreadable(feed, channel, &error))?;
        self.window(feed, channel, &repeats).map(Some)
    }

    /// Until when everything that came after this very position was had.
    ///
    /// # Errors
    /// RocksDB failed, or what it holds cannot be understood.
    pub fn seen_until(&self, feed: &str, channel: &str, position: &Position) -> Result<Option<Timestamp>, Error> {
        let Some(bytes) = self.db().get(key(SEEN, feed, Some(channel)))? else { return Ok(None) };
        let seen: Seen = serde_json::from_slice(&bytes).map_err(|error| unreadable(feed, channel, &error))?;
        Ok((seen.position == name_of(position)).then_some(seen.until))
    }

    /// Adds what a channel had to a write.
    /// `number` tells it from every other one that was ever written.
    pub(super) fn put_had(
        &self,
        batch: &mut WriteBatch,
        feed: &str,
        had: &Had,
        number: (u64, usize),
    ) -> Result<(), Error> {
        let recent = place(RECENT, feed, &had.channel);
        let mut end = self.end(feed, &had.channel)?;
        let before = end.next;
        for chunk in had.delivered.chunks(CHUNK) {
            batch.put(numbered(&recent, end.next), bytes_of(chunk));
            end.next += chunk.len() as u64;
        }
        if !had.repeated.is_empty() {
            let (commit_seq, index) = number;
            let place = place(REPEATED, feed, &had.channel);
            let key = [numbered(&place, commit_seq), format!("-{index:08x}").into_bytes()].concat();
            batch.put(key, bytes_of(&had.repeated));
        }
        if had.passed {
            end.repeating = false;
            batch.delete(key(REPEATS, feed, Some(&had.channel)));
            clear(batch, &place(REPEATED, feed, &had.channel));
        }
        let in_turn = before / CHUNK as u64 != end.next / CHUNK as u64;
        if !end.repeating && (in_turn || had.passed) {
            let oldest = end.next.saturating_sub(WINDOW + CHUNK as u64);
            batch.delete_range(numbered(&recent, 0), numbered(&recent, oldest));
        }
        self.set_end(feed, &had.channel, end);
        Ok(())
    }

    /// Adds to a write that nothing is known any more of what was delivered: whatever comes then is meant.
    pub(super) fn end_repeats(&self, batch: &mut WriteBatch, feed: &str, channel: &str) -> Result<(), Error> {
        let end = self.end(feed, channel)?;
        batch.delete(key(REPEATS, feed, Some(channel)));
        clear(batch, &place(REPEATED, feed, channel));
        clear(batch, &place(RECENT, feed, channel));
        self.set_end(feed, channel, End { repeating: false, ..end });
        Ok(())
    }

    /// Adds to a write until when everything after a channel's position was had.
    pub(super) fn put_seen(
        &self,
        batch: &mut WriteBatch,
        feed: &str,
        channel: &str,
        position: &Position,
        until: Timestamp,
    ) {
        let seen = Seen { position: name_of(position), until };
        batch.put(key(SEEN, feed, Some(channel)), serde_json::to_vec(&seen).unwrap_or_default());
    }

    fn window(&self, feed: &str, channel: &str, repeats: &Repeats) -> Result<Window, Error> {
        let mut spent: HashMap<Identity, usize> = HashMap::new();
        for (_, identity) in self.identities(&place(REPEATED, feed, channel), 0)? {
            *spent.entry(identity).or_default() += 1;
        }
        let first = repeats.upto.saturating_sub(WINDOW + CHUNK as u64);
        let all = self.identities(&place(RECENT, feed, channel), first)?;
        let delivered = all.into_iter().filter(|(number, _)| *number < repeats.upto).map(|(_, identity)| identity);
        let left = delivered.filter(|identity| match spent.get_mut(identity) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        Ok(Window { delivered: left.collect(), last_ms: repeats.last_ms })
    }

    /// The identities under a place from a number on, each with the number of its chunk.
    fn identities(&self, place: &[u8], from: u64) -> Result<Vec<(u64, Identity)>, Error> {
        let mut all = Vec::new();
        for entry in self.db().iterator(IteratorMode::From(&numbered(place, from), Direction::Forward)) {
            let (key, value) = entry?;
            let Some(number) = key.strip_prefix(place) else { break };
            let number = number_of(number);
            all.extend(value.as_chunks::<16>().0.iter().map(|bytes| (number, Identity::from_bytes(*bytes))));
        }
        Ok(all)
    }

    fn end(&self, feed: &str, channel: &str) -> Result<End, Error> {
        let recent = place(RECENT, feed, channel);
        if let Some(end) = self.ends().0.lock().unwrap_or_else(PoisonError::into_inner).get(&recent) {
            return Ok(*end);
        }
        let last = self.db().iterator(IteratorMode::From(&numbered(&recent, u64::MAX), Direction::Reverse)).next();
        let next = match last.transpose()? {
            Some((key, value)) if key.starts_with(&recent) => {
                number_of(key.get(recent.len()..).unwrap_or_default()) + value.len() as u64 / 16
            }
            _ => 0,
        };
        let repeating = self.db().get(key(REPEATS, feed, Some(channel)))?.is_some();
        Ok(End { next, repeating })
    }

    fn set_end(&self, feed: &str, channel: &str, end: End) {
        let place = place(RECENT, feed, channel);
        self.ends().0.lock().unwrap_or_else(PoisonError::into_inner).insert(place, end);
    }
}

fn place(kind: &str, feed: &str, channel: &str) -> Vec<u8> {
    let mut place = key(kind, feed, Some(channel));
    place.push(0);
    place
}

fn numbered(place: &[u8], number: u64) -> Vec<u8> {
    [place, format!("{number:016x}").as_bytes()].concat()
}

fn number_of(digits: &[u8]) -> u64 {
    std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn clear(batch: &mut WriteBatch, place: &[u8]) {
    batch.delete_range(numbered(place, 0), numbered(place, u64::MAX));
}

fn bytes_of(identities: &[Identity]) -> Vec<u8> {
    identities.iter().flat_map(|identity| identity.to_bytes()).collect()
}

fn name_of(position: &Position) -> String {
    match position {
        Position::Earliest => "earliest".to_owned(),
        Position::Begun { date } => format!("begun {date}"),
        Position::At { id, .. } => id.to_string(),
    }
}

fn unreadable(feed: &str, channel: &str, error: &serde_json::Error) -> Error {
    Error::Unreadable { feed: feed.to_owned(), channel: channel.to_owned(), reason: error.to_string() }
}

const RECENT: &str = "recent";
const REPEATS: &str = "repeats";
const REPEATED: &str = "repeated";
const SEEN: &str = "seen";
/// So many events of a channel are known again: 320 KB on the disk. What is older is delivered a second time, and counted.
const WINDOW: u64 = 20_000;
/// So many identities stand under one key, and so often old ones are removed.
const CHUNK: usize = 1000;

#[cfg(test)]
mod tests;
