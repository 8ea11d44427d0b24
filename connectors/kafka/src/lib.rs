//! Apache Kafka for those who must not lose a record: a [`Producer`] whose batches end in a [`Receipt`], a [`Consumer`]
//! that never commits by itself, a [`Reader`] that reads a topic from end to end, and [`Cluster::look`], which tells what
//! is there and what its user may do.
//!
//! librdkafka does the protocol, and this is the only crate that names it. Nothing here retries, decides what an error
//! means for a feed, or knows where a record comes from: [`Error`] has a variant for each thing a caller does differently.
//!
//! References: `INTRODUCTION.md` and `CONFIGURATION.md` of librdkafka 2.12; KIP-98 (idempotence, read-committed readers),
//! KIP-429 (cooperative rebalancing), KIP-480 (sticky partitioning).

mod access;
mod cluster;
mod consumer;
mod error;
mod log;
mod producer;
mod reader;
mod record;
mod topic;

pub use access::{GroupSeen, Look, Rights, Seen, TopicSeen};
pub use cluster::{Cluster, guarded};
pub use consumer::{Change, Consumer, Lag, Offset, Start};
pub use error::Error;
pub use producer::{Batch, Producer, Receipt, Sent};
pub use reader::{PartitionRange, Reader, ranges, read_all};
pub use record::{Consumed, Header, Record};
pub use topic::{Creation, Ensured, Topic};
