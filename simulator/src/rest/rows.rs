//! One record a request, by its id or by an external id.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::ask::Ask;
use super::error;
use super::work::Work;
use crate::object::{Definition, Refusal, Sort};
use crate::org::Org;
use crate::record::{self, Found, Store};

/// `GET /sobjects/X/<id>?fields=A,B`.
pub(super) fn read(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = object(work.org, ask.segment(1))?;
    show(work.store(), ask, &of, ask.segment(2))
}

/// `GET /sobjects/X/<external id>/<value>`.
pub(super) fn read_by_key(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = object(work.org, ask.segment(1))?;
    let store = work.store();
    let id = by_key(store, ask, &of)?;
    show(store, ask, &of, &id)
}

/// `PATCH /sobjects/X/<id>`.
pub(super) fn update(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = object(work.org, ask.segment(1))?;
    record::update(work.store(), &of, ask.segment(2), ask.record()?).map_err(|why| error::record(&why))?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// `PATCH /sobjects/X/<external id>/<value>`.
pub(super) fn upsert(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = object(work.org, ask.segment(1))?;
    let mut fields = ask.record()?;
    let store = work.store();
    let refused = |why: Refusal| error::record(&why);
    let (field, value, found) = record::find(store, &of, ask.segment(2), &ask.segment(3).into()).map_err(refused)?;
    if fields.contains_key(&field.name) {
        let text = format!("The {} field should not be specified in the sobject data.", field.name);
        return Err(error::bad("INVALID_FIELD", &text));
    }
    let (id, created) = match found {
        Found::Several(ids) => return Err(several(ask, &of, &ids)),
        Found::One(id) => (record::update(store, &of, &id, fields).map_err(refused)?, false),
        Found::Nothing => {
            fields.insert(field.name.clone(), value);
            (record::insert(store, &of, fields).map_err(refused)?, true)
        }
    };
    let body = json!({"id": id, "success": true, "errors": [], "created": created});
    if created {
        return Ok(Answer::new(StatusCode::CREATED, body).with("Location", ask.url_of(&of.name, &id)));
    }
    Ok(Answer::ok(body))
}

/// `DELETE /sobjects/X/<id>`.
pub(super) fn delete(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = object(work.org, ask.segment(1))?;
    remove(work.store(), &of, ask.segment(2))
}

/// `DELETE /sobjects/X/<external id>/<value>`.
pub(super) fn delete_by_key(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = object(work.org, ask.segment(1))?;
    let store = work.store();
    let id = by_key(store, ask, &of)?;
    remove(store, &of, &id)
}

/// An object that has records.
pub(super) fn object(org: &Org, name: &str) -> Result<Arc<Definition>, Answer> {
    let found = org.definitions.find(name).ok_or_else(error::not_found)?;
    if found.sort() == Sort::Object { Ok(found) } else { Err(error::no_records(name)) }
}

fn remove(store: &mut Store, of: &Definition, id: &str) -> Result<Answer, Answer> {
    record::delete(store, of, id).map_err(|why| error::record(&why))?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn show(store: &Store, ask: &Ask, of: &Definition, id: &str) -> Result<Answer, Answer> {
    let (id, record) = record::live(store, of, id).map_err(|why| error::record(&why))?;
    let known: Vec<&str> = record::field_names(of).collect();
    let wanted: Vec<&str> = match ask.query.get("fields") {
        Some(names) => names.split(',').map(str::trim).collect(),
        None => known.clone(),
    };
    let mut body = Map::new();
    body.insert("attributes".to_owned(), json!({"type": of.name, "url": ask.url_of(&of.name, &id)}));
    for name in wanted {
        if !known.contains(&name) {
            return Err(error::record(&Refusal::no_such_column(name, &of.name)));
        }
        body.insert(name.to_owned(), record.value(&id, name));
    }
    body.insert("Id".to_owned(), id.into());
    Ok(Answer::ok(body.into()))
}

/// The one record that an external id in the path leads to.
fn by_key(store: &Store, ask: &Ask, of: &Definition) -> Result<String, Answer> {
    let found = record::find(store, of, ask.segment(2), &ask.segment(3).into()).map_err(|why| error::record(&why))?;
    match found.2 {
        Found::One(id) => Ok(id),
        Found::Nothing => Err(error::not_found()),
        Found::Several(ids) => Err(several(ask, of, &ids)),
    }
}

fn several(ask: &Ask, of: &Definition, ids: &[String]) -> Answer {
    let urls: Value = ids.iter().map(|id| ask.url_of(&of.name, id)).collect();
    Answer::new(StatusCode::MULTIPLE_CHOICES, urls)
}
