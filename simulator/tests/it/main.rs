//! The simulator over real sockets, seen with the eyes of a client that speaks raw HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod binary;
mod client;
mod collections;
mod composite;
mod control;
mod custom;
mod delivery;
mod describe;
mod faults;
mod forms;
mod limits;
mod login;
mod query;
mod refusals;
mod replay;
mod rest;
mod rows;
mod session;
mod streaming;
mod tls;
mod transport;
mod wire;
