//! The Streaming API: Bayeux 1.0 over long polling, with Salesforce's additions and strictness.
//! After "Streaming API Developer Guide" (replay extension, error messages, time-outs) and the CometD reference.

mod connect;
mod handshake;
mod message;
mod reply;
mod subscribe;
mod version;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::counters::{Call, add};
use crate::fault::{self, Fault, On};
use crate::org::{Org, Simulator};
use crate::session::{Interrupt, Session, Taken};
use crate::token::Denied;
use message::{Message, Refusal};
use reply::Reply;

/// `/cometd/NN.0` and what follows: one array of messages, one array of replies.
pub(crate) async fn exchange(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        // Salesforce has no WebSocket transport, and callback polling (GET) neither.
        let is_upgrade = head.headers.contains_key(header::UPGRADE);
        return if is_upgrade { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::BAD_REQUEST }.into_response();
    }
    let Ok(body) = to_bytes(body, REQUEST_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "Maximum Request Size Exceeded").into_response();
    };
    let messages = match parse(&head.headers, &body) {
        Ok(messages) => messages,
        Err(status) => return status.into_response(),
    };
    for call in messages.iter().filter_map(|message| call_of(message.channel())) {
        org.counters.count(call);
    }
    let fault = org.faults.of_request(on(&messages));
    if fault == Some(Fault::Html) && on(&messages) != On::Connect {
        return fault::html(StatusCode::OK);
    }
    let refused = |refusal: &Refusal| {
        let replies = messages.iter().map(|message| message.refused(refusal)).collect();
        Reply { replies, ..Reply::default() }
    };
    if let Err(text) = version::check(head.uri.path()) {
        return reply::send(org, refused(&Refusal::new(text).advising("none")), None);
    }
    let token = match (fault, org.admit(&head.headers)) {
        (Some(Fault::Unavailable), _) => return reply::send(org, refused(&message::TOO_BUSY), None),
        (Some(Fault::Unauthorized), _) => return reply::send(org, refused(&message::UNAUTHENTICATED), None),
        (_, Err(Denied::Missing)) => return reply::send(org, refused(&message::NO_TOKEN), None),
        (_, Err(Denied::Invalid)) => return reply::send(org, refused(&message::UNAUTHENTICATED), None),
        (_, Ok(token)) => token,
    };
    let caller = Caller { token, cookie: cookie(&head.headers) };
    if messages.iter().any(|message| message.channel() == "/meta/handshake") {
        return match messages.as_slice() {
            [only] => reply::send(org, handshake::handshake(org, only, &caller), fault),
            // CometD's server fails the request; Bayeux says that a handshake is alone.
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    converse(org, messages, &caller, fault).await
}

/// Who asks.
#[derive(Debug)]
struct Caller {
    token: String,
    cookie: Option<String>,
}

/// Answers messages of an open session, a connect last.
async fn converse(org: &Arc<Org>, messages: Vec<Message>, caller: &Caller, fault: Option<Fault>) -> Response {
    let is_alone = messages.len() == 1;
    let (connects, others): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| message.channel() == "/meta/connect");
    let mut reply = Reply::default();
    for message in &others {
        let (value, taken) = answer(org, message, caller);
        reply.replies.push(value);
        reply.add(taken);
    }
    let Some((connect, surplus)) = connects.split_last() else {
        return reply::send(org, reply, fault);
    };
    for message in surplus {
        reply.replies.push(message.refused(&Refusal::new("400::Only one connect at a time")));
    }
    let session = match session(org, connect, caller) {
        Ok(session) => session,
        Err(refusal) => {
            reply.replies.push(connect.refused(&refusal));
            return reply::send(org, reply, fault);
        }
    };
    // A faulty connect is answered at once, and so is one that has company.
    let may_hold = is_alone && fault.is_none();
    connect::connect(org, session, connect, reply, may_hold, fault).await
}

/// The reply to one message, and the events that go out with it.
fn answer(org: &Org, message: &Message, caller: &Caller) -> (Value, Taken) {
    let nothing = Taken::default();
    let channel = message.channel();
    if channel.is_empty() {
        return (message.refused(&Refusal::new("400::channel_missing")), nothing);
    }
    if !channel.starts_with("/meta/") {
        // Salesforce publishes by REST and Apex only.
        return (message.refused(&Refusal::new("403:denied_by_security_policy:publish_denied")), nothing);
    }
    let session = match session(org, message, caller) {
        Ok(session) => session,
        Err(refusal) => return (message.refused(&refusal), nothing),
    };
    let limit = org.options.reply_bytes;
    match channel {
        "/meta/subscribe" => {
            let outcome = subscribe::subscribe(org, &session, message);
            session.touch();
            match outcome {
                Ok(()) => (message.succeeded(), session.take_unless_held(limit)),
                Err(refusal) => (message.refused(&refusal), session.take_unless_held(limit)),
            }
        }
        "/meta/unsubscribe" => {
            let taken = session.take_unless_held(limit);
            match subscribe::unsubscribe(&session, message) {
                Ok(()) => (message.succeeded(), taken),
                Err(refusal) => (message.refused(&refusal), taken),
            }
        }
        "/meta/disconnect" => {
            let taken = session.take_unless_held(limit);
            org.sessions.close(&session, Interrupt::Disconnected);
            add(&org.counters.disconnected, 1);
            tracing::info!(client = session.client_id, "client disconnected");
            (message.succeeded(), taken)
        }
        _ => (message.refused(&Refusal::new("404::Unknown channel")), nothing),
    }
}

/// The message's session: it must be open, and the cookie of its handshake must come with the request.
fn session(org: &Org, message: &Message, caller: &Caller) -> Result<Arc<Session>, Refusal> {
    let Some(client_id) = message.text("clientId") else {
        return Err(Refusal::new("403::Client has not completed handshake").advising("handshake"));
    };
    let Some(session) = org.sessions.find(client_id, org.options.expiry) else {
        return Err(message::UNKNOWN_CLIENT);
    };
    match &caller.cookie {
        None => {
            let text = format!(
                "400::Client {{{client_id}}} has established a session, but no {{{}}} cookie present",
                handshake::COOKIE
            );
            Err(Refusal::new(text).advising("handshake"))
        }
        Some(cookie) if *cookie != session.cookie => Err(message::UNKNOWN_CLIENT),
        Some(_) => {
            session.use_token(&caller.token);
            Ok(session)
        }
    }
}

/// The messages of a body. A lone object is taken for an array of one; statuses are those of CometD's server.
fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Message>, StatusCode> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let message = |value| match value {
        Value::Object(fields) => Ok(Message::new(fields)),
        _ => Err(StatusCode::BAD_REQUEST),
    };
    match serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)? {
        Value::Array(values) if !values.is_empty() => values.into_iter().map(message).collect(),
        Value::Array(_) | Value::Null => Err(StatusCode::INTERNAL_SERVER_ERROR),
        value => Ok(vec![message(value)?]),
    }
}

pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == handshake::COOKIE).map(|(_, value)| value.trim_matches('"').to_owned())
}

fn on(messages: &[Message]) -> On {
    let has = |channel: &str| messages.iter().any(|message| message.channel() == channel);
    if has("/meta/handshake") {
        On::Handshake
    } else if has("/meta/connect") {
        On::Connect
    } else if has("/meta/subscribe") {
        On::Subscribe
    } else {
        On::Other
    }
}

pub(crate) fn call_of(channel: &str) -> Option<Call> {
    Some(match channel {
        "/meta/handshake" => Call::Handshake,
        "/meta/connect" => Call::Connect,
        "/meta/subscribe" => Call::Subscribe,
        "/meta/unsubscribe" => Call::Unsubscribe,
        "/meta/disconnect" => Call::Disconnect,
        other if other.starts_with("/meta/") => return None,
        _ => Call::Publish,
    })
}

/// Advice to do `reconnect` at once.
fn advice(reconnect: &str) -> Value {
    json!({"interval": 0, "reconnect": reconnect})
}

/// The fields of a reply that carries only the name of its channel.
fn bare(channel: &str) -> Map<String, Value> {
    Map::from_iter([("channel".to_owned(), Value::from(channel))])
}

/// The most that Salesforce reads of a request's body.
const REQUEST_BYTES: usize = 32_768;
