//! What we say (Bayeux 1.0, "meta channels").

use crate::failure::Phase;
use crate::session::{Exchange, Request};
use serde::Serialize;
use serde_json::value::RawValue;

/// A channel to subscribe, and the extension data that goes with it.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The channel, as the server is asked for it.
    pub channel: String,
    /// The `ext` of the subscribe message.
    pub ext: Option<Box<RawValue>>,
}

/// A change of what the session is subscribed to.
#[derive(Debug, Clone)]
pub enum Ask {
    /// `/meta/subscribe`.
    Subscribe(Subscription),
    /// `/meta/unsubscribe`.
    Unsubscribe(String),
}

impl Ask {
    /// The channel it is about.
    #[must_use]
    pub fn channel(&self) -> &str {
        match self {
            Self::Subscribe(subscription) => &subscription.channel,
            Self::Unsubscribe(channel) => channel,
        }
    }
}

/// One message of ours. Absent fields are left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outgoing<'a> {
    pub(crate) channel: &'static str,
    pub(crate) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minimum_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) supported_connection_types: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<TimeoutAdvice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ext: Option<&'a RawValue>,
}

/// `advice: {"timeout": 0}`: the server is asked to answer at once.
#[derive(Debug, Serialize)]
pub(crate) struct TimeoutAdvice {
    pub(crate) timeout: u64,
}

impl Outgoing<'_> {
    /// The message as JSON, without the array around it.
    pub(crate) fn json(&self) -> String {
        // Strings and numbers under string keys: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A request of this message alone.
    pub(crate) fn alone(&self, exchange: Exchange, phase: Phase) -> Request {
        Request { exchange, phase, body: format!("[{}]", self.json()), single: true }
    }
}
