//! One record a call (REST API Developer Guide, *sObject Rows*, *sObject Rows by External ID*).

use bytes::Bytes;
use reqwest::StatusCode;
use serde_json::value::RawValue;

use super::{Call, api_name, record_id, segment};
use crate::{Error, Org, Row, reply::Reply, row::WireRow};

/// What an upsert did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upserted {
    /// The record's id, where Salesforce says it: versions of the API before 46 do not for a record that was there.
    pub id: Option<String>,
    /// Whether the record is new.
    pub created: bool,
}

impl Org {
    /// Creates a record, or publishes an event. `record` is the JSON object of its fields, sent as it is.
    ///
    /// # Errors
    /// [`Error::Rejected`], also where something is wrong with the record: [`Error::disposition`] tells. Else as
    /// [`Org::publish`].
    pub async fn create(&self, object: &str, record: &RawValue) -> Result<Row, Error> {
        let path = format!("sobjects/{}", api_name(object)?);
        let reply = self.call(&Call::post(path, json_object(record)?)).await?;
        reply.json::<WireRow>().map(Row::from)
    }

    /// Changes the fields of a record that are in `changes`; null clears one.
    ///
    /// # Errors
    /// [`Error::NotFound`], if there is no such record. Else as [`Org::create`].
    pub async fn update(&self, object: &str, id: &str, changes: &RawValue) -> Result<(), Error> {
        let path = format!("sobjects/{}/{}", api_name(object)?, record_id(id, 0)?);
        done(&self.call(&Call::patch(path, json_object(changes)?)).await?)
    }

    /// Changes the record whose `field`, an external id, has `value`, or creates it. `record` must hold neither `field`
    /// nor `Id`.
    ///
    /// # Errors
    /// [`Error::SeveralMatch`], if several records have the value. Else as [`Org::create`].
    pub async fn upsert(&self, object: &str, field: &str, value: &str, record: &RawValue) -> Result<Upserted, Error> {
        let path = by_field(object, field, value)?;
        let reply = self.call(&Call::patch(path, json_object(record)?)).await?;
        if reply.status == StatusCode::NO_CONTENT {
            return Ok(Upserted { id: None, created: false });
        }
        let row = Row::from(reply.json::<WireRow>()?);
        if !row.success {
            return Err(reply.unexpected());
        }
        let created = row.created.unwrap_or(reply.status == StatusCode::CREATED);
        Ok(Upserted { id: row.id, created })
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// [`Error::NotFound`], if it is not there (any more). Else as [`Org::create`].
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), Error> {
        let path = format!("sobjects/{}/{}", api_name(object)?, record_id(id, 0)?);
        done(&self.call(&Call::delete(path)).await?)
    }

    /// Deletes the record whose `field`, an external id, has `value`.
    ///
    /// # Errors
    /// [`Error::NotFound`], if there is none, and [`Error::SeveralMatch`], if several have it. Else as [`Org::create`].
    pub async fn delete_by(&self, object: &str, field: &str, value: &str) -> Result<(), Error> {
        done(&self.call(&Call::delete(by_field(object, field, value)?)).await?)
    }

    /// Reads a record: the JSON object of `fields`, or of all that the user may see if none is named.
    ///
    /// # Errors
    /// [`Error::NotFound`], if there is no such record. Else as [`Org::create`].
    pub async fn retrieve(&self, object: &str, id: &str, fields: &[&str]) -> Result<Box<RawValue>, Error> {
        let mut call = Call::get(format!("sobjects/{}/{}", api_name(object)?, record_id(id, 0)?));
        if !fields.is_empty() {
            call = call.with("fields", fields.join(","));
        }
        self.call(&call).await?.json()
    }
}

fn by_field(object: &str, field: &str, value: &str) -> Result<String, Error> {
    Ok(format!("sobjects/{}/{}/{}", api_name(object)?, api_name(field)?, segment(value)?))
}

fn json_object(record: &RawValue) -> Result<Bytes, Error> {
    if record.get().trim_start().starts_with('{') {
        return Ok(Bytes::copy_from_slice(record.get().as_bytes()));
    }
    Err(Error::Record { index: 0, problem: "not a JSON object" })
}

/// Only 204 says that it is done: a page that answers in Salesforce's place has 200.
fn done(reply: &Reply) -> Result<(), Error> {
    if reply.status == StatusCode::NO_CONTENT { Ok(()) } else { Err(reply.unexpected()) }
}

#[cfg(test)]
mod tests;
