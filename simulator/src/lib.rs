//! A Salesforce org on localhost: logins, event bus over CometD long polling, publishing, records and queries by REST,
//! and a control API that makes events and faults on demand. As strict as Salesforce where a client could lose events by
//! being sloppy, so that a client which survives here survives there. It is not an org: no permissions, no triggers, a
//! little SOQL, and records make no change events.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use simulator::{Options, Simulator, serve};
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! serve(listener, Simulator::new(Options::default()), std::future::pending::<()>()).await
//! # }
//! ```

// An HTTP refusal is the error of a request, returned once in it, and boxing it would only be noise.
#![allow(clippy::result_large_err)]

mod bus;
mod certificate;
mod channel;
mod cometd;
mod control;
mod counters;
mod event;
mod fault;
mod identifier;
mod lock;
mod oauth;
mod object;
mod options;
mod org;
mod policy;
mod quota;
mod record;
mod rest;
mod routing;
mod saml;
mod server;
mod session;
mod soap;
mod socket;
mod soql;
mod streaming;
mod tls;
mod token;
mod user;

pub use certificate::{Certificate, NotACertificate};
pub use options::{Options, UnknownChannels};
pub use org::Simulator;
pub use server::serve;
pub use tls::{Tls, TlsError};
