//! Real processes, driven and verified: [`Kafka`], an [`Org`], a [`Bridge`] between them, and [`verify`], which says what
//! was lost, doubled, out of order or altered. For the demo, the tests and the bench.
//!
//! Every process that is started here is ended with the value that stands for it; should this process be killed first,
//! guards end them. Every wait has a limit. No port is fixed.

mod bridge;
mod error;
mod interrupt;
mod kafka_broker;
mod org;
mod process;
mod proxy;
mod wait;

pub mod pressure;
pub mod soak;
pub mod verify;

pub use bridge::{Bridge, FeedStatus, Problem, Status, StreamStatus, surroundings};
pub use error::Error;
pub use interrupt::{INTERRUPTED, told_to_stop};
pub use kafka_broker::{Kafka, kafka_is_skipped, kafka_or_skip, kafka_script};
pub use org::{Accepted, ChannelCounts, CustomChannel, Fault, How, Made, Org, Planned, Publish, SessionCounts, Stats};
pub use pressure::Held;
pub use process::{Figures, Process, figures, program};
pub use proxy::Proxy;
pub use wait::until;
