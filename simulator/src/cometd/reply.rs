//! The one array that answers a request: events first, then the meta replies.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use super::form;
use crate::bus::Stream;
use crate::counters::add;
use crate::fault::{Fault, html, spoil};
use crate::org::Org;
use crate::session::Taken;

/// What goes into a reply.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// Nothing, or a bracket and events, each followed by a comma.
    pub(super) events: Vec<u8>,
    pub(super) counts: Vec<(Arc<Stream>, u64)>,
    pub(super) replies: Vec<Value>,
    pub(super) cookies: Vec<String>,
}

impl Reply {
    pub(super) fn add(&mut self, taken: Taken) {
        if taken.counts.is_empty() {
            return;
        }
        // Nearly always the only ones: then they are not copied.
        if self.events.is_empty() {
            self.events = taken.bytes;
        } else {
            self.events.extend_from_slice(taken.bytes.get(1..).unwrap_or_default());
        }
        self.counts.extend(taken.counts);
    }

    /// Counts the events as delivered, or as lost for the session.
    pub(super) fn settle(&self, is_delivered: bool) {
        for (stream, count) in &self.counts {
            add(if is_delivered { &stream.delivered } else { &stream.lost }, *count);
        }
    }

    fn into_body(mut self) -> Bytes {
        let mut body = std::mem::take(&mut self.events);
        let text = Value::Array(self.replies).to_string();
        if body.is_empty() {
            return Bytes::from(text);
        }
        body.extend_from_slice(text.get(1..).unwrap_or("]").as_bytes());
        Bytes::from(body)
    }
}

/// Answers with HTTP 200, or with what the fault makes of it. Its events are out of the queue either way.
pub(super) fn send(org: &Org, mut reply: Reply, fault: Option<&Fault>) -> Response {
    let is_delivered = match fault {
        Some(Fault::Page(_)) => false,
        Some(Fault::Wire(wire)) => wire.arrives(),
        _ => true,
    };
    reply.settle(is_delivered);
    if is_delivered {
        org.count_delivered(&reply.counts);
    }
    let cookies = std::mem::take(&mut reply.cookies);
    let metas = reply.replies.len();
    let mut body = reply.into_body();
    if let Some(fault) = fault {
        tracing::info!(?fault, bytes = body.len(), "reply goes wrong");
    }
    let mut response = match fault {
        Some(Fault::Page(status)) => return html(*status),
        Some(Fault::Wire(wire)) => spoil(*wire, body),
        fault => {
            if let Some(Fault::Form(form)) = fault {
                body = form::give(form, body, metas);
            }
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], Body::from(body))
                .into_response()
        }
    };
    for cookie in cookies.into_iter().filter_map(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
