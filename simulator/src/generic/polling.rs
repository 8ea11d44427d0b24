//! Long polling: an array of messages in a request, an array of events and replies in its answer.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::oneshot;

use super::answer::{Held, Outcome};
use super::hub::{Caller, Hub};
use super::message::{self, Odd};
use super::page;
use super::session::Queued;
use crate::cometd::{call_of, cookie};
use crate::counters::add;
use crate::org::Org;
use crate::session::Interrupt;

/// Answers a request.
pub(super) async fn exchange(org: &Arc<Org>, hub: &Arc<Hub>, headers: &HeaderMap, body: Body) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return page(StatusCode::BAD_REQUEST);
    }
    let Ok(body) = to_bytes(body, REQUEST_BYTES).await else { return page(StatusCode::PAYLOAD_TOO_LARGE) };
    let caller = Caller::Request { browser: cookie(headers, "BAYEUX_BROWSER") };
    let outcome = message::parse(&body).and_then(|messages| {
        for call in messages.iter().filter_map(|message| call_of(message.channel())) {
            org.counters.count(call);
        }
        hub.converse(org, &messages, &caller)
    });
    match outcome {
        Err(Odd::Unreadable) => page(StatusCode::BAD_REQUEST),
        Err(Odd::Violation) => page(StatusCode::INTERNAL_SERVER_ERROR),
        Ok(Outcome { held: Some(held), .. }) => wait(hub, held).await,
        Ok(Outcome { events, replies, cookie, .. }) => send(&events, replies, cookie),
    }
}

/// Answers a held connect, once there is something to say.
async fn wait(hub: &Arc<Hub>, mut held: Held) -> Response {
    let hub = Arc::clone(hub);
    let (sender, answer) = oneshot::channel();
    // A task of its own: when the client's connection dies, the server notices no sooner than it writes, and the events
    // of that reply are out of the queue.
    tokio::spawn(async move {
        let answer = hub.wait(&mut held).await;
        if let Err(Ok((events, _))) = sender.send(answer) {
            settle(&events, false);
        }
    });
    match answer.await {
        Ok(Ok((events, replies))) => send(&events, replies, None),
        Ok(Err(status)) => page(status),
        Err(_) => page(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

impl Hub {
    async fn wait(&self, held: &mut Held) -> Result<(Vec<Queued>, Vec<Value>), StatusCode> {
        loop {
            let news = Arc::clone(&held.hold.news);
            let news = news.notified();
            tokio::pin!(news);
            // Before looking, so that what comes after the look is not missed.
            news.as_mut().enable();
            if let Some((events, reply)) = self.resume(held) {
                return Ok((events, vec![reply]));
            }
            tokio::select! {
                biased;
                why = held.hold.interrupted() => return match why {
                    Interrupt::Newer => Err(StatusCode::INTERNAL_SERVER_ERROR),
                    Interrupt::Closing => Err(StatusCode::SERVICE_UNAVAILABLE),
                    why => Ok((Vec::new(), held.ended(why))),
                },
                () = &mut news => {}
                () = tokio::time::sleep_until(held.until) => {}
            }
        }
    }
}

fn send(events: &[Queued], replies: Vec<Value>, cookie: Option<String>) -> Response {
    settle(events, true);
    let replies: Vec<String> = replies.iter().map(Value::to_string).collect();
    let parts: Vec<&[u8]> =
        events.iter().map(|event| &*event.message).chain(replies.iter().map(|reply| reply.as_bytes())).collect();
    let body = [b"[", parts.join(&b","[..]).as_slice(), b"]"].concat();
    let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let cookie = cookie.and_then(|cookie| format!("BAYEUX_BROWSER={cookie}; Path=/; HttpOnly").parse().ok());
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Counts events as delivered, or as lost for the session. What it acknowledges may come again, and is counted again.
pub(super) fn settle(events: &[Queued], is_delivered: bool) {
    for event in events {
        add(if is_delivered { &event.stream.delivered } else { &event.stream.lost }, 1);
    }
}

/// Far beyond what a test sends.
const REQUEST_BYTES: usize = 16 << 20;
