//! The HTTP of replies that go wrong.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::Fault;

/// The reply that a fault makes of a good body. Faults with a body of the endpoint's own are not made here.
pub(crate) fn spoil(fault: Fault, body: Bytes) -> Response {
    let half = body.len() / 2;
    match fault {
        Fault::Truncated => json(StatusCode::OK, Body::from(body.slice(..half))),
        Fault::Empty => json(StatusCode::OK, Body::empty()),
        Fault::Cut => cut(body.slice(..half), body.len()),
        Fault::Html | Fault::Unauthorized | Fault::Unavailable | Fault::LockRow | Fault::Limit | Fault::Concurrent => {
            html(StatusCode::OK)
        }
    }
}

/// The page that an edge server answers with while the org is away.
pub(crate) fn html(status: StatusCode) -> Response {
    let page = "<html><head><title>Maintenance</title></head><body>We are down for maintenance.</body></html>";
    (status, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
}

/// Promises `length` bytes, sends less, and drops the connection.
fn cut(part: Bytes, length: usize) -> Response {
    let sent = stream::once(async { Ok(part) });
    let dropped = stream::once(async {
        // Hyper writes what it has only when the body makes it wait.
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let mut response = json(StatusCode::OK, Body::from_stream(sent.chain(dropped)));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn json(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}
