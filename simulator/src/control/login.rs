//! The policy about logins.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{read, wrong};
use crate::org::Simulator;

/// `GET /simulator/login`.
pub(super) async fn show(State(simulator): State<Simulator>) -> Response {
    axum::Json(simulator.org().policies.now()).into_response()
}

/// `POST /simulator/login`: the fields that are given replace those of now.
pub(super) async fn change(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let fields: serde_json::Map<String, Value> = read(&body)?;
    let org = simulator.org();
    let is_unlocked = fields.get("locked") == Some(&Value::Bool(false));
    let policy = org.policies.change(fields).map_err(|why| wrong(&why))?;
    if is_unlocked {
        org.attempts.forgive();
    }
    Ok(axum::Json(policy).into_response())
}
