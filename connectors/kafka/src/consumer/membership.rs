//! What the group gives and takes. librdkafka calls this from within a poll, so nothing here waits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};

use super::Inner;
use crate::Error;
use crate::error::from_client;
use crate::log::Log;

/// What happened to a consumer's assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// These partitions are ours, from their committed offset on. One that was ours before may bring records again.
    Assigned(Vec<(Arc<str>, i32)>),
    /// These are asked back. They are ours until the next poll: finish, commit, then poll.
    Revoked(Vec<(Arc<str>, i32)>),
    /// These may be somebody else's already. Drop what is in hand; a commit is refused.
    Lost(Vec<(Arc<str>, i32)>),
    /// The position in a partition was no longer there, and the consumer went on elsewhere: records are gone unread.
    Gap {
        /// librdkafka's account of it: partition, offset, where it went on, why.
        detail: String,
    },
}

/// What one consumer knows of its place in the group.
pub(super) struct Membership {
    pub(super) log: Log,
    pub(super) closing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    assigned: BTreeSet<(Arc<str>, i32)>,
    leaving: Vec<TopicPartitionList>,
    changes: Vec<Change>,
    fresh: bool,
    paused: bool,
}

impl Membership {
    pub(super) fn new(log: Log) -> Membership {
        Membership { log, closing: AtomicBool::new(false), state: Mutex::default() }
    }

    pub(super) fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.state().changes)
    }

    /// Whether there was a change since this was last asked.
    pub(super) fn take_fresh(&self) -> bool {
        std::mem::take(&mut self.state().fresh)
    }

    pub(super) fn assignment(&self) -> Vec<(Arc<str>, i32)> {
        self.state().assigned.iter().cloned().collect()
    }

    pub(super) fn owns(&self, topic: &str, partition: i32) -> bool {
        self.state().assigned.iter().any(|(name, number)| *number == partition && **name == *topic)
    }

    /// Gives up what was revoked.
    pub(super) fn release(&self, client: &Inner) -> Result<(), Error> {
        let leaving = std::mem::take(&mut self.state().leaving);
        for partitions in leaving {
            self.forget(&partitions);
            client.incremental_unassign(&partitions).map_err(|e| from_client(e, None))?;
        }
        Ok(())
    }

    pub(super) fn pause(&self, client: &Inner, paused: bool) -> Result<(), Error> {
        let mut partitions = TopicPartitionList::new();
        {
            let mut state = self.state();
            state.paused = paused;
            for (topic, partition) in &state.assigned {
                partitions.add_partition(topic, *partition);
            }
        }
        let done = if paused { client.pause(&partitions) } else { client.resume(&partitions) };
        done.map_err(|e| from_client(e, None))
    }

    fn assign(&self, client: &BaseConsumer<Membership>, partitions: &TopicPartitionList) -> KafkaResult<()> {
        client.incremental_assign(partitions)?;
        let names = names(partitions);
        let paused = {
            let mut state = self.state();
            state.assigned.extend(names.iter().cloned());
            state.changed(Change::Assigned(names));
            state.paused
        };
        if paused { client.pause(partitions) } else { Ok(()) }
    }

    fn revoke(&self, client: &BaseConsumer<Membership>, partitions: &TopicPartitionList) -> KafkaResult<()> {
        let names = names(partitions);
        let lost = client.assignment_lost();
        if lost || names.is_empty() || self.closing.load(Ordering::Acquire) {
            self.forget(partitions);
            self.state().changed(if lost { Change::Lost(names) } else { Change::Revoked(names) });
            return client.incremental_unassign(partitions);
        }
        let mut state = self.state();
        state.leaving.push(partitions.clone());
        state.changed(Change::Revoked(names));
        Ok(())
    }

    fn forget(&self, partitions: &TopicPartitionList) {
        let gone = names(partitions);
        self.state().assigned.retain(|partition| !gone.contains(partition));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    // Rounds of a rebalance that move nothing of ours come with an empty list.
    fn changed(&mut self, change: Change) {
        match &change {
            Change::Assigned(list) | Change::Revoked(list) | Change::Lost(list) if list.is_empty() => return,
            Change::Assigned(_) | Change::Revoked(_) | Change::Lost(_) | Change::Gap { .. } => {}
        }
        self.changes.push(change);
        self.fresh = true;
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.line(level, facility, line);
        if Log::is_gap(level, facility) {
            self.state().changed(Change::Gap { detail: line.to_owned() });
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(&error, reason);
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, client: &BaseConsumer<Membership>, kind: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let done = match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(client, partitions),
            _ => self.revoke(client, partitions),
        };
        if let Err(error) = done {
            tracing::warn!(target: "librdkafka", "a change of the assignment failed: {error}");
        }
    }
}

fn names(partitions: &TopicPartitionList) -> Vec<(Arc<str>, i32)> {
    partitions.elements().iter().map(|at| (Arc::from(at.topic()), at.partition())).collect()
}
