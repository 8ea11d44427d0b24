//! What goes into a session and what comes out of it.

use crate::failure::{Failure, Phase, Refusal};
use crate::room::Charge;
use crate::split::Message;
use bytes::Bytes;
use serde_json::value::RawValue;
use std::fmt;
use std::time::Instant;

/// Ties an answer to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exchange(pub(crate) u64);

/// A body to send.
#[derive(Debug)]
pub struct Request {
    /// To be given back with the answer.
    pub exchange: Exchange,
    /// What it is for.
    pub phase: Phase,
    /// A JSON array of messages.
    pub body: String,
    /// Whether it holds one message only, so that its kind may be appended to the URL.
    pub single: bool,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The body.
    pub body: Bytes,
    /// The server's date, as it stands in the HTTP header.
    pub date: Option<String>,
}

/// What happened in a session.
pub enum Event<D> {
    /// The server knows us.
    Handshaken {
        /// The extensions that it offers.
        ext: Option<Box<RawValue>>,
        /// Whether what comes is acknowledged ([`Config::ack`](crate::Config::ack)).
        ack: bool,
    },
    /// A channel is subscribed. Events of it may have come before.
    Subscribed {
        /// The channel, as it was asked for.
        channel: String,
        /// The server's date.
        date: Option<String>,
    },
    /// A channel is not subscribed any more.
    Unsubscribed {
        /// The channel.
        channel: String,
    },
    /// The server refused a channel. The session waits for a decision, as long as for an answer: [`Session::ask`](crate::Session::ask) again,
    /// [`Session::forget`](crate::Session::forget), or drop it.
    Refused {
        /// The channel.
        channel: String,
        /// The server's words.
        refusal: Refusal,
    },
    /// The first connect was answered: the session is alive.
    Connected,
    /// The events of one reply, in order. Never empty.
    Messages {
        /// Each is a [`Message::Event`].
        messages: Vec<Message<D>>,
        /// The memory they take, where it is accounted for.
        charge: Option<Box<dyn Charge>>,
    },
    /// The session is over; nothing comes after this.
    Ended(Failure),
}

impl<D> fmt::Debug for Event<D> {
    /// Never a payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshaken { ack: false, .. } => f.write_str("Handshaken"),
            Self::Handshaken { ack: true, .. } => f.write_str("Handshaken(ack)"),
            Self::Subscribed { channel, .. } => write!(f, "Subscribed({channel})"),
            Self::Unsubscribed { channel } => write!(f, "Unsubscribed({channel})"),
            Self::Refused { channel, refusal } => write!(f, "Refused({channel}: {refusal})"),
            Self::Connected => f.write_str("Connected"),
            Self::Messages { messages, .. } => write!(f, "Messages({})", messages.len()),
            Self::Ended(failure) => write!(f, "Ended({failure})"),
        }
    }
}

/// Until when a session waits, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// What for.
    pub wait: Wait,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The answer to the handshake.
    HandshakeReply,
    /// The answer to a subscribe or unsubscribe.
    SubscribeReply,
    /// A decision on a refused channel.
    Decision,
    /// The time of the next connect.
    NextConnect,
    /// Room for a further reply.
    Room,
    /// The answer to a connect.
    ConnectReply,
    /// The answer to a disconnect.
    DisconnectReply,
}
