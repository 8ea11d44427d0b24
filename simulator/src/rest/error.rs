//! The error bodies of the REST API.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::object::Refusal;

pub(super) fn rest(status: StatusCode, code: &str, message: &str) -> Response {
    (status, axum::Json(json!([{"message": message, "errorCode": code}]))).into_response()
}

pub(super) fn not_found() -> Response {
    rest(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")
}

pub(super) fn unauthorized() -> Response {
    rest(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid")
}

pub(super) fn unavailable() -> Response {
    rest(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVER_UNAVAILABLE",
        "Server is too busy. Please try your request again later.",
    )
}

pub(super) fn unreadable(why: &str) -> Response {
    rest(StatusCode::BAD_REQUEST, "JSON_PARSER_ERROR", why)
}

/// A refusal of a lone record. `fields` is there only where there are some.
pub(super) fn record(refusal: &Refusal) -> Response {
    let mut row = json!({"message": refusal.message, "errorCode": refusal.code});
    if let (false, Some(row)) = (refusal.fields.is_empty(), row.as_object_mut()) {
        row.insert("fields".to_owned(), refusal.fields.clone().into());
    }
    (StatusCode::BAD_REQUEST, axum::Json(json!([row]))).into_response()
}

/// A refusal as a row of a collection.
pub(super) fn row(code: &str, message: &str, fields: &[String]) -> Value {
    json!({"success": false, "errors": [{"statusCode": code, "message": message, "fields": fields}]})
}
