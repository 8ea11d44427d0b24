//! The fields of platform events and of objects with records, and what Salesforce says to a record that does not fit
//! them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::event;

/// The definition of a platform event, or of an object with records.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    /// When it was made, for `If-Modified-Since`.
    pub(crate) since: Timestamp,
}

/// What is defined, told by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// `…__e`, or one that Salesforce defines: published, never kept.
    Event,
    /// `…ChangeEvent`: comes with its object.
    ChangeEvent,
    /// Has records.
    Object,
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) of: FieldType,
    pub(crate) required: bool,
    /// Characters, of text only.
    pub(crate) length: usize,
    /// Records can be found by it.
    pub(crate) external_id: bool,
    /// No two records have the same value.
    pub(crate) unique: bool,
}

/// The field types that definitions here have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FieldType {
    Number,
    Text,
    Boolean,
}

/// Why a record is refused, in Salesforce's codes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new() }
    }

    /// Of a name that is no field of the object.
    pub(crate) fn no_such_column(name: &str, object: &str) -> Self {
        Self::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {object}"))
    }
}

impl Definition {
    pub(crate) fn new(name: &str, fields: Vec<Field>) -> Self {
        Self { name: name.to_owned(), fields, since: Timestamp::now() }
    }

    /// What an event has when nobody defined it.
    pub(crate) fn standard(channel: &str) -> Self {
        let name = channel.strip_prefix("/event/").unwrap_or(channel);
        Self::new(name, vec![number("Seq__c"), text("Note__c", LONG)])
    }

    /// The change event of an object, without what every event has.
    pub(crate) fn standard_change(name: &str) -> Self {
        Self::new(name, vec![number("Seq__c"), text("Description", LONG)])
    }

    /// The id of an event's schema, which its events carry. It changes with the fields of a platform event.
    pub(crate) fn schema_id(&self) -> String {
        let fields: String = self.fields.iter().map(|field| format!(" {} {:?}", field.name, field.of)).collect();
        match self.sort() {
            Sort::Event | Sort::Object => event::schema(&format!("{}{fields}", self.name)),
            Sort::ChangeEvent => event::schema(&self.name),
        }
    }

    pub(crate) fn sort(&self) -> Sort {
        let is_standard = self.name.ends_with("EventStream") || (self.name.ends_with("Event") && self.name != "Event");
        if self.name.ends_with("ChangeEvent") {
            Sort::ChangeEvent
        } else if self.name.ends_with("__e") || is_standard {
            Sort::Event
        } else {
            Sort::Object
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Checks a whole record's fields; null counts as absent.
    pub(crate) fn check(&self, record: &Map<String, Value>) -> Result<(), Refusal> {
        self.check_values(record)?;
        self.check_required(|field| record.get(&field.name).is_none_or(Value::is_null))
    }

    /// Checks changes of a record: what is required may be left out, but not cleared.
    pub(crate) fn check_changes(&self, changes: &Map<String, Value>) -> Result<(), Refusal> {
        self.check_values(changes)?;
        self.check_required(|field| changes.get(&field.name).is_some_and(Value::is_null))
    }

    fn check_values(&self, record: &Map<String, Value>) -> Result<(), Refusal> {
        for (name, value) in record {
            self.field(name).ok_or_else(|| Refusal::no_such_column(name, &self.name))?.check(value)?;
        }
        Ok(())
    }

    fn check_required(&self, is_missing: impl Fn(&Field) -> bool) -> Result<(), Refusal> {
        let missing: Vec<String> = self
            .fields
            .iter()
            .filter(|field| field.required && is_missing(field))
            .map(|field| field.name.clone())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("Required fields are missing: [{}]", missing.join(", "));
        Err(Refusal { code: "REQUIRED_FIELD_MISSING", message, fields: missing })
    }
}

impl Field {
    fn check(&self, value: &Value) -> Result<(), Refusal> {
        let wanted = match (self.of, value) {
            (_, Value::Null) | (FieldType::Number, Value::Number(_)) | (FieldType::Boolean, Value::Bool(_)) => {
                return Ok(());
            }
            (FieldType::Text, Value::String(text)) if text.chars().count() <= self.length => return Ok(()),
            (FieldType::Text, Value::String(text)) => {
                let shown: String = text.chars().take(100).collect();
                return Err(Refusal {
                    code: "STRING_TOO_LONG",
                    message: format!("{}: data value too large: {shown} (max length={})", self.name, self.length),
                    fields: vec![self.name.clone()],
                });
            }
            (FieldType::Number, _) => "double",
            (FieldType::Text, _) => "string",
            (FieldType::Boolean, _) => "boolean",
        };
        let shown: String = value.to_string().chars().take(100).collect();
        Err(Refusal {
            code: "JSON_PARSER_ERROR",
            message: format!("Cannot deserialize instance of {wanted} from value {shown} of field {}", self.name),
            fields: vec![self.name.clone()],
        })
    }
}

/// The definitions of an org.
#[derive(Debug)]
pub(crate) struct Definitions(RwLock<BTreeMap<String, Arc<Definition>>>);

impl Definitions {
    /// The three events of the demo, and one object.
    pub(crate) fn new() -> Self {
        let definitions = [
            ("Order_Placed__e", vec![text("Order_Number__c", 255), number("Amount__c"), text("Note__c", LONG)]),
            (
                "Shipment__e",
                vec![Field { required: true, ..number("Seq__c") }, text("Order__c", 80), text("Note__c", LONG)],
            ),
            ("Low_Ink__e", vec![text("Printer_Model__c", 80), number("Ink_Percentage__c"), text("Note__c", LONG)]),
            (
                "Account",
                vec![
                    Field { required: true, ..text("Name", 255) },
                    Field { external_id: true, unique: true, ..text("External_Id__c", 64) },
                    number("AnnualRevenue"),
                ],
            ),
        ];
        let definitions =
            definitions.into_iter().map(|(name, fields)| (name.to_owned(), Arc::new(Definition::new(name, fields))));
        Self(RwLock::new(definitions.collect()))
    }

    /// Adds a definition, or replaces the one of its name.
    pub(crate) fn define(&self, mut definition: Definition) {
        let mut definitions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = definitions.get(&definition.name) {
            // HTTP dates have seconds, and a second definition within one must not pass for the first.
            definition.since = definition.since.max(before.since + SignedDuration::from_secs(1));
        }
        definitions.insert(definition.name.clone(), Arc::new(definition));
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Definition>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Definition>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

fn number(name: &str) -> Field {
    Field { of: FieldType::Number, ..text(name, 0) }
}

fn text(name: &str, length: usize) -> Field {
    Field { name: name.to_owned(), of: FieldType::Text, required: false, length, external_id: false, unique: false }
}

/// The most that a long text area holds here.
pub(crate) const LONG: usize = 32_768;
