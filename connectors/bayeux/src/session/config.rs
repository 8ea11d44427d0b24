//! What a session is made of.

use crate::message::Subscription;
use serde_json::value::RawValue;
use std::time::Duration;

/// A session's settings. All times are finite.
#[derive(Debug, Clone)]
pub struct Config {
    /// The Bayeux transport name, `long-polling`.
    pub connection_type: &'static str,
    /// The `ext` of the handshake.
    pub handshake_ext: Option<Box<RawValue>>,
    /// What to subscribe before the first connect.
    pub subscriptions: Vec<Subscription>,
    /// How long any answer may take, beyond the time that the server holds a connect on purpose.
    pub request_timeout: Duration,
    /// How long a connect is held, until the server's advice says otherwise.
    pub hold: Duration,
    /// How long the server keeps a session after its last answer, unless its advice says otherwise (`maxInterval`).
    pub expiry: Duration,
    /// How long the next connect may wait for room before the session is closed on purpose. Keep it below `expiry`.
    pub room_timeout: Duration,
    /// The first wait after a connect that could not leave this machine; it doubles.
    pub unsent_delay: Duration,
    /// How long the answer to a disconnect is waited for.
    pub goodbye_timeout: Duration,
    /// The largest request body in bytes.
    pub request_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connection_type: "long-polling",
            handshake_ext: None,
            subscriptions: Vec::new(),
            request_timeout: Duration::from_secs(15),
            hold: Duration::from_secs(110),
            expiry: Duration::from_secs(40),
            room_timeout: Duration::from_secs(30),
            unsent_delay: Duration::from_secs(1),
            goodbye_timeout: Duration::from_secs(5),
            request_limit: 32_768,
        }
    }
}
