//! A Bayeux 1.0 client for any CometD server.
//!
//! [`Session`] is the protocol as a plain struct: bytes and time go in; requests, events and a deadline come out. It
//! owns no socket, no clock and no task, so that every rule of it is tested in microseconds. [`LongPolling`] and
//! [`WebSocket`] drive one over HTTP and over a socket, and [`Client`] over whichever was chosen.
//!
//! This crate is not a reconnecting client: a session that ended stays ended, and says why. Whoever uses it opens the
//! next one, because only they know from which position.
//!
//! References: the Bayeux protocol 1.0 (`docs.cometd.org/current8/reference/#_bayeux`), and CometD's reference client
//! where the text is silent.

mod advice;
mod client;
mod failure;
mod long_polling;
mod message;
mod room;
mod session;
mod split;
mod transport;
mod web_socket;

pub use advice::{Advice, Reconnect};
pub use client::Client;
pub use failure::{Cause, Failure, Lost, Phase, Refusal};
pub use long_polling::LongPolling;
pub use message::{Ask, Subscription};
pub use room::{Charge, Room};
pub use session::{Config, Deadline, Event, Exchange, Reply, Request, Session, Wait};
pub use split::{Malformed, Message, Meta, split};
pub use transport::{Transport, TransportKind};
pub use web_socket::WebSocket;
