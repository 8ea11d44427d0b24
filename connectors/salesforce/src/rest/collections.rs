//! Up to 200 records in a call (REST API Developer Guide, *sObject Collections*).

use bytes::Bytes;
use serde::{
    Deserialize,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Call, api_name, record_id};
use crate::{Error, Org, Row, row::WireRow};

impl Org {
    /// Publishes platform events of one type: `event` is its API name, as in `Low_Ink__e`, and each record the JSON
    /// object of its fields, sent as it is. At most 200 in a call. The rows are in the order of the records; each has to
    /// be looked at, since one that fails does not fail the others. No record: no call.
    ///
    /// Publishing is asynchronous inside Salesforce: success means queued, and an event may reach its subscribers
    /// twice.
    ///
    /// # Errors
    /// [`Error::Record`] and [`Error::TooMany`] before anything is sent; else nothing was applied unless
    /// [`Error::uncertain`] says so. A 401 has been answered with a new token and one repeat.
    pub async fn publish(&self, event: &str, records: &[&RawValue]) -> Result<Vec<Row>, Error> {
        self.create_many(event, records).await
    }

    /// Creates records of one object, as [`Org::publish`] does events.
    ///
    /// # Errors
    /// As [`Org::publish`].
    pub async fn create_many(&self, object: &str, records: &[&RawValue]) -> Result<Vec<Row>, Error> {
        let body = body(object, records)?;
        self.rows(&Call::post("composite/sobjects", body), records.len()).await
    }

    /// Changes records of one object. Each holds its `id` and the fields to change; null clears one.
    ///
    /// # Errors
    /// As [`Org::publish`].
    pub async fn update_many(&self, object: &str, records: &[&RawValue]) -> Result<Vec<Row>, Error> {
        let body = body(object, records)?;
        self.rows(&Call::patch("composite/sobjects", body), records.len()).await
    }

    /// Changes or creates records of one object, told apart by `field`, an external id that each holds. Two with the same
    /// value in one call: one of them fails.
    ///
    /// # Errors
    /// As [`Org::publish`].
    pub async fn upsert_many(&self, object: &str, field: &str, records: &[&RawValue]) -> Result<Vec<Row>, Error> {
        let body = body(object, records)?;
        let path = format!("composite/sobjects/{object}/{}", api_name(field)?);
        self.rows(&Call::patch(path, body), records.len()).await
    }

    /// Deletes records, which may be of different objects.
    ///
    /// # Errors
    /// As [`Org::publish`].
    pub async fn delete_many(&self, ids: &[&str]) -> Result<Vec<Row>, Error> {
        bounded(ids.len())?;
        for (index, id) in ids.iter().enumerate() {
            record_id(id, index)?;
        }
        let call = Call::delete("composite/sobjects").with("ids", ids.join(",")).with("allOrNone", "false");
        self.rows(&call, ids.len()).await
    }

    async fn rows(&self, call: &Call, sent: usize) -> Result<Vec<Row>, Error> {
        if sent == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<WireRow> = self.call(call).await?.json()?;
        if rows.len() != sent {
            return Err(Error::RowCount { sent, received: rows.len() });
        }
        Ok(rows.into_iter().map(Row::from).collect())
    }
}

fn bounded(count: usize) -> Result<(), Error> {
    if count > MOST_RECORDS {
        return Err(Error::TooMany { what: "records", count, limit: MOST_RECORDS });
    }
    Ok(())
}

fn body(object: &str, records: &[&RawValue]) -> Result<Bytes, Error> {
    bounded(records.len())?;
    let attributes = format!(r#"{{"attributes":{{"type":"{}"}}"#, api_name(object)?);
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
