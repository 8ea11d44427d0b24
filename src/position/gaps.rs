//! Gaps: events that can no longer be had. Kept in the store for people to see, the newest few of each feed; what
//! consumers act on is the same record on a Kafka topic.

use super::store::{Error, Store, key};
use jiff::Timestamp;
use rocksdb::{Direction, IteratorMode, WriteBatch};
use serde::{Deserialize, Serialize};

/// What is gone, as far as it can be told: the JSON of a record on the gaps topic. Fields may be added to it; a change of
/// meaning is another `schema`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// [`Gap::SCHEMA`].
    pub schema: String,
    /// The feed.
    pub feed: String,
    /// The org's 18-character id.
    pub org: String,
    /// The channel.
    pub channel: String,
    /// Why they are gone.
    pub cause: Cause,
    /// When that was noticed, by our clock.
    pub detected_at: Timestamp,
    /// Up to here everything was had; the replay id is absent where the channel had only begun.
    pub last: Option<Edge>,
    /// The first event that was had again; absent where the feed went on with what comes next.
    pub first: Option<Edge>,
    /// The gap event itself, where Salesforce said that something changed and not what.
    pub change: Option<GapEvent>,
}

/// One edge of a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The replay id, as text.
    pub replay_id: Option<String>,
    /// The event's time, or until when everything was had; by Salesforce's clock.
    pub time: Option<Timestamp>,
}

/// What a gap event of Change Data Capture says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapEvent {
    /// The object, `Account`.
    pub entity: Option<String>,
    /// Salesforce's word, `GAP_UPDATE`.
    pub change_type: String,
    /// The records to be read anew; a pattern such as `001*` where they are many.
    pub record_ids: Vec<String>,
    /// The transaction.
    pub transaction_key: Option<String>,
}

/// Why events are gone: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The position was refused, and was older than what Salesforce retains.
    Expired,
    /// The position was refused though it was young enough, and what is retained does not reach back to it.
    Refused,
    /// The position was accepted though it was older than what Salesforce retains: what came after it may be cut off.
    Truncated,
    /// The org began to number its events anew.
    Reset,
    /// Salesforce said that records changed, and not how.
    GapEvent,
    /// Salesforce said that too much changed at once to be told.
    Overflow,
    /// The position was refused, and the feed goes on with what comes next, as it is told to.
    Latest,
    /// Nobody was subscribed, and the server keeps nothing.
    Unheard,
}

impl Gap {
    /// The name and version of the record's shape.
    pub const SCHEMA: &str = "crossfeed.gap/1";

    /// The record on the gaps topic.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and dates under string keys: serialising them cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Expired,
        Self::Refused,
        Self::Truncated,
        Self::Reset,
        Self::GapEvent,
        Self::Overflow,
        Self::Latest,
        Self::Unheard,
    ];

    /// The label's value, and the word in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Truncated => "truncated",
            Self::Reset => "reset",
            Self::GapEvent => "gap_event",
            Self::Overflow => "overflow",
            Self::Latest => "latest",
            Self::Unheard => "unheard",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::GapEvent => "read the records that it names from the org, by REST or a query",
            Self::Overflow => "read every record of the object from the org, by a bulk query",
            Self::Unheard => "ask whoever publishes there for what was published in between; the server keeps nothing",
            Self::Expired | Self::Refused | Self::Truncated | Self::Reset | Self::Latest => {
                "compare the records that changed in between with the org, and send what is missing anew; keep outages \
                 shorter than the retention: crossfeed_hours_to_loss tells what is left"
            }
        }
    }
}

impl Store {
    /// The gaps of a feed, or of all: the oldest first.
    ///
    /// # Errors
    /// The store cannot be read, or one of them cannot.
    pub fn gaps(&self, feed: Option<&str>) -> Result<Vec<Gap>, Error> {
        let prefix = match feed {
            Some(feed) => key(GAP, feed, Some("")),
            None => format!("{GAP}\0").into_bytes(),
        };
        let mut gaps = Vec::new();
        for entry in self.db().iterator(IteratorMode::From(&prefix, Direction::Forward)) {
            let (found, value) = entry?;
            if !found.starts_with(&prefix) {
                break;
            }
            gaps.push(serde_json::from_slice(&value).map_err(|error| Error::Unreadable {
                feed: feed.unwrap_or("(any)").to_owned(),
                channel: "(gaps)".to_owned(),
                reason: error.to_string(),
            })?);
        }
        Ok(gaps)
    }

    /// Adds gaps to a write, and takes the oldest of the feed out where there are too many.
    pub(super) fn put_gaps(
        &self,
        batch: &mut WriteBatch,
        feed: &str,
        gaps: &[Gap],
        commit_seq: u64,
    ) -> Result<(), Error> {
        if gaps.is_empty() {
            return Ok(());
        }
        let gaps = gaps.get(gaps.len().saturating_sub(MOST_GAPS)..).unwrap_or_default();
        let prefix = key(GAP, feed, Some(""));
        let mut known = Vec::new();
        for entry in self.db().iterator(IteratorMode::From(&prefix, Direction::Forward)) {
            let (found, _) = entry?;
            if !found.starts_with(&prefix) {
                break;
            }
            known.push(found);
        }
        let too_many = (known.len() + gaps.len()).saturating_sub(MOST_GAPS);
        known.iter().take(too_many).for_each(|oldest| batch.delete(oldest));
        for (number, gap) in gaps.iter().enumerate() {
            let at = format!("{:016x}-{commit_seq:016x}-{number:08x}", gap.detected_at.as_millisecond().max(0));
            batch.put(key(GAP, feed, Some(&at)), gap.to_json());
        }
        Ok(())
    }
}

const GAP: &str = "gap";
/// So many gaps of a feed are kept: one burst of gap events must not fill the disk.
const MOST_GAPS: usize = 1000;
