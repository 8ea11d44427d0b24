//! The fields of platform events, and what Salesforce says to a record that does not fit them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};

/// A platform event's definition.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

/// One field of an event.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) of: FieldType,
    pub(crate) required: bool,
    /// Characters, of text only.
    pub(crate) length: usize,
}

/// The field types that events here have.
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

impl Definition {
    /// What an event has when nobody defined it.
    pub(crate) fn standard(channel: &str) -> Self {
        let name = channel.strip_prefix("/event/").unwrap_or(channel);
        Self { name: name.to_owned(), fields: vec![number("Seq__c"), text("Note__c", LONG)] }
    }

    /// Checks a record's fields; null counts as absent.
    pub(crate) fn check(&self, record: &Map<String, Value>) -> Result<(), Refusal> {
        for (name, value) in record {
            let Some(field) = self.fields.iter().find(|field| field.name == *name) else {
                return Err(Refusal {
                    code: "INVALID_FIELD",
                    message: format!("No such column '{name}' on sobject of type {}", self.name),
                    fields: Vec::new(),
                });
            };
            field.check(value)?;
        }
        let is_missing = |field: &&Field| field.required && record.get(&field.name).is_none_or(Value::is_null);
        let missing: Vec<String> = self.fields.iter().filter(is_missing).map(|field| field.name.clone()).collect();
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
    /// The three events of the demo.
    pub(crate) fn new() -> Self {
        let definitions = [
            ("Order_Placed__e", vec![text("Order_Number__c", 255), number("Amount__c"), text("Note__c", LONG)]),
            (
                "Shipment__e",
                vec![Field { required: true, ..number("Seq__c") }, text("Order__c", 80), text("Note__c", LONG)],
            ),
            ("Low_Ink__e", vec![text("Printer_Model__c", 80), number("Ink_Percentage__c"), text("Note__c", LONG)]),
        ];
        let definitions = definitions
            .into_iter()
            .map(|(name, fields)| (name.to_owned(), Arc::new(Definition { name: name.to_owned(), fields })));
        Self(RwLock::new(definitions.collect()))
    }

    pub(crate) fn define(&self, definition: Definition) {
        let mut definitions = self.0.write().unwrap_or_else(PoisonError::into_inner);
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
    Field { name: name.to_owned(), of: FieldType::Number, required: false, length: 0 }
}

fn text(name: &str, length: usize) -> Field {
    Field { name: name.to_owned(), of: FieldType::Text, required: false, length }
}

/// The most that a long text area of an event holds here.
pub(crate) const LONG: usize = 32_768;
