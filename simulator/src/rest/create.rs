//! One platform event a request.

use axum::response::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error;
use crate::counters::{add, read};
use crate::event::Template;
use crate::identifier;
use crate::object::Definition;
use crate::org::Org;

/// `POST /sobjects/X__e/`.
pub(super) fn create(org: &Org, object: &str, body: &[u8]) -> Result<Value, Response> {
    let definition = org.definitions.find(object).ok_or_else(error::not_found)?;
    let mut record: Map<String, Value> =
        serde_json::from_slice(body).map_err(|why| error::unreadable(&why.to_string()))?;
    record.remove("attributes");
    definition.check(&record).map_err(|refusal| error::record(&refusal))?;
    Ok(publish(org, &definition, &record))
}

/// Puts a checked record on the bus. Success comes with an entry among the errors: the uuid that subscribers see.
pub(super) fn publish(org: &Org, definition: &Definition, record: &Map<String, Value>) -> Value {
    let uuid = Uuid::new_v4();
    let channel = format!("/event/{}", definition.name);
    if let Some(stream) = org.bus.stream(&channel) {
        org.bus.publish(&stream, &Template::accepted(&channel, definition, record, uuid), 1);
    }
    org.accepted.record(&definition.name, uuid, record);
    add(&org.counters.published, 1);
    json!({
        "id": identifier::numbered("e01", read(&org.counters.published)),
        "success": true,
        "errors": [{"statusCode": "OPERATION_ENQUEUED", "message": uuid.to_string(), "fields": []}],
    })
}
