//! What became of one record.

use serde::Deserialize;

use crate::{
    Disposition,
    error::{codes, remedy},
};

/// Salesforce's answer for one record of a call (REST API Developer Guide, *SaveResult*).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The record's id. That of a published event is not unique, and no subscriber sees it.
    pub id: Option<String>,
    /// Whether it was saved or, for an event, queued. The only field that says so: an event that was queued has an
    /// entry among the errors of the reply.
    pub success: bool,
    /// The `EventUuid` that subscribers see, for an event that was queued. Old versions of the API do not tell it (Platform
    /// Events Developer Guide, *Publish Event Messages with Salesforce APIs*).
    pub event_uuid: Option<String>,
    /// Of an upsert, whether the record is new.
    pub created: Option<bool>,
    /// Why it was refused.
    pub errors: Vec<RowError>,
}

/// One reason a record was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Salesforce's status code, as in `REQUIRED_FIELD_MISSING`.
    pub code: String,
    /// Salesforce's message.
    pub message: String,
    /// The fields it is about.
    pub fields: Vec<String>,
}

impl Row {
    /// What to do about a record that was refused; `None` for one that was taken. Of several
    /// reasons the gravest counts: one that does not pass makes it vain to try again.
    pub fn disposition(&self) -> Option<Disposition> {
        if self.success {
            return None;
        }
        let of_each = || self.errors.iter().map(|error| codes::of_row(&error.code, &error.message));
        let worst = [Disposition::Fatal, Disposition::Rejected, Disposition::Transient];
        let found = worst.into_iter().find(|disposition| of_each().any(|each| each == *disposition));
        Some(found.unwrap_or(Disposition::Rejected))
    }

    /// What a person should look at, where there is something to look at.
    pub fn remedy(&self) -> Option<&'static str> {
        self.errors.iter().find_map(|error| remedy::of_call(&error.code))
    }
}

/// A row as it comes.
#[derive(Deserialize)]
pub(crate) struct WireRow {
    id: Option<String>,
    success: bool,
    created: Option<bool>,
    #[serde(default)]
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(alias = "statusCode", alias = "errorCode", default)]
    code: String,
    message: Option<String>,
    fields: Option<Vec<String>>,
}

impl From<WireRow> for Row {
    fn from(wire: WireRow) -> Self {
        let (enqueued, errors): (Vec<_>, Vec<_>) =
            wire.errors.into_iter().partition(|error| codes::is_enqueued(&error.code));
        let event_uuid = enqueued.into_iter().find_map(|entry| entry.message);
        let errors = errors.into_iter().map(|error| RowError {
            code: error.code,
            message: error.message.unwrap_or_default(),
            fields: error.fields.unwrap_or_default(),
        });
        Self { id: wire.id, success: wire.success, event_uuid, created: wire.created, errors: errors.collect() }
    }
}
