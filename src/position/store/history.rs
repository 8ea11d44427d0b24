//! What people did to positions: each change by hand, written together with the position that it made.

use super::{Error, POSITION, Record, Store, key};
use crate::position::Position;
use jiff::Timestamp;
use rocksdb::{Direction, IteratorMode, WriteBatch, WriteOptions};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;

/// One change of one position by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The feed.
    pub feed: String,
    /// The channel.
    pub channel: String,
    /// When.
    pub at: Timestamp,
    /// Who: a user, a machine and a process, or the admin API.
    pub by: String,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the channel stood; absent: nowhere, or nobody could read it.
    pub from: Option<Position>,
    /// Where it stands since; absent: the position was removed.
    pub to: Option<Position>,
}

/// A key, and what stands under it.
type Pair = (Box<[u8]>, Box<[u8]>);

impl Store {
    /// The changes of a feed's positions by hand, the oldest first.
    ///
    /// # Errors
    /// The store cannot be read, or one of them cannot be understood.
    pub fn history(&self, feed: &str) -> Result<Vec<Entry>, Error> {
        let read = |(_, value): Pair| {
            serde_json::from_slice(&value).map_err(|error| Error::Unreadable {
                feed: feed.to_owned(),
                channel: "(history)".to_owned(),
                reason: error.to_string(),
            })
        };
        self.under(&key(HISTORY, feed, Some("")))?.into_iter().map(read).collect()
    }

    /// The feeds that have a history, in the order of their names.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn feeds_with_history(&self) -> Result<Vec<String>, Error> {
        let all = self.under(format!("{HISTORY}\0").as_bytes())?;
        let feed = |(key, _): Pair| String::from_utf8_lossy(&key).split('\0').nth(1).map(str::to_owned);
        let mut feeds: Vec<String> = all.into_iter().filter_map(feed).collect();
        feeds.dedup();
        Ok(feeds)
    }

    /// Makes these changes and keeps them in the history, all in one write, and returns when it is on the disk:
    /// milliseconds, for a thread that may block. Of each feed the last 100 are kept, and none of a change is dropped at
    /// once.
    pub(in crate::position) fn change_by_hand(&self, entries: &[Entry]) -> Result<(), Error> {
        let commit_seq = self.commit_seq.fetch_add(1, Ordering::Relaxed) + 1;
        let mut batch = WriteBatch::default();
        for (index, entry) in entries.iter().enumerate() {
            let place = key(POSITION, &entry.feed, Some(&entry.channel));
            match &entry.to {
                Some(position) => {
                    let record = Record::new(position, commit_seq, entry.at.as_millisecond());
                    batch.put(place, serde_json::to_vec(&record).unwrap_or_default());
                }
                None => batch.delete(place),
            }
            // Whoever moves a position means what comes then: nothing of it is skipped as a repeat.
            self.end_repeats(&mut batch, &entry.feed, &entry.channel)?;
            let number = format!("{commit_seq:020}.{index:06}");
            batch.put(key(HISTORY, &entry.feed, Some(&number)), serde_json::to_vec(entry).unwrap_or_default());
        }
        let mut feeds: Vec<&str> = entries.iter().map(|entry| entry.feed.as_str()).collect();
        feeds.sort_unstable();
        feeds.dedup();
        for feed in feeds {
            let new = entries.iter().filter(|entry| entry.feed == feed).count();
            let old = self.under(&key(HISTORY, feed, Some("")))?;
            let kept = MOST_KEPT.saturating_sub(new);
            old.iter().take(old.len().saturating_sub(kept)).for_each(|(key, _)| batch.delete(key));
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.db.write_opt(batch, &options)?)
    }

    /// The number of the last write that was a change by hand: it may be higher than any position's, where one was removed.
    pub(super) fn last_change_by_hand(&self) -> Result<Option<u64>, Error> {
        let number = |(key, _): Pair| {
            let text = String::from_utf8_lossy(&key);
            text.rsplit('\0').next()?.split('.').next()?.parse::<u64>().ok()
        };
        Ok(self.under(format!("{HISTORY}\0").as_bytes())?.into_iter().filter_map(number).max())
    }

    fn under(&self, prefix: &[u8]) -> Result<Vec<Pair>, Error> {
        let mut all = Vec::new();
        for entry in self.db.iterator(IteratorMode::From(prefix, Direction::Forward)) {
            let (key, value) = entry?;
            if !key.starts_with(prefix) {
                break;
            }
            all.push((key, value));
        }
        Ok(all)
    }
}

const HISTORY: &str = "history";
/// So many changes of a feed are kept.
const MOST_KEPT: usize = 100;

#[cfg(test)]
mod tests;
