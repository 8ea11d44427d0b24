//! The admin listener: metrics, health and status, for people and machines; and, for those who may, control.
//!
//! It serves the address of the configuration, and a Unix socket in the positions folder. Reading is open to whoever
//! reaches it. What changes something is in [`changes`], behind [`caller`].

mod caller;
mod changes;
mod positions;
mod socket;
mod token;

pub use caller::user;
pub use positions::Order as PositionsOrder;
pub use socket::SOCKET;

use crate::feed::{Budget, Phase};
use crate::metrics::Metrics;
use crate::org_state::OrgState;
use crate::process::Control;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use socket::Socket;
use std::path::Path;
use std::sync::Arc;
use token::Token;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What is shown. The position store is not part of it: connections may outlive the shut-down, the store may not.
#[derive(Clone)]
pub struct View {
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// The byte budget.
    pub budget: Budget,
    /// The feeds and orgs that there are, and what can be done with them.
    pub control: Control,
}

/// The listeners. They serve until it is dropped: a process that drains is still asked how it does.
pub struct Admin {
    _serving: JoinSet<()>,
    _socket: Option<Socket>,
}

impl Admin {
    /// Begins to serve on `listener`, and on a socket in the folder `positions`, whose store is this process's own.
    ///
    /// # Errors
    /// The token can neither be read nor made. Without a socket it serves all the same.
    pub fn start(listener: TcpListener, positions: &Path, view: View) -> std::io::Result<Self> {
        let token = Arc::new(Token::read_or_make(positions)?);
        tracing::info!(address = %listener.local_addr()?, "serving /metrics, /health and /status");
        let routes = routes(view, token);
        let mut serving = JoinSet::new();
        let socket = match Socket::bind(positions) {
            Ok((socket, listener)) => {
                let routes = routes.clone().into_make_service_with_connect_info::<caller::Peer>();
                serving.spawn(async move { ended(axum::serve(listener, routes).await) });
                Some(socket)
            }
            Err(error) => {
                tracing::warn!(%error, "no Unix socket: `crossfeed pause`, `resume` and `reload` cannot reach this process");
                None
            }
        };
        serving.spawn(async move { ended(axum::serve(listener, routes).await) });
        Ok(Self { _serving: serving, _socket: socket })
    }
}

fn ended(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "the admin listener ended");
    }
}

fn routes(view: View, token: Arc<Token>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .route("/status", get(status))
        .route("/status/orgs", get(orgs))
        .merge(changes::routes(token))
        .fallback(|| async { (StatusCode::NOT_FOUND, HERE) })
        .method_not_allowed_fallback(changes::not_this_method)
        .with_state(view)
}

async fn metrics(State(view): State<View>) -> Response {
    let (now, roster) = (Timestamp::now(), view.control.roster());
    roster.statuses.iter().for_each(|status| status.refresh(now));
    view.metrics.budget(view.budget.used());
    roster.orgs.iter().for_each(|(name, org)| view.metrics.org(name, &OrgState::of(name, org)));
    match view.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Ready is a process whose feeds all run, but for those that a person paused. It says nothing of whether the process is
/// alive: an outage of Salesforce or Kafka is not mended by a restart.
async fn ready(State(view): State<View>) -> (StatusCode, String) {
    let roster = view.control.roster();
    let waits = |phase| !matches!(phase, Phase::Running | Phase::Paused);
    let waiting: Vec<&str> =
        roster.statuses.iter().filter(|status| waits(status.phase())).map(|status| status.name()).collect();
    if waiting.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not running: {}; see /status\n", waiting.join(", ")))
    }
}

async fn status(State(view): State<View>) -> Response {
    let feeds: Vec<_> = view.control.roster().statuses.iter().map(|status| status.snapshot()).collect();
    Json(feeds).into_response()
}

async fn orgs(State(view): State<View>) -> Response {
    let orgs: Vec<_> = view.control.roster().orgs.iter().map(|(name, org)| OrgState::of(name, org)).collect();
    Json(orgs).into_response()
}

const HERE: &str = "here are /metrics, /health/live, /health/ready, /status and /status/orgs; and, for those who may change \
     something, POST /feeds/FEED/pause, /feeds/FEED/resume, /feeds/FEED/positions and /reload\n";
