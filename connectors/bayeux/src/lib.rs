//! A Bayeux 1.0 client for any CometD server.
//!
//! [`Session`] is the protocol as a plain struct: bytes and time go in; requests, events and a deadline come out. It
//! owns no socket, no clock and no task, so that every rule of it is tested in microseconds. [`LongPolling`] drives one
//! over HTTP.
//!
//! This crate is not a reconnecting client: a session that ended stays ended, and says why. Whoever uses it opens the
//! next one, because only they know from which position.
//!
//! References: the Bayeux protocol 1.0 (`docs.cometd.org/current8/reference/#_bayeux`), and CometD's reference client
//! where the text is silent.

mod advice;
mod failure;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod long_polling;
mod message;
mod room;
mod session;
mod split;

pub use advice::{Advice, Reconnect};
pub use failure::{Cause, Failure, Lost, Phase, Refusal};
pub use long_polling::{LongPolling, Transport};
pub use message::{Ask, Subscription};
pub use room::{Charge, Room};
pub use session::{Config, Deadline, Event, Exchange, Reply, Request, Session, Wait};
pub use split::{Malformed, Message, Meta, split};
