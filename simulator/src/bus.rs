//! The event bus: one ordered, retained stream a channel, and the press that makes events for them.

mod custom;
mod ledger;
mod press;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

pub(crate) use custom::Custom;
pub(crate) use ledger::Row;
pub(crate) use stream::Stream;

use crate::channel::{self, ALL_CHANGES, Kind};
use crate::event::Template;
use crate::lock::lock;
use press::Press;

/// Every channel's stream. Publishing is serialised, so that a change event has one place in each of its two streams.
#[derive(Debug)]
pub(crate) struct Bus {
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
    customs: RwLock<BTreeMap<String, Arc<Custom>>>,
    press: Mutex<Press>,
    retention: Duration,
}

impl Bus {
    pub(crate) fn new(seed: Option<u64>, retention: Duration) -> Self {
        Self { streams: RwLock::default(), customs: RwLock::default(), press: Mutex::new(Press::new(seed)), retention }
    }

    /// Makes a channel known; false where Salesforce has no channels of that name.
    pub(crate) fn add(&self, channel: &str) -> bool {
        let Some(kind) = channel::kind(channel) else { return false };
        let retention = match kind {
            Kind::Change | Kind::Platform => self.retention,
            Kind::PushTopic | Kind::Generic => self.retention.min(DAY),
        };
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        streams.entry(channel.to_owned()).or_insert_with(|| Arc::new(Stream::new(channel, kind, retention)));
        true
    }

    pub(crate) fn stream(&self, channel: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }

    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A channel that nobody knows, and on which nothing is ever made.
    pub(crate) fn silent(channel: &str) -> Arc<Stream> {
        Arc::new(Stream::new(channel, channel::kind(channel).unwrap_or(Kind::Platform), DAY))
    }

    /// Gives a custom channel its members.
    pub(crate) fn compose(&self, custom: Custom) {
        let mut customs = self.customs.write().unwrap_or_else(PoisonError::into_inner);
        customs.insert(custom.channel.clone(), Arc::new(custom));
    }

    pub(crate) fn customs(&self) -> Vec<Arc<Custom>> {
        self.customs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Begins a channel anew with lower ids: without events, or with the retained ones under ids that are new, too.
    /// Channels that share its ids share its fate; all their names are said.
    pub(crate) fn restart(&self, stream: &Stream, keep: bool) -> Vec<String> {
        let mut press = lock(&self.press);
        press.restart(stream);
        let mut shared = self.streams();
        shared.retain(|other| press::family(other) == press::family(stream));
        let mut ids: BTreeSet<i64> = BTreeSet::new();
        if keep {
            ids.extend(shared.iter().flat_map(|other| other.retained_ids()));
        }
        let new = press.renumbered(stream, ids);
        for other in &shared {
            other.restart(&new);
        }
        shared.iter().map(|other| other.channel.clone()).collect()
    }

    /// Makes `count` events, and wakes the subscribers after each chunk. Blocks for about half a microsecond an event.
    pub(crate) fn publish(&self, stream: &Arc<Stream>, template: &Template, count: u64) {
        let also = (stream.kind == Kind::Change && channel::entity(&stream.channel).is_some())
            .then(|| self.stream(ALL_CHANGES))
            .flatten();
        let mut left = count;
        while left > 0 {
            let chunk = left.min(template.chunk());
            let mut press = lock(&self.press);
            let (events, rows) = press.print(stream, template, chunk);
            if let Some(also) = &also {
                also.append(&events, &rows);
            }
            stream.append(&events, &rows);
            for custom in self.customs().iter().filter(|custom| custom.members.contains(&stream.channel)) {
                if let Some(also) = self.stream(&custom.channel) {
                    let (events, rows) = press.reprint(&also, custom, &events, &rows);
                    also.append(&events, &rows);
                }
            }
            drop(press);
            left -= chunk;
        }
    }
}

/// An event on the bus: the bytes of its `data` object, ready to be copied into replies.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) replay_id: i64,
    pub(crate) data: Bytes,
}

impl Event {
    /// The same event with another id.
    fn renumbered(&self, replay_id: i64) -> Self {
        let mut data: Value = serde_json::from_slice(&self.data).unwrap_or_default();
        if let Some(event) = data.get_mut("event").and_then(Value::as_object_mut) {
            event.insert("replayId".to_owned(), replay_id.into());
        }
        Self { replay_id, data: Bytes::from(data.to_string()) }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
