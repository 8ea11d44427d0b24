//! What a session is made of.

use crate::message::Subscription;
use crate::transport::TransportKind;
use serde_json::value::RawValue;
use std::time::Duration;

/// A session's settings. All times are finite.
#[derive(Debug, Clone)]
pub struct Config {
    /// The transport that is spoken; whoever drives the session sets it.
    pub transport: TransportKind,
    /// The `ext` of the handshake: an object.
    pub handshake_ext: Option<Box<RawValue>>,
    /// Whether to ask for acknowledgements (the `ack` extension). Where the server has them, a connect whose answer was
    /// lost is repeated in its session, and nothing is lost with it.
    pub ack: bool,
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
    /// The first wait before a connect is repeated in its session; it doubles.
    pub repeat_delay: Duration,
    /// How long the answer to a disconnect is waited for.
    pub goodbye_timeout: Duration,
    /// The largest request body in bytes.
    pub request_limit: usize,
    /// How often a WebSocket is pinged. Servers close sockets that are idle, some after 30 s.
    pub ping_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transport: TransportKind::LongPolling,
            handshake_ext: None,
            ack: false,
            subscriptions: Vec::new(),
            request_timeout: Duration::from_secs(15),
            hold: Duration::from_secs(110),
            expiry: Duration::from_secs(40),
            room_timeout: Duration::from_secs(30),
            repeat_delay: Duration::from_secs(1),
            goodbye_timeout: Duration::from_secs(5),
            request_limit: 32_768,
            ping_interval: Duration::from_secs(15),
        }
    }
}
