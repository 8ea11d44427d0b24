//! What the simulator tells. The words are those of its README.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One made event.
#[derive(Debug, Clone, Deserialize)]
pub struct Made {
    /// Its replay id.
    pub replay_id: i64,
    /// Its uuid; platform events have one.
    pub uuid: Option<String>,
    /// The records that it is about.
    pub record_ids: Vec<String>,
    /// The checksum of its `data` object's exact bytes.
    pub crc32: u32,
    /// How many bytes those are.
    pub bytes: u32,
}

/// One event that was accepted by REST.
#[derive(Debug, Clone, Deserialize)]
pub struct Accepted {
    /// Its uuid.
    pub uuid: String,
    /// What was sent.
    pub fields: Map<String, Value>,
}

/// Counts of everything.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Stats {
    /// Requests by kind.
    pub calls: BTreeMap<String, u64>,
    /// By channel.
    pub channels: BTreeMap<String, ChannelCounts>,
    /// Of sessions.
    pub sessions: SessionCounts,
}

/// Counts of one channel's events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct ChannelCounts {
    /// Ever made; on a platform event's channel also those accepted by REST.
    pub made: u64,
    /// What open sessions have yet to get.
    pub pending: u64,
    /// Sent in good replies, once a session.
    pub delivered: u64,
    /// Sent in spoilt replies, or to dead connections.
    pub lost: u64,
}

/// Counts of sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct SessionCounts {
    /// Open now.
    pub open: u64,
    /// Ever opened.
    pub opened: u64,
    /// Ended by silence.
    pub expired: u64,
    /// Ended by their clients.
    pub disconnected: u64,
    /// Ended on demand.
    pub ended: u64,
    /// Open now, with a held connect.
    pub held: u64,
}

impl Stats {
    /// The counts of a channel; nothing where it is not known.
    #[must_use]
    pub fn channel(&self, name: &str) -> ChannelCounts {
        self.channels.get(name).copied().unwrap_or_default()
    }
}

/// What became of a planned fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Planned {
    /// Its number, beginning with 1.
    pub number: u64,
    /// How many replies went wrong by it.
    pub hits: u64,
    /// More of them may.
    pub open: bool,
}
