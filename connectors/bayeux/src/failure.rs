//! Why a session ended, or a channel was refused.

use crate::advice::Advice;
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// A server's "no" to one meta message.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// The `error` field as it came: `code:args:text`.
    pub error: String,
    /// The reply's `ext`, where servers hide further reasons.
    pub ext: Option<Box<RawValue>>,
    /// The advice that came with it.
    pub advice: Option<Advice>,
}

impl Refusal {
    /// The three-digit code before the first colon (Bayeux 1.0, "error"), where there is one.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        self.error.split(':').next().and_then(|code| code.trim().parse().ok())
    }

    /// What is said in words: the part after the second colon, or everything where the grammar is not kept.
    #[must_use]
    pub fn text(&self) -> &str {
        self.error.splitn(3, ':').nth(2).unwrap_or(&self.error)
    }
}

impl PartialEq for Refusal {
    fn eq(&self, other: &Self) -> bool {
        let ext = |refusal: &Self| refusal.ext.as_ref().map(|raw| raw.get().to_owned());
        self.error == other.error && self.advice == other.advice && ext(self) == ext(other)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error.is_empty() { f.write_str("refused without a reason") } else { f.write_str(&self.error) }
    }
}

/// Which exchange went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// `/meta/handshake`.
    Handshake,
    /// `/meta/subscribe` or `/meta/unsubscribe`.
    Subscribe,
    /// `/meta/connect`.
    Connect,
    /// `/meta/disconnect`.
    Disconnect,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "handshake",
            Self::Subscribe => "subscribe",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
        })
    }
}

/// An error of the HTTP client's. It equals itself only.
#[derive(Debug, Clone)]
pub struct Lost(pub Arc<reqwest::Error>);

impl PartialEq for Lost {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What went wrong with it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The server answered `successful: false`.
    #[error("{0}")]
    Refused(Refusal),
    /// The server agreed, and advised not to go on in this session.
    #[error("the server advised to end the session ({0})")]
    Advised(Advice),
    /// The server ended the session by a `/meta/disconnect` of its own.
    #[error("the server disconnected the session")]
    Disconnected,
    /// No common transport.
    #[error("the server offers {0:?}, not ours")]
    NoTransport(Vec<String>),
    /// The server did not change over to WebSocket. Over long polling it may still be had.
    #[error("no WebSocket, HTTP {status}: {text}")]
    NoUpgrade {
        /// The HTTP status of the answer.
        status: u16,
        /// The beginning of the body, for people.
        text: String,
    },
    /// The exchange failed below HTTP. `sent` is false only where the request certainly never left this machine.
    #[error("{text}")]
    Transport {
        /// Whether any byte of the request may have reached the server.
        sent: bool,
        /// The reason, for people.
        text: String,
        /// The error itself, for whoever can tell more of it; none where no client was asked.
        error: Option<Lost>,
    },
    /// An HTTP status other than 200.
    #[error("HTTP {status}: {text}")]
    Status {
        /// The status code.
        status: u16,
        /// The beginning of the body, for people.
        text: String,
    },
    /// A reply without a body.
    #[error("empty reply")]
    Empty,
    /// A reply that is no array of Bayeux messages (HTML, truncated, …).
    #[error("malformed reply: {0}")]
    Malformed(String),
    /// The array came, the answer was not in it.
    #[error("the reply holds no answer to the request")]
    Unanswered,
    /// A reply over the limit. It would come again: a person must act.
    #[error("the reply is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Nothing came in time.
    #[error("no reply in time")]
    TimedOut,
    /// There was no room for a further reply for too long, so the session was closed on purpose.
    #[error("no room for a further reply")]
    NoRoom,
    /// We asked for the end.
    #[error("closed by us")]
    Closed,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{phase}: {cause}")]
pub struct Failure {
    /// Which exchange it happened in.
    pub phase: Phase,
    /// What happened.
    pub cause: Cause,
}
