//! What the simulator is told to do. The words are those of its README.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::time::Duration;

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
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fault {
    /// `handshake`, `connect`, `subscribe`, `token`, `collections`, `create` or `any`.
    pub on: String,
    /// One of the faults in the simulator's README.
    pub fault: String,
    /// Which one from now, beginning with 1.
    pub nth: u64,
    /// How many in a row; once where absent, and as often as it can where it has a time or stands on a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Every matching request in that time.
    #[serde(rename = "for", serialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub for_: Option<Duration>,
    /// Counts only connect replies that would carry events.
    pub with_events: bool,
    /// Only of this session, by its client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Only where this channel is subscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Of `unknown_client`: `handshake`, `none` or `absent`. Of `odd_advice`: the advice itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Value>,
    /// Of `server_disconnect`: `alone`, `before`, `after` or `in_subscribe`. Of `reset`: `hold` or `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Of `reset`: how long after the request, if no reply came before.
    #[serde(serialize_with = "written", skip_serializing_if = "Option::is_none")]
    pub after: Option<Duration>,
    /// Of `status`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of `large`: how large, as `10MB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// Of `denied`: `no_rights`, `does_not_exist`, `not_enabled`, `restricted`, `create_denied` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Fault {
    /// The next reply of a kind, once.
    #[must_use]
    pub fn next(on: &str, fault: &str) -> Self {
        Self { on: on.to_owned(), fault: fault.to_owned(), nth: 1, ..Self::default() }
    }

    /// Every subscription of a channel, until the fault is lifted.
    #[must_use]
    pub fn of_channel(channel: &str, fault: &str) -> Self {
        Self { channel: Some(channel.to_owned()), ..Self::next("subscribe", fault) }
    }
}

/// A custom channel.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CustomChannel {
    /// `/data/…__chn` or `/event/…__chn`.
    pub channel: String,
    /// The events that it carries, as `AccountChangeEvent`; they must have channels of their own.
    pub members: Vec<String>,
    /// Fields that updates and deletions carry whether or not they changed.
    pub enriched_fields: Vec<String>,
    /// Which events pass, as `Seq__c = 1 AND Tier__c = 'gold'`; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
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

fn written<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}ns", time.unwrap_or_default().as_nanos()))
}
