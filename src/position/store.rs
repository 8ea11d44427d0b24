//! The position store: RocksDB in a folder of its own.
//!
//! ```text
//! FORMAT           the format's number, read before anything else is touched
//! LOCK             held by the process that owns the store, with its pid inside
//! rocksdb/         position \0 feed \0 channel → record (JSON, format 1)
//!                  binding  \0 feed           → org id and cluster id (JSON)
//!                  history  \0 feed \0 number  → a change by hand (JSON), `history.rs`
//!                  paused   \0 feed           → who paused it, when and why (JSON)
//!                  gap      \0 feed \0 time   → a gap (JSON); see `gaps.rs`
//!                  recent, repeats, repeated, seen: see `recent.rs`
//! ```
//!
//! A write goes through RocksDB's log without fsync: a process that crashes loses nothing, and a machine that loses its
//! power falls back to an older position, which repeats events and never skips one. Only where there is no older one, a
//! channel's beginning, does the write wait for the disk.

mod history;
mod paused;

use super::recent::Ends;
use super::record::{Position, Record};
pub use history::Entry;
use jiff::Timestamp;
pub use paused::Paused;
use rocksdb::{DB, Direction, IteratorMode, Options, WriteBatch, WriteOptions};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Positions, by feed and channel. Shared by all feeds of the process.
pub struct Store {
    db: DB,
    commit_seq: AtomicU64,
    ends: Ends,
    /// Keeps the lock for as long as the store is open; absent where it is only read.
    _lock: Option<File>,
}

/// What a feed's positions belong to: replay ids of one org mean nothing in another, and positions of events that went
/// to one cluster would be gaps in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The org's 18-character id.
    pub org: String,
    /// The Kafka cluster's id.
    pub cluster: String,
}

/// One saved position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The feed.
    pub feed: String,
    /// The channel.
    pub channel: String,
    /// Where it stands.
    pub position: Position,
    /// When it was written.
    pub written: Timestamp,
    /// The number of the write that it came with.
    pub commit_seq: u64,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has it open.
    #[error("the position store {} is in use by pid {pid}", path.display())]
    InUse {
        /// The store's folder.
        path: PathBuf,
        /// The other process, or `?`.
        pid: String,
    },
    /// A later version wrote it.
    #[error("the position store {} has format {found}; this version knows format {FORMAT} and leaves it untouched: use the version that wrote it", path.display())]
    Newer {
        /// The store's folder.
        path: PathBuf,
        /// Its format.
        found: String,
    },
    /// There is none to read.
    #[error("there is no position store in {}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A feed's positions belong to another org or cluster.
    #[error(
        "the positions of feed `{feed}` belong to {what} {bound}, but this is {found}: name a new feed, or another positions folder"
    )]
    Foreign {
        /// The feed.
        feed: String,
        /// `org` or `Kafka cluster`.
        what: &'static str,
        /// Whose positions they are.
        bound: String,
        /// Whose they would become.
        found: String,
    },
    /// A record cannot be understood.
    #[error("the position of feed `{feed}`, channel `{channel}` cannot be read: {reason}")]
    Unreadable {
        /// The feed.
        feed: String,
        /// The channel.
        channel: String,
        /// Why.
        reason: String,
    },
    /// The folder cannot be used.
    #[error("the position store {} cannot be used", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// RocksDB failed.
    #[error("the position store failed")]
    Database(#[from] rocksdb::Error),
}

impl Store {
    /// Opens the store for this process alone, and makes it where there is none.
    ///
    /// # Errors
    /// Another process has it open, a later version wrote it, or the folder cannot be used.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        check_format(path)?;
        std::fs::create_dir_all(path).map_err(io)?;
        let lock = lock(path)?;
        let format = path.join("FORMAT");
        if !format.exists() {
            // Never half written: an empty one would be taken for a later version's.
            let new = path.join("FORMAT.new");
            std::fs::write(&new, format!("{FORMAT}\n")).and_then(|()| std::fs::rename(&new, &format)).map_err(io)?;
        }
        let mut options = small();
        options.create_if_missing(true);
        let db = DB::open(&options, path.join(DATABASE))?;
        Self::new(db, Some(lock))
    }

    /// The pid of the process that has the store in a folder open, or `?`; `None` where nobody has.
    #[must_use]
    pub fn owner(path: &Path) -> Option<String> {
        let file = File::open(path.join("LOCK")).ok()?;
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| pid_in(file).unwrap_or_default())
    }

    /// Opens the store for reading, beside a process that may own it.
    ///
    /// # Errors
    /// There is none, a later version wrote it, or it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, Error> {
        check_format(path)?;
        if !path.join(DATABASE).is_dir() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let db = DB::open_for_read_only(&small(), path.join(DATABASE), false)?;
        Self::new(db, None)
    }

    fn new(db: DB, lock: Option<File>) -> Result<Self, Error> {
        let store = Self { db, commit_seq: AtomicU64::new(0), ends: Ends::default(), _lock: lock };
        let last = store.list()?.into_iter().flatten().map(|saved| saved.commit_seq).max();
        let last = last.max(store.last_change_by_hand()?);
        store.commit_seq.store(last.unwrap_or_default(), Ordering::Relaxed);
        Ok(store)
    }

    /// Ties a feed's positions to what they belong to; a feed without positions may be tied anew.
    ///
    /// # Errors
    /// They belong to something else.
    pub fn bind(&self, feed: &str, binding: &Binding) -> Result<(), Error> {
        if self.fits(feed, binding)? {
            return Ok(());
        }
        Ok(self.db.put(key(BINDING, feed, None), serde_json::to_vec(binding).unwrap_or_default())?)
    }

    /// Whether a feed's positions are tied to this; `false` where it may still be tied anew.
    ///
    /// # Errors
    /// They belong to something else.
    pub fn fits(&self, feed: &str, binding: &Binding) -> Result<bool, Error> {
        let Some(bound) = self.binding(feed)? else { return Ok(false) };
        let org = ("org", &bound.org, &binding.org);
        let cluster = ("Kafka cluster", &bound.cluster, &binding.cluster);
        match [org, cluster].into_iter().find(|(_, bound, found)| bound != found) {
            None => Ok(true),
            Some((what, bound, found)) if !self.scan(&key(POSITION, feed, Some("")))?.is_empty() => {
                Err(Error::Foreign { feed: feed.to_owned(), what, bound: bound.clone(), found: found.clone() })
            }
            Some(_) => Ok(false),
        }
    }

    /// What a feed's positions belong to; `None` for a feed that was never tied.
    ///
    /// # Errors
    /// RocksDB failed, or what it holds cannot be understood.
    pub fn binding(&self, feed: &str) -> Result<Option<Binding>, Error> {
        let Some(bytes) = self.db.get(key(BINDING, feed, None))? else { return Ok(None) };
        let binding = serde_json::from_slice(&bytes).map_err(|error| Error::Unreadable {
            feed: feed.to_owned(),
            channel: "(what it is bound to)".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Some(binding))
    }

    /// The positions of a feed.
    ///
    /// # Errors
    /// One of them cannot be read: to start without it would lose or repeat events unseen.
    pub fn of_feed(&self, feed: &str) -> Result<Vec<Saved>, Error> {
        self.scan(&key(POSITION, feed, Some("")))?.into_iter().collect()
    }

    /// All positions, in the order of feeds and channels; each may be unreadable for itself.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn list(&self) -> Result<Vec<Result<Saved, Error>>, Error> {
        self.scan(format!("{POSITION}\0").as_bytes())
    }

    /// Saves positions of a feed in one write, without fsync.
    ///
    /// # Errors
    /// RocksDB cannot write.
    pub fn save(&self, feed: &str, positions: &[(&str, &Position)], now: Timestamp) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        self.put(&mut batch, feed, positions, now);
        Ok(self.db.write(batch)?)
    }

    /// Adds positions to a write, and says which number it has.
    pub(super) fn put(
        &self,
        batch: &mut WriteBatch,
        feed: &str,
        positions: &[(&str, &Position)],
        now: Timestamp,
    ) -> u64 {
        let commit_seq = self.commit_seq.fetch_add(1, Ordering::Relaxed) + 1;
        for (channel, position) in positions {
            let record = Record::new(position, commit_seq, now.as_millisecond());
            // Strings and numbers under string keys: serialising them cannot fail.
            batch.put(key(POSITION, feed, Some(channel)), serde_json::to_vec(&record).unwrap_or_default());
        }
        commit_seq
    }

    pub(super) fn db(&self) -> &DB {
        &self.db
    }

    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Saves one position, and returns when it is on the disk: milliseconds, for a thread that may block.
    ///
    /// # Errors
    /// RocksDB cannot write.
    pub fn save_to_disk(&self, feed: &str, channel: &str, position: &Position, now: Timestamp) -> Result<(), Error> {
        let commit_seq = self.commit_seq.fetch_add(1, Ordering::Relaxed) + 1;
        let record = Record::new(position, commit_seq, now.as_millisecond());
        let mut options = WriteOptions::default();
        options.set_sync(true);
        let value = serde_json::to_vec(&record).unwrap_or_default();
        Ok(self.db.put_opt(key(POSITION, feed, Some(channel)), value, &options)?)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Result<Saved, Error>>, Error> {
        let mut all = Vec::new();
        for entry in self.db.iterator(IteratorMode::From(prefix, Direction::Forward)) {
            let (key, value) = entry?;
            if !key.starts_with(prefix) {
                break;
            }
            all.push(read(&key, &value));
        }
        Ok(all)
    }
}

fn read(key: &[u8], value: &[u8]) -> Result<Saved, Error> {
    let text = String::from_utf8_lossy(key);
    let mut parts = text.splitn(3, '\0').skip(1).map(str::to_owned);
    let (feed, channel) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let unreadable = |reason: String| Error::Unreadable { feed: feed.clone(), channel: channel.clone(), reason };
    let record: Record = serde_json::from_slice(value).map_err(|error| unreadable(error.to_string()))?;
    let position = record.position().ok_or_else(|| unreadable("not a replay id".to_owned()))?;
    let written = Timestamp::from_millisecond(record.written_ms).map_err(|error| unreadable(error.to_string()))?;
    Ok(Saved { feed, channel, position, written, commit_seq: record.commit_seq })
}

/// `kind \0 feed \0 channel`: names hold no zero byte, so that no feed's keys begin with another's.
pub(super) fn key(kind: &str, feed: &str, channel: Option<&str>) -> Vec<u8> {
    match channel {
        Some(channel) => format!("{kind}\0{feed}\0{channel}").into_bytes(),
        None => format!("{kind}\0{feed}").into_bytes(),
    }
}

fn check_format(path: &Path) -> Result<(), Error> {
    match std::fs::read_to_string(path.join("FORMAT")) {
        Ok(found) if found.trim() == FORMAT.to_string() => Ok(()),
        Ok(found) => Err(Error::Newer { path: path.to_owned(), found: found.trim().to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(path.join("LOCK")).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = pid_in(file).map_err(io)?;
            return Err(Error::InUse { path: path.to_owned(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io)?;
    Ok(file)
}

fn pid_in(mut file: File) -> std::io::Result<String> {
    let mut pid = String::new();
    file.read_to_string(&mut pid)?;
    Ok(if pid.trim().is_empty() { "?" } else { pid.trim() }.to_owned())
}

/// A few hundred small records: RocksDB's usual sizes would take tens of megabytes for nothing.
fn small() -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(1 << 20);
    options.set_max_write_buffer_number(2);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_max_total_wal_size(4 << 20);
    options.set_max_background_jobs(1);
    options
}

/// The format that this version reads and writes.
const FORMAT: u32 = 1;
const DATABASE: &str = "rocksdb";
const POSITION: &str = "position";
const BINDING: &str = "binding";

#[cfg(test)]
mod tests;
