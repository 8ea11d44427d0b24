//! What the simulator is told to do. The words are those of its README.

use serde::Serialize;
use serde_json::Value;

/// An order to make events.
#[derive(Debug, Clone, Serialize)]
pub struct Publish {
    /// A known channel.
    pub channel: String,
    /// How many.
    pub count: u64,
    /// About how long each is.
    pub bytes: usize,
    /// Events per second; at once where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many records each change event is about.
    pub record_ids: usize,
    /// What happened to the records.
    pub change_type: String,
    /// The `data` object itself, in place of an invented one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Publish {
    /// So many events of 1 KiB on a channel, at once.
    #[must_use]
    pub fn new(channel: &str, count: u64) -> Self {
        Self {
            channel: channel.to_owned(),
            count,
            bytes: 1024,
            rate: None,
            record_ids: 1,
            change_type: "UPDATE".to_owned(),
            data: None,
        }
    }
}

/// A faulty reply: the `nth` from now, and so many times.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// `handshake`, `connect`, `subscribe`, `token`, `collections`, `create` or `any`.
    pub on: String,
    /// `html`, `truncated`, `cut`, `empty`, `unauthorized` or `unavailable`.
    pub fault: String,
    /// Which one from now, beginning with 1.
    pub nth: u64,
    /// How many in a row.
    pub times: u64,
    /// Counts only connect replies that would carry events.
    pub with_events: bool,
}

impl Fault {
    /// The next reply of a kind, once.
    #[must_use]
    pub fn next(on: &str, fault: &str) -> Self {
        Self { on: on.to_owned(), fault: fault.to_owned(), nth: 1, times: 1, with_events: false }
    }
}

/// How a session ends.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// `403::Unknown client`, advice `handshake`.
    UnknownClient,
    /// `/meta/disconnect` from the server, as when Salesforce takes a server away.
    ServerDisconnect,
}
