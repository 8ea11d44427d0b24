//! What the bridge needs of an event, read without building the event.
//!
//! Shapes: Streaming API Developer Guide, *PushTopic* and *Generic Streaming* (notification messages); Platform Events
//! Developer Guide, *Subscribe to Platform Event Notifications with CometD*; Change Data Capture Developer Guide, *Change
//! Event Fields*.

mod change;
mod identity;
mod lenient;
mod payload;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess},
};
use serde_json::value::RawValue;

pub use self::{change::ChangeType, identity::Identity};
use self::{
    lenient::{Lenient, Reader, Text, read, text},
    payload::Payload,
};
use crate::ReplayId;

/// What is read of the `data` of an event, on a channel of whatever kind. A field that is missing, or not of the type it
/// should be, is `None`; it makes no event undecodable.
///
/// Deserialize it with `serde_json` and from a `&str` or a slice, on its own or as part of a message: the parts of an
/// event are borrowed as raw JSON, so that what is not needed is skipped and not decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Data {
    /// `event.replayId`: where the event is in its channel.
    pub replay_id: Option<ReplayId>,
    /// `event.EventUuid` of a platform event: the same for one that was published twice inside Salesforce.
    pub uuid: Option<Box<str>>,
    /// When it happened, in ms since 1970, by Salesforce's clock: `commitTimestamp` of a change, `CreatedDate` of a
    /// platform event, `createdDate` of a PushTopic's or a generic one.
    pub time_ms: Option<i64>,
    /// The records it is about: `recordIds` of a change (several where equal changes were merged, a pattern such as
    /// `001*` where many changed at once), `sobject.Id` of a PushTopic's.
    pub record_ids: Vec<Box<str>>,
    /// The object that changed, as in `Account`: on a channel of several, what tells its events apart.
    pub entity: Option<Box<str>>,
    /// What was done to the records, on a change or a PushTopic's event.
    pub change: Option<ChangeType>,
    /// `transactionKey` of a change: the same for all changes of one transaction.
    pub transaction: Option<Box<str>>,
    /// `sequenceNumber` of a change: its place in its transaction.
    pub sequence: Option<i64>,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reader::default().read(deserializer)
    }
}

impl<'de> Lenient<'de> for Data {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut event = About::default();
        let mut payload = Payload::default();
        let mut record_id = None;
        while let Some(key) = object.next_key::<Text<'de>>()? {
            match key.as_ref() {
                "event" => event = read(object.next_value()?),
                "payload" => payload = Payload::read(object.next_value()?),
                "sobject" => record_id = read::<Sobject>(object.next_value()?).id,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Self::of_parts(event, payload, record_id))
    }
}

impl Data {
    fn of_parts(event: About, payload: Payload, record_id: Option<Box<str>>) -> Self {
        let created = event.created_ms;
        let About { replay_id, uuid, kind, .. } = event;
        let of_any = Self { replay_id, uuid, ..Self::default() };
        // A change has fields of its record beside the header, among them one named CreatedDate.
        match payload.header {
            Some(header) => Self {
                time_ms: header.commit_ms,
                record_ids: header.record_ids,
                entity: header.entity,
                change: header.change,
                transaction: header.transaction,
                sequence: header.sequence,
                ..of_any
            },
            None => Self {
                time_ms: created.or(payload.created_ms),
                record_ids: record_id.into_iter().collect(),
                change: kind,
                ..of_any
            },
        }
    }
}

/// The object `event`.
#[derive(Default)]
struct About {
    replay_id: Option<ReplayId>,
    uuid: Option<Box<str>>,
    created_ms: Option<i64>,
    kind: Option<ChangeType>,
}

impl<'de> Lenient<'de> for About {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut about = Self::default();
        while let Some(key) = object.next_key::<Text<'de>>()? {
            match key.as_ref() {
                "replayId" => about.replay_id = ReplayId::of_json(object.next_value()?),
                "EventUuid" => about.uuid = text(object.next_value()?).map(Into::into),
                "createdDate" => about.created_ms = text(object.next_value()?).as_deref().and_then(millis),
                "type" => about.kind = text(object.next_value()?).as_deref().map(ChangeType::of_topic),
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(about)
    }
}

/// The object `sobject`.
#[derive(Default)]
struct Sobject {
    id: Option<Box<str>>,
}

impl<'de> Lenient<'de> for Sobject {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut id = None;
        while let Some(key) = object.next_key::<Text<'de>>()? {
            match key.as_ref() {
                "Id" => id = text(object.next_value::<&RawValue>()?).map(Into::into),
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Self { id })
    }
}

/// Milliseconds since 1970 of an ISO-8601 date with its offset, `Z`, `+00:00` or `+0000`.
fn millis(date: &str) -> Option<i64> {
    Some(date.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests;
