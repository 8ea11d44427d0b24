//! One row of a collection.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::identifier;
use crate::object::{Definition, Field, Refusal, Sort};
use crate::org::Org;
use crate::record::{self, Found};
use crate::rest::create;
use crate::rest::work::Work;

/// A row that was not refused.
#[derive(Debug)]
pub(super) enum Row {
    /// Written, unless it is taken back.
    Written { id: String, created: Option<bool> },
    /// An event that is fit to be published.
    Event(Arc<Definition>, Map<String, Value>),
}

impl Row {
    /// The row of the reply; an event is published for it.
    pub(super) fn finish(self, org: &Org) -> Value {
        match self {
            Self::Event(definition, fields) => create::publish(org, &definition, &fields),
            Self::Written { id, created: None } => json!({"id": id, "success": true, "errors": []}),
            Self::Written { id, created } => json!({"id": id, "success": true, "errors": [], "created": created}),
        }
    }
}

pub(super) fn create(work: &mut Work<'_>, record: Map<String, Value>) -> Result<Row, Refusal> {
    let (of, record) = described(work.org, record)?;
    if of.sort() == Sort::Event {
        of.check(&record)?;
        return Ok(Row::Event(of, record));
    }
    Ok(Row::Written { id: record::insert(work.store(), &of, record)?, created: None })
}

pub(super) fn update(work: &mut Work<'_>, record: Map<String, Value>) -> Result<Row, Refusal> {
    let (of, mut record) = described(work.org, record)?;
    if of.sort() == Sort::Event {
        return Err(Refusal::new("CANNOT_UPDATE_ENTITY", format!("{} cannot be updated", of.name)));
    }
    let id = record.remove("id").or_else(|| record.remove("Id"));
    let Some(Value::String(id)) = id else {
        return Err(Refusal::new("MISSING_ARGUMENT", "Id not specified in an update call"));
    };
    Ok(Row::Written { id: record::update(work.store(), &of, &id, record)?, created: None })
}

/// `seen` are the external ids of the rows before this one.
pub(super) fn upsert(
    work: &mut Work<'_>,
    of: &Definition,
    field: &Field,
    seen: &mut HashSet<String>,
    mut record: Map<String, Value>,
) -> Result<Row, Refusal> {
    if type_of(&record).is_some_and(|name| name != of.name) {
        let text = format!("all records must be of type {}", of.name);
        return Err(Refusal::new("INVALID_TYPE", text));
    }
    record.remove("attributes");
    let key = record.remove(&field.name).unwrap_or_default();
    let (_, value, found) = record::find(work.store(), of, &field.name, &key)?;
    if !seen.insert(value.to_string()) {
        let message = format!("Duplicate external id specified: {key}");
        return Err(Refusal { code: "DUPLICATE_VALUE", message, fields: vec![field.name.clone()] });
    }
    let (id, created) = match found {
        Found::Several(ids) => return Err(record::refuse_several(field, &ids)),
        Found::One(id) => (record::update(work.store(), of, &id, record)?, false),
        Found::Nothing => {
            record.insert(field.name.clone(), value);
            (record::insert(work.store(), of, record)?, true)
        }
    };
    Ok(Row::Written { id, created: Some(created) })
}

pub(super) fn delete(work: &mut Work<'_>, id: &str) -> Result<Row, Refusal> {
    let org = work.org;
    let whole = identifier::whole(id);
    let whole = whole.ok_or_else(|| Refusal::new("MALFORMED_ID", format!("malformed id {id}")))?;
    let object = work.store().object_of(&whole).map(str::to_owned);
    let of = object.and_then(|name| org.definitions.find(&name));
    let of = of.ok_or_else(|| Refusal::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))?;
    Ok(Row::Written { id: record::delete(work.store(), &of, &whole)?, created: None })
}

/// The type that a record says it has.
pub(super) fn type_of(record: &Map<String, Value>) -> Option<&str> {
    record.get("attributes")?.get("type")?.as_str()
}

fn described(org: &Org, mut record: Map<String, Value>) -> Result<(Arc<Definition>, Map<String, Value>), Refusal> {
    let name = type_of(&record).unwrap_or_default();
    let of = org
        .definitions
        .find(name)
        .ok_or_else(|| Refusal::new("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))?;
    record.remove("attributes");
    Ok((of, record))
}
