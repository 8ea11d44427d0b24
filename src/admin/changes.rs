//! The routes that change something. All answers are JSON; one that is refused has an `error`.

use super::caller::{Caller, may_change};
use super::token::Token;
use super::{View, positions};
use crate::decide;
use crate::position::Paused;
use crate::process::Error;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The routes, behind the question who asks.
pub(super) fn routes(token: Arc<Token>) -> Router<View> {
    Router::new()
        .route("/feeds/{feed}/pause", post(pause))
        .route("/feeds/{feed}/resume", post(resume))
        .route("/feeds/{feed}/positions", post(positions::change))
        .route("/reload", post(reload))
        .route_layer(from_fn_with_state(token, may_change))
}

/// What may come with a pause.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseOrder {
    reason: Option<String>,
}

async fn pause(
    State(view): State<View>,
    Extension(caller): Extension<Caller>,
    Path(feed): Path<String>,
    body: Bytes,
) -> Response {
    // Whoever gives no reason need not send a body.
    let order = if body.is_empty() { Ok(PauseOrder::default()) } else { serde_json::from_slice(&body) };
    let PauseOrder { reason } = match order {
        Ok(order) => order,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("not what a pause takes: {error}")),
    };
    let paused = Paused { by: caller.to_string(), at: Timestamp::now(), reason };
    let done = view.control.pause(&feed, paused).await;
    answer(done.map(|paused| json!({"feed": feed, "paused": paused})))
}

async fn resume(State(view): State<View>, Path(feed): Path<String>) -> Response {
    let done = view.control.resume(&feed).await;
    answer(done.map(|started| json!({"feed": feed, "started": started})))
}

async fn reload(State(view): State<View>) -> Response {
    answer(view.control.reload().await)
}

/// The answer where a known path is asked with another method.
pub(super) async fn not_this_method(method: Method, uri: Uri) -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not answer to {method}", uri.path()))
}

fn answer(done: Result<impl Serialize, Error>) -> Response {
    match done {
        Ok(done) => Json(done).into_response(),
        Err(error) => failed(&error),
    }
}

pub(super) fn failed(error: &Error) -> Response {
    let status = match error {
        Error::UnknownFeed { .. } => StatusCode::NOT_FOUND,
        Error::Ending => StatusCode::SERVICE_UNAVAILABLE,
        Error::Fixed { .. } => StatusCode::CONFLICT,
        Error::File(_) | Error::Org(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Store(_) | Error::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refuse(status, decide::chain(error))
}

pub(super) fn refuse(status: StatusCode, error: String) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}
