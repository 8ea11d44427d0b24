//! Against Apache Kafka itself, started from its jars by `scripts/kafka`. Where it cannot be had these tests fail and
//! say so; `CROSSFEED_SKIP_KAFKA=1` skips them, and they say that too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod access;
mod broker;
mod consuming;
mod producing;
mod topics;
