//! The Streaming API: Bayeux 1.0 over long polling, with Salesforce's additions and strictness.
//! After "Streaming API Developer Guide" (replay extension, error messages, time-outs) and the CometD reference.

mod connect;
mod form;
mod handshake;
mod message;
mod refused;
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
use crate::fault::{self, Asked, Fault, On, Place};
use crate::org::{Org, Simulator};
use crate::routing;
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
    let asked = asked(&messages);
    let fault = org.faults.of_request(&asked);
    if let (Some(Fault::Page(status)), false) = (&fault, asked.on == On::Connect) {
        return fault::html(*status);
    }
    let refused = |refusal: &Refusal| {
        let replies = messages.iter().map(|message| message.refused(refusal)).collect();
        Reply { replies, ..Reply::default() }
    };
    if let Err(text) = version::check(head.uri.path()) {
        return reply::send(org, refused(&Refusal::new(text).advising("none")), None);
    }
    if let Some(refusal) = fault.as_ref().and_then(refused::by) {
        if refusal.ends_session {
            end_sessions(org, &messages);
        }
        return reply::send(org, refused(&refusal), None);
    }
    let token = match org.admit(&head.headers) {
        Err(Denied::Missing) => return reply::send(org, refused(&message::NO_TOKEN), None),
        Err(Denied::Invalid) => return reply::send(org, refused(&message::UNAUTHENTICATED), None),
        Ok(token) => token,
    };
    let cookie = |name| cookie(&head.headers, name);
    let caller = Caller { token, cookie: cookie(handshake::COOKIE), route: cookie(routing::COOKIE) };
    if messages.iter().any(|message| message.channel() == "/meta/handshake") {
        return match messages.as_slice() {
            [only] => reply::send(org, handshake::handshake(org, only, &caller), fault.as_ref()),
            // CometD's server fails the request; Bayeux says that a handshake is alone.
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    converse(org, messages, &caller, fault.as_ref()).await
}

/// Who asks.
#[derive(Debug)]
struct Caller {
    token: String,
    cookie: Option<String>,
    route: Option<String>,
}

/// Answers messages of an open session, a connect last.
async fn converse(org: &Arc<Org>, messages: Vec<Message>, caller: &Caller, fault: Option<&Fault>) -> Response {
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
        if let Some(Fault::ServerDisconnect(place)) = fault {
            end_sessions(org, &others);
            let disconnect = Value::Object(bare("/meta/disconnect"));
            match place {
                Place::Alone => reply.replies = vec![disconnect],
                Place::Before => reply.replies.insert(0, disconnect),
                Place::After => reply.replies.push(disconnect),
            }
        }
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
    // Most faulty connects are answered at once, and so is one that has company.
    let may_hold = is_alone && fault.is_none_or(Fault::lets_hold);
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
                Err(refusal) if refusal.ends_session => {
                    org.end(&session, Interrupt::Unknown);
                    (message.refused(&refusal), nothing)
                }
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
        // Another server got the request.
        Some(_) if !session.route.is_found_by(caller.route.as_deref()) => Err(message::UNKNOWN_CLIENT),
        Some(_) => {
            session.use_token(&caller.token);
            Ok(session)
        }
    }
}

fn end_sessions(org: &Org, messages: &[Message]) {
    for client_id in messages.iter().filter_map(|message| message.text("clientId")) {
        if let Some(session) = org.sessions.find(client_id, org.options.expiry) {
            org.end(&session, Interrupt::Unknown);
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

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.trim_matches('"').to_owned())
}

/// What a request is, by its most important message.
fn asked(messages: &[Message]) -> Asked<'_> {
    let has = |channel: &str| messages.iter().any(|message| message.channel() == channel);
    let on = if has("/meta/handshake") {
        On::Handshake
    } else if has("/meta/connect") {
        On::Connect
    } else if has("/meta/subscribe") {
        On::Subscribe
    } else {
        On::Other
    };
    let subscribes = messages.iter().filter(|message| message.channel() == "/meta/subscribe");
    let channels = subscribes.flat_map(subscribe::named).map(|name| subscribe::split(name).0).collect();
    let session = messages.iter().find_map(|message| message.text("clientId"));
    Asked { on, is_bayeux: true, session, channels }
}

fn call_of(channel: &str) -> Option<Call> {
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
