//! Sending records, up to 200 in a call (REST API Developer Guide, *sObject Collections*).

use bytes::Bytes;
use reqwest::Method;
use serde::{
    Deserialize,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{Error, Org, Row, row::WireRow};

impl Org {
    /// Publishes platform events, or creates records, of one type: `event` is its API name, as in `Low_Ink__e`, and
    /// each record the JSON object of its fields, sent as it is. At most 200 in a call. The rows are in the order of
    /// the records; each has to be looked at, since one that fails does not fail the others. No record: no call.
    ///
    /// Publishing is asynchronous inside Salesforce: success means queued, and an event may reach its subscribers
    /// twice.
    ///
    /// # Errors
    /// [`Error::Record`] and [`Error::TooMany`] before anything is sent; else nothing was applied unless
    /// [`Error::uncertain`] says so. A 401 has been answered with a new token and one repeat.
    pub async fn publish(&self, event: &str, records: &[&RawValue]) -> Result<Vec<Row>, Error> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let body = body(event, records)?;
        let reply = self.call(Method::POST, "composite/sobjects", Some(body)).await?;
        let rows: Vec<WireRow> = reply.json()?;
        if rows.len() != records.len() {
            return Err(Error::RowCount { sent: records.len(), received: rows.len() });
        }
        Ok(rows.into_iter().map(Row::from).collect())
    }
}

fn body(event: &str, records: &[&RawValue]) -> Result<Bytes, Error> {
    if records.len() > MOST_RECORDS {
        return Err(Error::TooMany { count: records.len(), limit: MOST_RECORDS });
    }
    let name_is_sound = event.starts_with(|c: char| c.is_ascii_alphabetic())
        && event.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !name_is_sound {
        return Err(Error::Configuration {
            problem: format!("`{event}` is not the API name of an event or object"),
            remedy: "give the API name, as in Low_Ink__e or ns__Low_Ink__e",
        });
    }
    let attributes = format!(r#"{{"attributes":{{"type":"{event}"}}"#);
    let each = attributes.len() + 2;
    let size: usize = records.iter().map(|record| record.get().len() + each).sum();
    let mut body = String::with_capacity(size + 64);
    body.push_str(r#"{"allOrNone":false,"records":["#);
    for (index, record) in records.iter().enumerate() {
        let fields = fields(record).map_err(|problem| Error::Record { index, problem })?;
        if index > 0 {
            body.push(',');
        }
        body.push_str(&attributes);
        if !fields.starts_with('}') {
            body.push(',');
        }
        body.push_str(fields);
    }
    body.push_str("]}");
    Ok(body.into())
}

/// The record from its first field on.
fn fields(record: &RawValue) -> Result<&str, &'static str> {
    let fields = record.get().trim_start().strip_prefix('{').ok_or("not a JSON object")?.trim_start();
    // Two keys of one name: which one Salesforce takes for the type, nobody says. The text is looked for first, as
    // hardly any record holds it.
    if fields.contains("attributes") && has_attributes(record) {
        return Err("has a field `attributes`, in which the type is sent");
    }
    Ok(fields)
}

fn has_attributes(record: &RawValue) -> bool {
    serde_json::from_str(record.get()).is_ok_and(|HasAttributes(found)| found)
}

struct HasAttributes(bool);

impl<'de> Deserialize<'de> for HasAttributes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys).map(Self)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some((key, IgnoredAny)) = map.next_entry::<String, _>()? {
            found |= key == "attributes";
        }
        Ok(found)
    }
}

/// Records in one call.
const MOST_RECORDS: usize = 200;

#[cfg(test)]
mod tests;
