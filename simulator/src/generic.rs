//! A plain CometD server in place of an org's: no login, wildcards, publishing by clients, long polling and WebSocket, the
//! acknowledgement extension, and the replay extension where it is asked for. It answers what CometD 8.0.9 with Jetty
//! 12.0.23 answered; `tests/integration/peers` holds the same conversations with both and compares.

mod answer;
mod hub;
mod message;
mod pattern;
mod polling;
mod session;
mod socket;

pub(crate) use hub::Hub;
pub(crate) use pattern::is_broadcast;

use axum::body::Body;
use axum::extract::{FromRequestParts, State, WebSocketUpgrade};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::org::Simulator;

/// `/cometd` and what follows.
pub(crate) async fn exchange(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    let Some(hub) = org.bus.hub() else { return StatusCode::NOT_FOUND.into_response() };
    let (mut head, body) = request.into_parts();
    if head.headers.contains_key(header::UPGRADE) && head.uri.path() == PATH {
        return match WebSocketUpgrade::from_request_parts(&mut head, &()).await {
            Ok(upgrade) => socket::open(org, hub, upgrade),
            Err(refusal) => refusal.into_response(),
        };
    }
    match head.method {
        Method::POST => polling::exchange(org, hub, &head.headers, body).await,
        Method::OPTIONS => StatusCode::OK.into_response(),
        _ => page(StatusCode::BAD_REQUEST),
    }
}

/// What Jetty says where there is no Bayeux to say.
fn page(status: StatusCode) -> Response {
    let text = format!("<html>\n<body><h2>HTTP ERROR {status}</h2></body>\n</html>\n");
    (status, [(header::CONTENT_TYPE, "text/html;charset=iso-8859-1")], text).into_response()
}

const PATH: &str = "/cometd";
