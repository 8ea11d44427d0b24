//! A position, and how it is written down.

use jiff::Timestamp;
use salesforce::ReplayId;
use serde::{Deserialize, Serialize};

/// Where in a channel everything before is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// Subscribed, and nothing seen yet: what the server's clock said then. Without it a crash before the first event
    /// would start at a later tip, and what came in between would be lost.
    Begun {
        /// The server's date.
        date: Timestamp,
    },
    /// Everything up to and including this event.
    At {
        /// Its replay id, opaque.
        id: ReplayId,
        /// Its time in milliseconds since 1970, where it has one.
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
            Position::Begun { date } => Place::Begun { date: *date },
            Position::At { id, time_ms } => Place::At { id: id.to_string(), time_ms: *time_ms },
        };
        Self { commit_seq, written_ms, place }
    }

    /// The position that is written here, or `None` where the replay id is not one.
    pub(super) fn position(&self) -> Option<Position> {
        match &self.place {
            Place::Begun { date } => Some(Position::Begun { date: *date }),
            Place::At { id, time_ms } => Some(Position::At { id: id.parse().ok()?, time_ms: *time_ms }),
        }
    }
}
