//! The simulator over real sockets, seen with the eyes of a client that speaks raw HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod binary;
mod client;
mod control;
mod delivery;
mod faults;
mod login;
mod replay;
mod rest;
mod session;
mod wire;
