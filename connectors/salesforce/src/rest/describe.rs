//! What an org's objects and events look like (REST API Developer Guide, *Describe Global*, *sObject Describe*, *Platform
//! Event Schema by Event Name*).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Call, api_name};
use crate::{Error, Org};

/// An object of an org, in the list of all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ObjectSummary {
    /// Its API name.
    pub name: String,
    /// Its name for people.
    #[serde(default)]
    pub label: String,
    /// Whether the user may create records.
    #[serde(default)]
    pub createable: bool,
    /// Whether the user may change records.
    #[serde(default)]
    pub updateable: bool,
    /// Whether the user may delete records.
    #[serde(default)]
    pub deletable: bool,
    /// Whether the user may query it.
    #[serde(default)]
    pub queryable: bool,
}

/// An object or an event, and its fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Description {
    /// Its API name.
    pub name: String,
    /// Its fields that the user may see.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Field {
    /// Its API name.
    pub name: String,
    /// Its type, as in `string`, `double`, `reference`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The most characters it takes; 0 where it is not text.
    #[serde(default)]
    pub length: u64,
    /// Whether it may be empty.
    #[serde(default)]
    pub nillable: bool,
    /// Whether the user may set it when a record is created.
    #[serde(default)]
    pub createable: bool,
    /// Whether the user may change it.
    #[serde(default)]
    pub updateable: bool,
    /// Whether it has a value by itself when a record is created without it.
    #[serde(default, rename = "defaultedOnCreate")]
    pub defaulted: bool,
    /// Whether it is an external id.
    #[serde(default)]
    pub external_id: bool,
    /// Whether no two records have the same value.
    #[serde(default)]
    pub unique: bool,
}

/// The schema of an event.
#[derive(Debug, Clone)]
pub struct EventSchema {
    /// Its id, which changes when a field is added, removed or renamed; the `schema` of an event that has it.
    pub id: String,
    /// An Avro-like record schema, JSON.
    pub schema: Box<RawValue>,
}

impl Org {
    /// All objects that the user may see.
    ///
    /// # Errors
    /// As [`Org::limits`].
    pub async fn describe_global(&self) -> Result<Vec<ObjectSummary>, Error> {
        let reply = self.call(&Call::get("sobjects").urgent()).await?;
        Ok(reply.json::<Global>()?.sobjects)
    }

    /// What an object or event looks like.
    ///
    /// # Errors
    /// [`Error::NotFound`], if there is none of this name, or the user may not see it. Else as [`Org::limits`].
    pub async fn describe(&self, object: &str) -> Result<Description, Error> {
        let path = format!("sobjects/{}/describe", api_name(object)?);
        self.call(&Call::get(path).urgent()).await?.json()
    }

    /// The schema an event has now.
    ///
    /// # Errors
    /// As [`Org::describe`].
    pub async fn event_schema(&self, event: &str) -> Result<EventSchema, Error> {
        let path = format!("sobjects/{}/eventSchema", api_name(event)?);
        let reply = self.call(&Call::get(path).with("payloadFormat", "COMPACT").urgent()).await?;
        Ok(EventSchema { id: reply.json::<Uuid>()?.uuid, schema: reply.json()? })
    }
}

#[derive(Deserialize)]
struct Global {
    sobjects: Vec<ObjectSummary>,
}

#[derive(Deserialize)]
struct Uuid {
    uuid: String,
}

#[cfg(test)]
mod tests;
