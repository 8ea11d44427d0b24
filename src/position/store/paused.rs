//! Which feeds are paused: an operator's word, which holds over restarts until it is taken back.

use super::{Error, Store, key};
use jiff::Timestamp;
use rocksdb::WriteOptions;
use serde::{Deserialize, Serialize};

/// That a feed is paused, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Who paused it, in words.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Store {
    /// Pauses a feed, or takes the pause back with `None`, and returns when that is on the disk: milliseconds, for a
    /// thread that may block.
    ///
    /// # Errors
    /// RocksDB cannot write.
    pub fn set_paused(&self, feed: &str, paused: Option<&Paused>) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        let key = key(PAUSED, feed, None);
        match paused {
            // Strings and a date under string keys: serialising them cannot fail.
            Some(paused) => self.db.put_opt(key, serde_json::to_vec(paused).unwrap_or_default(), &options)?,
            None => self.db.delete_opt(key, &options)?,
        }
        Ok(())
    }

    /// Whether a feed is paused, and by whom.
    ///
    /// # Errors
    /// RocksDB failed, or what it holds cannot be understood.
    pub fn paused(&self, feed: &str) -> Result<Option<Paused>, Error> {
        let Some(bytes) = self.db.get(key(PAUSED, feed, None))? else { return Ok(None) };
        let paused = serde_json::from_slice(&bytes).map_err(|error| Error::Unreadable {
            feed: feed.to_owned(),
            channel: "(whether it is paused)".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Some(paused))
    }
}

const PAUSED: &str = "paused";
