//! Up to 200 records a request; each has its own row in the reply, in order, and HTTP is 200 whatever the rows say.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{create, error};
use crate::object::{Definition, Refusal};
use crate::org::Org;

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "allOrNone", default)]
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

/// `POST /composite/sobjects`.
pub(super) fn create(org: &Org, body: &[u8]) -> Result<Value, Response> {
    let request: Request = serde_json::from_slice(body).map_err(|why| error::unreadable(&why.to_string()))?;
    if request.records.len() > MOST {
        let text = format!("record limit reached. cannot submit more than {MOST} records into this call");
        return Err(error::rest(StatusCode::BAD_REQUEST, "EXCEEDED_ID_LIMIT", &text));
    }
    let checked: Vec<_> = request.records.into_iter().map(|record| check(org, record)).collect();
    let roll_back = request.all_or_none && checked.iter().any(Result::is_err);
    let row = |checked: Result<(Arc<Definition>, Map<String, Value>), Refusal>| match checked {
        Err(refusal) => error::row(refusal.code, &refusal.message, &refusal.fields),
        Ok(_) if roll_back => error::row("ALL_OR_NONE_OPERATION_ROLLED_BACK", ROLLED_BACK, &[]),
        Ok((definition, record)) => create::publish(org, &definition, &record),
    };
    Ok(checked.into_iter().map(row).collect())
}

fn check(org: &Org, mut record: Map<String, Value>) -> Result<(Arc<Definition>, Map<String, Value>), Refusal> {
    let attributes = record.remove("attributes");
    let name = attributes.as_ref().and_then(|attributes| attributes.get("type")).and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let definition = org.definitions.find(name).ok_or_else(|| Refusal {
        code: "INVALID_TYPE",
        message: format!("sObject type '{name}' is not supported."),
        fields: Vec::new(),
    })?;
    definition.check(&record)?;
    Ok((definition, record))
}

const MOST: usize = 200;
const ROLLED_BACK: &str =
    "Record rolled back because not all records were valid and the request was using AllOrNone header";
