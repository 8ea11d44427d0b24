//! What a batch leaves in the store beside its positions.

use super::gaps::Gap;
use super::record::Position;
use super::store::{Error, Store};
use jiff::Timestamp;
use rocksdb::WriteBatch;
use salesforce::Identity;
use std::sync::Arc;

/// What is saved together with positions, once the same events are durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// What each channel had, in order; a channel may be there more than once.
    pub had: Vec<Had>,
    /// Gaps whose records are durable.
    pub gaps: Vec<Gap>,
    /// Channels that had everything until then, though their positions stand where they stood.
    pub seen: Vec<(Arc<str>, Timestamp)>,
}

/// What a channel had in one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    /// The channel.
    pub channel: Arc<str>,
    /// What was delivered.
    pub delivered: Vec<Identity>,
    /// What came again, and was not delivered.
    pub repeated: Vec<Identity>,
    /// Nothing comes again any more.
    pub passed: bool,
}

impl Trace {
    /// Whether it leaves nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.had.is_empty() && self.gaps.is_empty() && self.seen.is_empty()
    }

    /// What a channel had: the last entry if it is the channel's, else a new one.
    pub fn of(&mut self, channel: &Arc<str>) -> &mut Had {
        let at = match self.had.last() {
            Some(last) if last.channel == *channel => self.had.len() - 1,
            _ => {
                self.had.push(Had {
                    channel: channel.clone(),
                    delivered: Vec::new(),
                    repeated: Vec::new(),
                    passed: false,
                });
                self.had.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "it was pushed, or found, just above")]
        &mut self.had[at]
    }

    /// Adds what came later.
    pub fn extend(&mut self, later: Self) {
        self.had.extend(later.had);
        self.gaps.extend(later.gaps);
        self.seen.extend(later.seen);
    }
}

impl Store {
    /// Saves positions of a feed and what belongs to them in one write, without fsync.
    ///
    /// # Errors
    /// RocksDB cannot write.
    pub fn save_with(
        &self,
        feed: &str,
        positions: &[(&str, &Position)],
        trace: &Trace,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        let commit_seq = self.put(&mut batch, feed, positions, now);
        for (index, had) in trace.had.iter().enumerate() {
            self.put_had(&mut batch, feed, had, (commit_seq, index))?;
        }
        self.put_gaps(&mut batch, feed, &trace.gaps, commit_seq)?;
        for (channel, until) in &trace.seen {
            let new = positions.iter().find(|(known, _)| **known == **channel).map(|(_, position)| (*position).clone());
            let position = match new {
                Some(position) => Some(position),
                None => self.of_feed(feed)?.into_iter().find(|saved| saved.channel == **channel).map(|it| it.position),
            };
            if let Some(position) = position {
                self.put_seen(&mut batch, feed, channel, &position, *until);
            }
        }
        Ok(self.db().write(batch)?)
    }
}
