//! The control API under `/simulator/`: what a test tells the org to do, and what it asks of it afterwards.
//! Every call is described in the README of this crate.

mod channels;
mod faults;
mod ledger;
mod login;
mod objects;
mod publish;
mod stats;
mod streaming;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::org::Simulator;
use crate::session::Interrupt;

pub(crate) fn router() -> Router<Simulator> {
    Router::new()
        .route("/publish", post(publish::publish))
        .route("/ledger", get(ledger::ledger))
        .route("/accepted", get(ledger::accepted))
        .route("/stats", get(stats::stats))
        .route("/sessions/end", post(end_sessions))
        .route("/expire", post(expire))
        .route("/tokens/revoke", post(revoke_tokens))
        .route("/login", post(login::change).get(login::show))
        .route("/channels", post(channels::define).get(channels::list))
        .route("/objects", post(objects::define))
        .route("/limits", post(streaming::limits))
        .route("/streaming", post(streaming::change).get(streaming::show))
        .route("/streams/restart", post(streaming::restart))
        .route("/org", post(streaming::change_org))
        .route("/faults", post(faults::plan).get(faults::list).delete(faults::clear_all))
        .route("/faults/{number}", delete(faults::clear))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    how: How,
    client_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    UnknownClient,
    ServerDisconnect,
}

async fn end_sessions(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let End { how, client_id } = read(&body)?;
    let org = simulator.org();
    let mut ended = 0;
    for session in org.sessions.all() {
        if client_id.as_ref().is_some_and(|wanted| *wanted != session.client_id) {
            continue;
        }
        match how {
            How::UnknownClient => org.end(&session, Interrupt::Unknown),
            How::ServerDisconnect if session.is_held() => org.end(&session, Interrupt::ServerDisconnect),
            // It is counted when it is told.
            How::ServerDisconnect => session.end_at_connect(),
        }
        ended += 1;
    }
    Ok(ok(json!({"ended": ended})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    channel: String,
    /// How many of the newest events stay.
    #[serde(default)]
    keep: u64,
}

async fn expire(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Expire { channel, keep } = read(&body)?;
    let stream = simulator.org().bus.stream(&channel).ok_or_else(|| unknown(&channel))?;
    Ok(ok(json!({"expired": stream.expire(keep)})))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    /// Refresh tokens too.
    #[serde(default)]
    refresh: bool,
}

async fn revoke_tokens(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Revoke { refresh } = if body.is_empty() { Revoke::default() } else { read(&body)? };
    let org = simulator.org();
    let mut revoked = org.tokens.revoke_access();
    if refresh {
        revoked += org.tokens.revoke_refresh();
    }
    for session in org.sessions.all() {
        session.interrupt(Interrupt::Revoked);
    }
    Ok(ok(json!({"revoked": revoked})))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|why| wrong(&why.to_string()))
}

fn ok(value: Value) -> Response {
    axum::Json(value).into_response()
}

fn wrong(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"error": why}))).into_response()
}

fn unknown(channel: &str) -> Response {
    let text = format!("no such channel: {channel}; add it with POST /simulator/channels or --channel");
    (StatusCode::NOT_FOUND, axum::Json(json!({"error": text}))).into_response()
}
