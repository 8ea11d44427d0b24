//! The Avro schemas of events. After "REST API Developer Guide", platform event schema by event name and by schema id.

use serde_json::{Value, json};

use super::answer::Answer;
use super::ask::Ask;
use super::work::Work;
use super::{describe, error};
use crate::object::{Definition, Field, FieldType, Sort};

/// `GET /sobjects/X__e/eventSchema?payloadFormat=COMPACT|EXPANDED`.
pub(super) fn of_event(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let found = describe::entity(work.org, ask.segment(1)).filter(|of| of.sort() != Sort::Object);
    schema(&*found.ok_or_else(error::not_found)?, ask)
}

/// `GET /event/eventSchema/<schema id>?payloadFormat=…`.
pub(super) fn of_id(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let mut all = describe::entities(work.org).into_iter().filter(|of| of.sort() != Sort::Object);
    let found = all.find(|of| of.schema_id() == ask.segment(2));
    schema(&*found.ok_or_else(error::not_found)?, ask)
}

fn schema(of: &Definition, ask: &Ask) -> Result<Answer, Answer> {
    let (kind, fields) = match ask.query.get("payloadFormat").map_or("EXPANDED", String::as_str) {
        "COMPACT" => ("record", json!(payload(of, "long"))),
        "EXPANDED" => ("expanded-record", expanded(&payload(of, "string"))),
        other => {
            let text = format!("payloadFormat must be COMPACT or EXPANDED, not {other}");
            return Err(error::bad("INVALID_OPERATION", &text));
        }
    };
    let uuid = of.schema_id();
    let body = json!({"name": of.name, "namespace": SPACE, "type": kind, "fields": fields, "uuid": uuid});
    Ok(Answer::ok(body))
}

/// The whole message around the payload.
fn expanded(payload: &[Value]) -> Value {
    let record = |name: &str, fields: Value| json!({"type": "record", "name": name, "fields": fields});
    let event = record("Event", json!([{"name": "replayId", "type": "long"}]));
    let data = json!([
        {"name": "schema", "type": "string"},
        {"name": "payload", "type": record("Payload", json!(payload))},
        {"name": "event", "type": event},
    ]);
    json!([{"name": "data", "type": record("Data", data)}, {"name": "channel", "type": "string"}])
}

/// The payload's fields; dates are numbers in the compact form, and text in the other.
fn payload(of: &Definition, date: &str) -> Vec<Value> {
    let mut fields = match of.sort() {
        Sort::ChangeEvent => vec![header()],
        Sort::Event | Sort::Object => vec![
            json!({"name": "CreatedDate", "type": date, "doc": "CreatedDate:DateTime"}),
            json!({"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"}),
        ],
    };
    fields.extend(of.fields.iter().map(own));
    if of.sort() == Sort::ChangeEvent {
        let doc = "Data:DateTime";
        fields.push(json!({"name": "LastModifiedDate", "type": ["null", date], "doc": doc, "default": null}));
    }
    fields
}

fn own(field: &Field) -> Value {
    let (kind, doc) = match field.of {
        FieldType::Number => ("double", "Data:Double"),
        FieldType::Text => ("string", "Data:Text"),
        FieldType::Boolean => ("boolean", "Data:Boolean"),
    };
    if field.required {
        return json!({"name": field.name, "type": kind, "doc": doc});
    }
    json!({"name": field.name, "type": ["null", kind], "doc": doc, "default": null})
}

fn header() -> Value {
    let field = |name: &str, kind: Value| json!({"name": name, "type": kind});
    let texts = json!({"type": "array", "items": "string"});
    let fields = [
        field("entityName", json!("string")),
        field("recordIds", texts.clone()),
        field("changeType", json!("string")),
        field("changeOrigin", json!("string")),
        field("transactionKey", json!("string")),
        field("sequenceNumber", json!("int")),
        field("commitTimestamp", json!("long")),
        field("commitNumber", json!("long")),
        field("commitUser", json!("string")),
        field("changedFields", texts),
    ];
    let record = json!({"type": "record", "name": "ChangeEventHeader", "fields": fields});
    json!({"name": "ChangeEventHeader", "type": record})
}

const SPACE: &str = "com.sforce.eventbus";
