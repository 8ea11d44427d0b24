//! A position, and how it is written down.

use jiff::Timestamp;
use salesforce::ReplayId;
use serde::{Deserialize, Serialize};

/// Where in a channel everything before is durable. As JSON, for people and machines: `"earliest"`,
/// `{"begun":{"date":"2026-03-31T23:33:21Z"}}`, `{"at":{"id":"42","time_ms":1775000000000}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Position {
    /// Before the oldest event that is retained: a person asked for everything. Unlike no position at all it holds
    /// whatever start the file names, until the first event takes its place.
    Earliest,
    /// Subscribed, and nothing seen yet: what the server's clock said then. Without it a crash before the first event
    /// would start at a later tip, and what came in between would be lost.
    Begun {
        /// The server's date.
        date: Timestamp,
    },
    /// Everything up to and including this event.
    At {
        /// Its replay id, opaque.
        #[serde(with = "digits")]
        id: ReplayId,
        /// Its time in milliseconds since 1970, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_ms: Option<i64>,
    },
}

/// Format 1: what stands under a key of the store, as JSON. Fields may be added; a change of meaning is a new format.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// Rises by one with each write of the store, and is the only number in it that is ever compared.
    pub(super) commit_seq: u64,
    /// When it was written, milliseconds since 1970.
    pub(super) written_ms: i64,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Begun {
        date: Timestamp,
    },
    At {
        /// As text: a replay id is not a number to be computed with, and may be larger than one.
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_ms: Option<i64>,
    },
}

impl Record {
    pub(super) fn new(position: &Position, commit_seq: u64, written_ms: i64) -> Self {
        let place = match position {
            Position::Earliest => Place::Begun { date: BEFORE_EVERYTHING },
            Position::Begun { date } => Place::Begun { date: *date },
            Position::At { id, time_ms } => Place::At { id: id.to_string(), time_ms: *time_ms },
        };
        Self { commit_seq, written_ms, place }
    }

    /// The position that is written here, or `None` where the replay id is not one.
    pub(super) fn position(&self) -> Option<Position> {
        match &self.place {
            Place::Begun { date } if *date == BEFORE_EVERYTHING => Some(Position::Earliest),
            Place::Begun { date } => Some(Position::Begun { date: *date }),
            Place::At { id, time_ms } => Some(Position::At { id: id.parse().ok()?, time_ms: *time_ms }),
        }
    }
}

/// A replay id as text, digit by digit as it came.
pub(super) mod digits {
    use salesforce::ReplayId;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::position) fn serialize<S: Serializer>(id: &ReplayId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.as_str())
    }

    pub(in crate::position) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReplayId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// How [`Position::Earliest`] stands in format 1: a beginning before every event. A version that does not know the word
/// reads it as such, asks for everything that is retained, and skips nothing.
const BEFORE_EVERYTHING: Timestamp = Timestamp::UNIX_EPOCH;
