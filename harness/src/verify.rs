//! Whether everything arrived, once, in order and unaltered. It shares nothing with the bridge: it compares what the
//! simulator made with what Kafka has, and what Kafka was given with what the simulator accepted.
//!
//! ```no_run
//! # async fn check(org: &harness::Org, cluster: &kafka::Cluster) -> Result<(), harness::Error> {
//! use harness::verify::{Keyed, channel};
//! let verdict = channel(org, cluster, "sf.event.Order_Placed__e", "/event/Order_Placed__e", Keyed::ByRecord).await?;
//! assert!(verdict.is_exact(), "{verdict}");
//! # Ok(())
//! # }
//! ```

mod outward;
mod way_back;

#[cfg(test)]
mod tests;

pub use outward::{Arrived, Keyed, Outward};
pub use way_back::WayBack;

use crate::{Accepted, Error, Made, Org};
use ::kafka::{Cluster, Reader};
use std::fmt;
use std::time::Duration;

/// What became of the events of one channel, or of the records of one topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Records that should be there once: one an event, or one for each record that a change event is about.
    pub made: u64,
    /// Records that are there, doubled ones too.
    pub arrived: u64,
    /// Of those that should be there: not there.
    pub lost: u64,
    /// There more than once; each further time counts.
    pub doubled: u64,
    /// There for the first time only after a later one was, where an order is kept: in one partition, or of one key.
    pub out_of_order: u64,
    /// There with another content.
    pub altered: u64,
    /// There, and never made.
    pub unknown: u64,
}

impl Verdict {
    /// Everything is there, in order and unaltered. Doubled it may be: that is *at least once*.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.out_of_order == 0 && self.altered == 0 && self.unknown == 0
    }

    /// Everything is there exactly once, in order and unaltered.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_whole() && self.doubled == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, arrived, lost, doubled, out_of_order, altered, unknown } = self;
        write!(
            f,
            "made {made}, arrived {arrived}, lost {lost}, doubled {doubled}, out of order {out_of_order}, \
             altered {altered}, unknown {unknown}"
        )
    }
}

/// Compares what was made on a channel with what a topic has of it. Records of other channels are left out.
///
/// # Errors
/// Either of them cannot be read.
pub async fn channel(org: &Org, cluster: &Cluster, topic: &str, channel: &str, keyed: Keyed) -> Result<Verdict, Error> {
    let mut outward = Outward::new(keyed);
    org.ledger(channel, |made: Made| outward.made(&made)).await?;
    let mut reader = Reader::new(cluster, topic, READ_LIMIT).await?;
    while let Some(record) = reader.next().await? {
        let header = |name: &str| {
            let is_it = |known: &str| known.split_once('.').is_some_and(|(_, known)| known == name);
            let value = record.headers.iter().find(|(known, _)| is_it(known)).and_then(|(_, value)| value.as_deref());
            value.and_then(|value| std::str::from_utf8(value).ok())
        };
        if header("channel").is_some_and(|other| other != channel) {
            continue;
        }
        outward.arrived(&Arrived {
            partition: record.partition,
            key: record.key.as_deref(),
            replay_id: header("replay_id"),
            value: record.value.as_deref().unwrap_or_default(),
        });
    }
    Ok(outward.verdict())
}

/// Compares what a topic was given with what the simulator accepted of a platform event.
///
/// # Errors
/// The simulator does not answer.
pub async fn way_back(org: &Org, object: &str, mut sent: WayBack) -> Result<Verdict, Error> {
    org.accepted(object, |accepted: Accepted| sent.accepted(&accepted.fields)).await?;
    Ok(sent.verdict())
}

/// How long the reader waits for a record of which Kafka says that it is there.
const READ_LIMIT: Duration = Duration::from_secs(30);
