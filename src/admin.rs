//! The admin listener: metrics, health and status, for people and machines.

use crate::feed::{Budget, Phase, Status};
use crate::metrics::Metrics;
use crate::org_state::OrgState;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use salesforce::Org;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What is shown. The position store is not part of it: connections may outlive the shut-down, the store may not.
#[derive(Clone)]
pub struct View {
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// Each feed's state.
    pub statuses: Vec<Arc<Status>>,
    /// The byte budget.
    pub budget: Budget,
    /// The gate of each org, by name.
    pub orgs: Vec<(String, Org)>,
}

/// Serves until it is dropped: a process that drains is still asked how it does.
pub async fn serve(listener: TcpListener, view: View) {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .route("/status", get(status))
        .route("/status/orgs", get(orgs))
        .fallback(|| async {
            (StatusCode::NOT_FOUND, "here are /metrics, /health/live, /health/ready, /status and /status/orgs\n")
        })
        .with_state(view);
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "the admin listener ended");
    }
}

async fn metrics(State(view): State<View>) -> Response {
    let now = Timestamp::now();
    view.statuses.iter().for_each(|status| status.refresh(now));
    view.metrics.budget(view.budget.used());
    view.orgs.iter().for_each(|(name, org)| view.metrics.org(name, &OrgState::of(name, org)));
    match view.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Ready is a process whose feeds all run. It says nothing of whether the process is alive: an outage of Salesforce or
/// Kafka is not mended by a restart.
async fn ready(State(view): State<View>) -> (StatusCode, String) {
    let waiting: Vec<&str> =
        view.statuses.iter().filter(|status| status.phase() != Phase::Running).map(|status| status.name()).collect();
    if waiting.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not running: {}; see /status\n", waiting.join(", ")))
    }
}

async fn status(State(view): State<View>) -> Response {
    let feeds: Vec<_> = view.statuses.iter().map(|status| status.snapshot()).collect();
    Json(feeds).into_response()
}

async fn orgs(State(view): State<View>) -> Response {
    let orgs: Vec<_> = view.orgs.iter().map(|(name, org)| OrgState::of(name, org)).collect();
    Json(orgs).into_response()
}
