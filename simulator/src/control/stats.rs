//! Counts of everything.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::ok;
use crate::counters::read;
use crate::org::Simulator;

/// `GET /simulator/stats`.
pub(super) async fn stats(State(simulator): State<Simulator>) -> Response {
    let org = simulator.org();
    let sessions = org.sessions.all();
    let mut channels = Map::new();
    for stream in org.bus.streams() {
        let tip = stream.tip();
        let pending: u64 =
            sessions.iter().filter_map(|session| session.place(&stream)).map(|place| tip.saturating_sub(place)).sum();
        let pending = pending + org.bus.hub().map_or(0, |hub| hub.pending(&stream));
        let counts = json!({
            "made": stream.made(),
            "pending": pending,
            "delivered": read(&stream.delivered),
            "lost": read(&stream.lost),
        });
        channels.insert(stream.channel.clone(), counts);
    }
    let counters = &org.counters;
    let held = sessions.iter().filter(|session| session.is_held()).count();
    let (generic, generic_held) = org.bus.hub().map_or((0, 0), |hub| hub.counts());
    ok(json!({
        "channels": channels,
        "calls": Value::Object(counters.calls()),
        "passwords": {
            "tried": read(&org.attempts.all),
            "wrong": read(&org.attempts.wrong),
        },
        "sessions": {
            "open": sessions.len() + generic,
            "opened": read(&counters.opened),
            "expired": read(&counters.expired),
            "disconnected": read(&counters.disconnected),
            "ended": read(&counters.ended),
            "held": held + generic_held,
        },
    }))
}
