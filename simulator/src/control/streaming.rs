//! The behaviour of the Streaming API, and what happens to its streams.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ok, read, unknown, wrong};
use crate::identifier;
use crate::org::Simulator;
use crate::session::Interrupt;

/// `GET /simulator/streaming`.
pub(super) async fn show(State(simulator): State<Simulator>) -> Response {
    ok(simulator.org().streaming.now().show())
}

/// `POST /simulator/streaming`: the fields that are given replace those of now.
pub(super) async fn change(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let fields: Map<String, Value> = read(&body)?;
    let streaming = simulator.org().streaming.change(&fields).map_err(|why| wrong(&why))?;
    Ok(ok(streaming.show()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restart {
    channel: String,
    /// What is retained stays, under new ids.
    #[serde(default)]
    keep: bool,
}

/// `POST /simulator/streams/restart`.
pub(super) async fn restart(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Restart { channel, keep } = read(&body)?;
    let org = simulator.org();
    let stream = org.bus.stream(&channel).ok_or_else(|| unknown(&channel))?;
    let restarted = org.bus.restart(&stream, keep);
    Ok(ok(json!({"restarted": restarted})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    org_id: String,
}

/// `POST /simulator/org`: another org is behind the same login. It knows no token and no session of the one before.
pub(super) async fn change_org(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Move { org_id } = read(&body)?;
    if !org_id.starts_with("00D") || identifier::whole(&org_id).is_none_or(|whole| whole != org_id) {
        return Err(wrong("an org id has 18 letters and digits and begins with 00D"));
    }
    let org = simulator.org();
    org.change_id(&org_id);
    org.tokens.revoke_access();
    for session in org.sessions.all() {
        org.sessions.close(&session, Interrupt::Revoked);
    }
    Ok(ok(json!({"org_id": org_id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    api_used: Option<u64>,
    api_max: Option<u64>,
    delivered_used: Option<u64>,
    delivered_max: Option<u64>,
}

/// `POST /simulator/limits`.
pub(super) async fn limits(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Limits { api_used, api_max, delivered_used, delivered_max } = read(&body)?;
    let org = simulator.org();
    let requests = org.quota.set(api_used, api_max);
    let delivered = org.delivered.set(delivered_used, delivered_max);
    // Held connects have to look.
    for session in org.sessions.all() {
        session.news.notify_waiters();
    }
    Ok(ok(json!({
        "api_used": requests.used,
        "api_max": requests.max,
        "delivered_used": delivered.used,
        "delivered_max": delivered.max,
    })))
}
