//! The error bodies of the REST API.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use crate::object::Refusal;

pub(super) fn rest(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::new(status, json!([{"message": message, "errorCode": code}]))
}

pub(super) fn bad(code: &str, message: &str) -> Answer {
    rest(StatusCode::BAD_REQUEST, code, message)
}

pub(super) fn not_found() -> Answer {
    rest(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")
}

pub(super) fn not_allowed(method: &str) -> Answer {
    let text = format!("HTTP Method '{method}' not allowed.");
    rest(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", &text)
}

pub(super) fn no_records(object: &str) -> Answer {
    rest(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", &format!("{object} is an event: it can only be created"))
}

pub(super) fn unauthorized() -> Answer {
    rest(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid")
}

pub(super) fn unavailable() -> Answer {
    rest(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVER_UNAVAILABLE",
        "Server is too busy. Please try your request again later.",
    )
}

/// Of `TotalRequests`, or of `ConcurrentRequests (Concurrent API Requests)`.
pub(super) fn limit(which: &str) -> Answer {
    rest(StatusCode::FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", &format!("{which} Limit exceeded."))
}

pub(super) fn unreadable(why: &str) -> Answer {
    bad("JSON_PARSER_ERROR", why)
}

pub(super) fn locked() -> Refusal {
    Refusal::new("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
}

/// A refusal of a lone record. `fields` is there only where there are some.
pub(super) fn record(refusal: &Refusal) -> Answer {
    let status = match refusal.code {
        "NOT_FOUND" | "ENTITY_IS_DELETED" => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut row = json!({"message": refusal.message, "errorCode": refusal.code});
    if let (false, Some(row)) = (refusal.fields.is_empty(), row.as_object_mut()) {
        row.insert("fields".to_owned(), refusal.fields.clone().into());
    }
    Answer::new(status, json!([row]))
}

/// A refusal as a row of a collection.
pub(super) fn row(refusal: &Refusal) -> Value {
    let Refusal { code, message, fields } = refusal;
    json!({"success": false, "errors": [{"statusCode": code, "message": message, "fields": fields}]})
}
