//! Planning what goes wrong, and looking whether it did.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{ok, read};
use crate::fault::Plan;
use crate::org::Simulator;

/// `POST /simulator/faults`.
pub(super) async fn plan(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let plan: Plan = read(&body)?;
    let number = simulator.org().faults.plan(plan);
    Ok(ok(json!({"planned": true, "number": number})))
}

/// `GET /simulator/faults`.
pub(super) async fn list(State(simulator): State<Simulator>) -> Response {
    ok(json!({"faults": simulator.org().faults.list()}))
}

/// `DELETE /simulator/faults`.
pub(super) async fn clear_all(State(simulator): State<Simulator>) -> Response {
    simulator.org().faults.clear(None);
    ok(json!({"cleared": true}))
}

/// `DELETE /simulator/faults/<number>`.
pub(super) async fn clear(State(simulator): State<Simulator>, Path(number): Path<usize>) -> Response {
    if simulator.org().faults.clear(Some(number)) {
        return ok(json!({"cleared": true}));
    }
    (StatusCode::NOT_FOUND, axum::Json(json!({"error": "no fault was planned with this number"}))).into_response()
}
