//! What a write has to satisfy. After "REST API Developer Guide", "Object Reference" and its status codes.

use serde_json::{Map, Value};

use super::{Record, SYSTEM_FIELDS, Store, key_text};
use crate::identifier;
use crate::object::{Definition, Field, FieldType, Refusal};

/// Makes a record and says its id.
pub(crate) fn insert(store: &mut Store, of: &Definition, fields: Map<String, Value>) -> Result<String, Refusal> {
    refuse_system_fields(&fields)?;
    of.check(&fields)?;
    refuse_duplicates(store, of, &fields, None)?;
    store.made += 1;
    let id = identifier::numbered(identifier::prefix(&of.name), store.made);
    let now = now();
    let keys = keys(of, &fields);
    let object = of.name.clone();
    store.put(id.clone(), Record { object, fields, created: now.clone(), modified: now, is_deleted: false, keys });
    Ok(id)
}

/// Changes a record; null clears a field.
pub(crate) fn update(
    store: &mut Store,
    of: &Definition,
    id: &str,
    changes: Map<String, Value>,
) -> Result<String, Refusal> {
    refuse_system_fields(&changes)?;
    let (id, before) = live(store, of, id)?;
    let mut record = before.clone();
    of.check_changes(&changes)?;
    refuse_duplicates(store, of, &changes, Some(&id))?;
    record.fields.extend(changes);
    record.fields.retain(|_, value| !value.is_null());
    record.modified = now();
    record.keys = keys(of, &record.fields);
    store.put(id.clone(), record);
    Ok(id)
}

/// Puts a record into the recycle bin.
pub(crate) fn delete(store: &mut Store, of: &Definition, id: &str) -> Result<String, Refusal> {
    let (id, before) = live(store, of, id)?;
    let record = Record { is_deleted: true, modified: now(), ..before.clone() };
    store.put(id.clone(), record);
    Ok(id)
}

/// The record of an id of 15 or 18 characters, unless it is deleted; with the long form of the id.
pub(crate) fn live<'a>(store: &'a Store, of: &Definition, id: &str) -> Result<(String, &'a Record), Refusal> {
    let whole = identifier::whole(id).filter(|id| id.starts_with(identifier::prefix(&of.name)));
    let malformed = || Refusal::new("MALFORMED_ID", format!("{} ID: id value of incorrect type: {id}", of.name));
    let id = whole.ok_or_else(malformed)?;
    match store.rows.get(&id).filter(|record| record.object == of.name) {
        None => Err(Refusal::new("NOT_FOUND", "The requested resource does not exist")),
        Some(record) if record.is_deleted => Err(Refusal::new("ENTITY_IS_DELETED", "entity is deleted")),
        Some(record) => Ok((id, record)),
    }
}

/// What an external id leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    One(String),
    Several(Vec<String>),
}

/// Looks for live records by an external id, given as text or in the field's own type. With the field and the value
/// in its type.
pub(crate) fn find<'a>(
    store: &Store,
    of: &'a Definition,
    field: &str,
    value: &Value,
) -> Result<(&'a Field, Value, Found), Refusal> {
    let field = of.field(field).filter(|field| field.external_id).ok_or_else(|| {
        let text = format!("Provided external ID field does not exist or is not accessible: {field}");
        Refusal::new("NOT_FOUND", text)
    })?;
    let value = match (field.of, value) {
        (FieldType::Number, Value::String(text)) => text.parse::<f64>().map_or(Value::Null, Value::from),
        _ => value.clone(),
    };
    if key_text(&value).is_none() {
        return Err(Refusal::new("MISSING_ARGUMENT", format!("{} not specified", field.name)));
    }
    let mut ids = store.holders(&of.name, field, &value);
    let found = match (ids.len(), ids.pop()) {
        (1, Some(id)) => Found::One(id),
        (_, None) => Found::Nothing,
        (_, Some(last)) => {
            ids.push(last);
            Found::Several(ids)
        }
    };
    Ok((field, value, found))
}

/// Says of a row that its external id leads to several records.
pub(crate) fn refuse_several(field: &Field, ids: &[String]) -> Refusal {
    let message = format!("{}: more than one record found for external id field: [{}]", field.name, ids.join(", "));
    Refusal { code: "DUPLICATE_VALUE", message, fields: vec![field.name.clone()] }
}

fn refuse_system_fields(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(name) = fields.keys().find(|name| SYSTEM_FIELDS.contains(&name.as_str()) || *name == "id") else {
        return Ok(());
    };
    if name.eq_ignore_ascii_case("Id") {
        return Err(Refusal::new("INVALID_FIELD", "The Id field should not be specified in the sobject data."));
    }
    let message = format!(
        "Unable to create/update fields: {name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
    );
    Err(Refusal { code: "INVALID_FIELD_FOR_INSERT_UPDATE", message, fields: vec![name.clone()] })
}

fn refuse_duplicates(
    store: &Store,
    of: &Definition,
    fields: &Map<String, Value>,
    own: Option<&str>,
) -> Result<(), Refusal> {
    for field in of.fields.iter().filter(|field| field.unique) {
        let Some(value) = fields.get(&field.name) else { continue };
        if let Some(id) = store.holders(&of.name, field, value).iter().find(|id| Some(id.as_str()) != own) {
            let message = format!("duplicate value found: {} duplicates value on record with id: {id}", field.name);
            return Err(Refusal { code: "DUPLICATE_VALUE", message, fields: vec![field.name.clone()] });
        }
    }
    Ok(())
}

fn keys(of: &Definition, fields: &Map<String, Value>) -> Vec<super::Key> {
    let indexed = of.fields.iter().filter(|field| field.unique || field.external_id);
    let key = |field: &Field| Some((of.name.clone(), field.name.clone(), key_text(fields.get(&field.name)?)?));
    indexed.filter_map(key).collect()
}

/// Now, as REST writes it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}
