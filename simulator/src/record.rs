//! The records of the org's objects, in memory, with a log that takes back what was written.

#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use serde_json::{Map, Value};

pub(crate) use write::{Found, delete, find, insert, live, refuse_several, update};

use crate::lock::lock;
use crate::object::{Definition, Field};

/// The records, for one request at a time.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<Store>);

/// All records by id, the deleted ones too.
#[derive(Debug, Default)]
pub(crate) struct Store {
    rows: BTreeMap<String, Record>,
    /// Which records hold a value in a field that is unique or an external id.
    keys: HashMap<Key, BTreeSet<String>>,
    made: u64,
    /// What was there before each write of this request.
    undo: Vec<(String, Option<Record>)>,
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) object: String,
    fields: Map<String, Value>,
    created: String,
    modified: String,
    is_deleted: bool,
    keys: Vec<Key>,
}

/// Object, field, and the value as text.
type Key = (String, String, String);

impl Records {
    /// The store for one request, which may roll back what it wrote itself.
    pub(crate) fn open(&self) -> MutexGuard<'_, Store> {
        let mut store = lock(&self.0);
        store.undo.clear();
        store
    }
}

impl Store {
    /// A point to roll back to.
    pub(crate) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Takes back every write since `mark`.
    pub(crate) fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark
            && let Some((id, before)) = self.undo.pop()
        {
            self.replace(id, before);
        }
    }

    /// Every record with its id, the deleted ones too; those of an object in the order in which they were made.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.rows.iter().map(|(id, record)| (id.as_str(), record))
    }

    /// The object whose record this id is.
    pub(crate) fn object_of(&self, id: &str) -> Option<&str> {
        self.rows.get(id).map(|record| record.object.as_str())
    }

    /// Removes an object's records for good.
    pub(crate) fn forget(&mut self, object: &str) {
        self.rows.retain(|_, record| record.object != object);
        self.keys.retain(|(of, _, _), _| of != object);
    }

    fn put(&mut self, id: String, record: Record) {
        let before = self.replace(id.clone(), Some(record));
        self.undo.push((id, before));
    }

    fn replace(&mut self, id: String, record: Option<Record>) -> Option<Record> {
        for key in record.iter().filter(|record| !record.is_deleted).flat_map(|record| &record.keys) {
            self.keys.entry(key.clone()).or_default().insert(id.clone());
        }
        let after = record.as_ref().filter(|record| !record.is_deleted).map(|record| record.keys.clone());
        let before = match record {
            Some(record) => self.rows.insert(id.clone(), record),
            None => self.rows.remove(&id),
        };
        for key in before.iter().flat_map(|record| &record.keys) {
            if after.as_ref().is_none_or(|after| !after.contains(key))
                && let Some(ids) = self.keys.get_mut(key)
            {
                ids.remove(&id);
                if ids.is_empty() {
                    self.keys.remove(key);
                }
            }
        }
        before
    }

    /// The live records that hold this value in a field that is unique or an external id.
    fn holders(&self, object: &str, field: &Field, value: &Value) -> Vec<String> {
        let Some(text) = key_text(value) else { return Vec::new() };
        let ids = self.keys.get(&(object.to_owned(), field.name.clone(), text));
        ids.into_iter().flatten().cloned().collect()
    }
}

impl Record {
    /// A field's value under its exact name, system fields included; null where it has none.
    pub(crate) fn value(&self, id: &str, field: &str) -> Value {
        match field {
            "Id" => id.into(),
            "IsDeleted" => self.is_deleted.into(),
            "CreatedDate" => self.created.as_str().into(),
            "LastModifiedDate" | "SystemModstamp" => self.modified.as_str().into(),
            _ => self.fields.get(field).cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.is_deleted
    }
}

/// The names of all fields of an object's records.
pub(crate) fn field_names(definition: &Definition) -> impl Iterator<Item = &str> {
    SYSTEM_FIELDS.into_iter().chain(definition.fields.iter().map(|field| field.name.as_str()))
}

/// A value as it is compared: numbers by value, text exactly.
fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_f64().map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What every record has and nobody writes.
pub(crate) const SYSTEM_FIELDS: [&str; 5] = ["Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp"];
