//! The admin listener: metrics, health and status, for people and machines.

use crate::feed::Phase;
use crate::process::Shared;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until it is dropped: a process that drains is still asked how it does.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .route("/status", get(status))
        .fallback(|| async { (StatusCode::NOT_FOUND, "here are /metrics, /health/live, /health/ready and /status\n") })
        .with_state(shared);
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "the admin listener ended");
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let now = Timestamp::now();
    shared.statuses.iter().for_each(|status| status.refresh(now));
    shared.metrics.budget(shared.budget.used());
    match shared.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Ready is a process whose feeds all run. It says nothing of whether the process is alive: an outage of Salesforce or
/// Kafka is not mended by a restart.
async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    let waiting: Vec<&str> =
        shared.statuses.iter().filter(|status| status.phase() != Phase::Running).map(|status| status.name()).collect();
    if waiting.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not running: {}; see /status\n", waiting.join(", ")))
    }
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let feeds: Vec<_> = shared.statuses.iter().map(|status| status.snapshot()).collect();
    Json(feeds).into_response()
}
