//! Objects with records beyond the one that every simulator has.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::channels::Shape;
use super::{ok, read, wrong};
use crate::object::{Definition, Sort};
use crate::org::Simulator;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    object: String,
    fields: BTreeMap<String, Shape>,
}

/// `POST /simulator/objects`: an object that was there before loses its records.
pub(super) async fn define(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Order { object, fields } = read(&body)?;
    let fields = fields.into_iter().map(|(name, shape)| shape.field(name)).collect();
    let definition = Definition::new(&object, fields);
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if definition.sort() != Sort::Object || !is_name(&object) {
        return Err(wrong(
            "an object's name has letters, digits and _, and ends neither with __e nor with ChangeEvent",
        ));
    }
    if !definition.fields.iter().all(|field| is_name(&field.name)) {
        return Err(wrong("a field's name has letters, digits and _"));
    }
    let org = simulator.org();
    let mut store = org.records.open();
    store.forget(&object);
    org.definitions.define(definition);
    Ok(ok(json!({"object": object})))
}
