//! The payload of an event: any JSON, of which a change's header is what matters.

use std::fmt;

use serde::{
    Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    change::ChangeType,
    lenient::{Lenient, Reader, Text, integer, text},
    millis,
};

#[derive(Default)]
pub(super) struct Payload {
    /// Of a change only.
    pub(super) header: Option<Header>,
    /// `CreatedDate`, in ms since 1970. Beside a header, it is the record's.
    pub(super) created_ms: Option<i64>,
}

#[derive(Default)]
pub(super) struct Header {
    pub(super) record_ids: Vec<Box<str>>,
    pub(super) entity: Option<Box<str>>,
    pub(super) change: Option<ChangeType>,
    pub(super) commit_ms: Option<i64>,
    pub(super) transaction: Option<Box<str>>,
    pub(super) sequence: Option<i64>,
}

impl Payload {
    /// A generic event's text is not looked into: somebody's words, and some of them cut in half.
    pub(super) fn read(value: &RawValue) -> Self {
        let mut payload = Self::default();
        if value.get().starts_with('{') {
            let mut deserializer = serde_json::Deserializer::from_str(value.get());
            // Fails by intent where a header was found: the fields after it, most of a change, are not read.
            let _ = deserializer.deserialize_map(UpToHeader(&mut payload));
        }
        payload
    }
}

struct UpToHeader<'a>(&'a mut Payload);

impl<'de> Visitor<'de> for UpToHeader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a payload")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<Text<'de>>()? {
            match key.as_ref() {
                "ChangeEventHeader" => {
                    self.0.header = object.next_value_seed(Reader::default())?;
                    if self.0.header.is_some() {
                        return Ok(());
                    }
                }
                "CreatedDate" => self.0.created_ms = text(object.next_value()?).as_deref().and_then(millis),
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> Lenient<'de> for Header {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut header = Self::default();
        while let Some(key) = object.next_key::<Text<'de>>()? {
            match key.as_ref() {
                "recordIds" => header.record_ids = texts(object.next_value()?),
                "entityName" => header.entity = text(object.next_value()?).map(Into::into),
                "changeType" => header.change = text(object.next_value()?).as_deref().map(ChangeType::of_header),
                "transactionKey" => header.transaction = text(object.next_value()?).map(Into::into),
                "sequenceNumber" => header.sequence = integer(object.next_value()?),
                "commitTimestamp" => header.commit_ms = integer(object.next_value()?),
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(header)
    }
}

/// The texts in a list; what is none is left out.
fn texts(value: &RawValue) -> Vec<Box<str>> {
    if let Ok(all) = serde_json::from_str(value.get()) {
        return all;
    }
    let list: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    list.into_iter().filter_map(text).map(Into::into).collect()
}
