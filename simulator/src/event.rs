//! The shapes of events by channel kind, rendered straight into bytes.

mod change;
mod explicit;
mod generic;
mod padding;
mod platform;
mod push_topic;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use push_topic::FIELDS as PUSH_TOPIC_FIELDS;

use crate::channel::Kind;
use crate::object::Definition;

/// What every event of one publish call looks like.
#[derive(Debug)]
pub(crate) struct Template {
    shape: Shape,
    pad: usize,
    size: usize,
}

#[derive(Debug)]
enum Shape {
    Change(change::Change),
    Platform(platform::Platform),
    PushTopic(push_topic::PushTopic),
    Generic,
    Explicit(explicit::Explicit),
    Verbatim(Vec<u8>),
}

/// What is asked of made events beyond their channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) bytes: usize,
    pub(crate) record_ids: usize,
    pub(crate) change_type: &'a str,
}

/// When a chunk of events is made, in the two forms that events hold.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) text: String,
    pub(crate) millis: i64,
}

/// The uuid of an event that has one, and the records it is about.
pub(crate) type Made = (Option<Uuid>, Option<Arc<[String]>>);

impl Template {
    /// Events with invented content, each about `wish.bytes` long.
    pub(crate) fn invented(channel: &str, kind: Kind, definition: Option<&Definition>, wish: Wish<'_>) -> Self {
        let shape = match kind {
            Kind::Change => Shape::Change(change::Change::new(channel, wish)),
            Kind::Platform => Shape::Platform(platform::Platform::invented(channel, definition)),
            Kind::PushTopic => Shape::PushTopic(push_topic::PushTopic::new()),
            Kind::Generic => Shape::Generic,
        };
        let mut template = Self { shape, pad: 0, size: 0 };
        let mut trial = Vec::new();
        let mut random = rand::SeedableRng::seed_from_u64(0);
        template.render(&mut trial, TRIAL_NUMBER, TRIAL_NUMBER as i64, &Stamp::now(), &mut random);
        template.pad = wish.bytes.saturating_sub(trial.len());
        template.size = trial.len() + template.pad;
        template
    }

    /// Events with the given `data` object; only the replay id is ours.
    pub(crate) fn explicit(data: Map<String, Value>) -> Self {
        let explicit = explicit::Explicit::new(data);
        let size = explicit.size();
        Self { shape: Shape::Explicit(explicit), pad: 0, size }
    }

    /// Events whose `data` is this text, with no replay id in it.
    pub(crate) fn verbatim(text: &str) -> Self {
        Self { shape: Shape::Verbatim(text.into()), pad: 0, size: text.len() }
    }

    /// One platform event as accepted by REST.
    pub(crate) fn accepted(definition: &Definition, fields: &Map<String, Value>, uuid: Uuid) -> Self {
        Self { shape: Shape::Platform(platform::Platform::accepted(definition, fields, uuid)), pad: 0, size: 1024 }
    }

    /// How many events are made at a time: about a mebibyte of them.
    pub(crate) fn chunk(&self) -> u64 {
        ((1 << 20) / self.size.max(1) as u64).clamp(1, 512)
    }

    /// Appends the `data` object of event `number` of its channel.
    pub(crate) fn render(
        &self,
        out: &mut Vec<u8>,
        number: u64,
        replay_id: i64,
        stamp: &Stamp,
        random: &mut StdRng,
    ) -> Made {
        match &self.shape {
            Shape::Change(change) => change.render(out, number, replay_id, stamp, self.pad),
            Shape::Platform(platform) => platform.render(out, number, replay_id, stamp, self.pad, random),
            Shape::PushTopic(topic) => topic.render(out, number, replay_id, stamp, self.pad),
            Shape::Generic => generic::render(out, number, replay_id, stamp, self.pad),
            Shape::Explicit(explicit) => explicit.render(out, replay_id),
            Shape::Verbatim(text) => {
                out.extend_from_slice(text);
                (None, None)
            }
        }
    }
}

impl Stamp {
    pub(crate) fn now() -> Self {
        let now = jiff::Timestamp::now();
        Self { text: format!("{now:.3}"), millis: now.as_millisecond() }
    }
}

/// Appends formatted text; a vector takes any.
fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// A random (version 4) uuid.
fn uuid(random: &mut StdRng) -> Uuid {
    uuid::Builder::from_random_bytes(random.random::<[u8; 16]>()).into_uuid()
}

/// A schema id in Salesforce's form, the same for a name at every start.
pub(crate) fn schema(name: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = u64::from(crc32fast::hash(name.as_bytes()));
    let digit = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(*DIGITS.get((state >> 58) as usize).unwrap_or(&b'A'))
    };
    (0..22).map(digit).collect()
}

/// As long as the numbers of most events, so that the trial has their length.
const TRIAL_NUMBER: u64 = 1_000_000;
