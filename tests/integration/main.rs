//! Real processes and real sockets: the bridge's binary between a simulator and Apache Kafka.
//!
//! One broker serves the tests of this binary; it is started by the first that needs it and ends with the process. Tests
//! that take it down start one of their own. Topics carry the name of their test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod admin;
mod bad_input;
mod bayeux;
mod channels;
mod control;
mod crashes;
mod crossing;
mod examples;
mod faults;
mod gaps;
mod leaks;
mod logins;
mod network;
mod outages;
mod peers;
mod positions;
mod pressure;
mod scene;
mod soak;
mod tidy;
