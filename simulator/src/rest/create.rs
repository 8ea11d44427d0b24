//! One new platform event or record a request.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Answer;
use super::ask::Ask;
use super::work::Work;
use super::{error, rows};
use crate::counters::{add, read};
use crate::event::Template;
use crate::identifier;
use crate::object::{Definition, Sort};
use crate::org::Org;
use crate::record;

/// `POST /sobjects/X/`.
pub(super) fn create(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let definition = work.org.definitions.find(ask.segment(1)).ok_or_else(error::not_found)?;
    let fields = ask.record()?;
    if definition.sort() == Sort::Event {
        definition.check(&fields).map_err(|refusal| error::record(&refusal))?;
        return Ok(Answer::new(StatusCode::CREATED, publish(work.org, &definition, &fields)));
    }
    let of = rows::object(work.org, ask.segment(1))?;
    let id = record::insert(work.store(), &of, fields).map_err(|refusal| error::record(&refusal))?;
    let body = json!({"id": id, "success": true, "errors": []});
    Ok(Answer::new(StatusCode::CREATED, body).with("Location", ask.url_of(&of.name, &id)))
}

/// Puts a checked record on the bus. Success comes with an entry among the errors: the uuid that subscribers see.
pub(super) fn publish(org: &Org, definition: &Definition, record: &Map<String, Value>) -> Value {
    let uuid = Uuid::new_v4();
    let channel = format!("/event/{}", definition.name);
    if let Some(stream) = org.bus.stream(&channel) {
        org.bus.publish(&stream, &Template::accepted(definition, record, uuid), 1);
    }
    org.accepted.record(&definition.name, uuid, record);
    add(&org.counters.published, 1);
    json!({
        "id": identifier::numbered("e01", read(&org.counters.published)),
        "success": true,
        "errors": [{"statusCode": "OPERATION_ENQUEUED", "message": uuid.to_string(), "fields": []}],
    })
}
