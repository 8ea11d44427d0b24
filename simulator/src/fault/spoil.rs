//! The HTTP of replies that go wrong.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

use super::Wire;

/// What is to become of the connection of a reply, as an extension of it: [`crate::socket`] sees to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doom {
    /// It stays open, and nothing is sent.
    Stall,
    /// It is reset, and nothing is sent.
    Reset,
    /// It is reset when it ends.
    ResetAtEnd,
}

/// The reply that a fault makes of a good body.
pub(crate) fn spoil(wire: Wire, body: Bytes) -> Response {
    let half = body.len() / 2;
    match wire {
        Wire::Truncated => json(StatusCode::OK, Body::from(body.slice(..half))),
        Wire::Empty => json(StatusCode::OK, Body::empty()),
        Wire::Cut => cut(body.slice(..half), body.len()),
        Wire::Drip => drip(body),
        Wire::Stall => doomed(Doom::Stall, StatusCode::OK.into_response()),
        Wire::Reset(_) => doomed(Doom::Reset, StatusCode::OK.into_response()),
        Wire::ResetInBody => doomed(Doom::ResetAtEnd, cut(body.slice(..half), body.len())),
        Wire::Chunked => chunked(body),
        Wire::Large(bytes) => json(StatusCode::OK, Body::from(filled(body, bytes))),
    }
}

/// The page that an edge server answers with while the org is away.
pub(crate) fn html(status: StatusCode) -> Response {
    let page = "<html><head><title>Maintenance</title></head><body>We are down for maintenance.</body></html>";
    (status, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
}

/// A reply whose connection goes wrong.
pub(crate) fn doomed(doom: Doom, mut response: Response) -> Response {
    response.extensions_mut().insert(doom);
    response
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

/// All but the last byte in drops, and then blanks for ever.
fn drip(body: Bytes) -> Response {
    let drops = stream::unfold(body, async |mut rest| {
        tokio::time::sleep(DRIP_EVERY).await;
        let drop = match rest.len() {
            0 | 1 => Bytes::from_static(b" "),
            length => rest.split_to(DROP.min(length - 1)),
        };
        Some((Ok::<_, io::Error>(drop), rest))
    });
    json(StatusCode::OK, Body::from_stream(drops))
}

/// Pieces that grow from one byte, so that they end in the middle of everything there is.
fn chunked(body: Bytes) -> Response {
    let pieces = stream::unfold((body, 1), async |(mut rest, length)| {
        if rest.is_empty() {
            return None;
        }
        // Hyper would send two pieces that are both there as one write.
        tokio::task::yield_now().await;
        let piece = rest.split_to(length.min(rest.len()));
        Some((Ok::<_, io::Error>(piece), (rest, length * 2 + 1)))
    });
    json(StatusCode::OK, Body::from_stream(pieces.fuse()))
}

/// The body with blanks before its last byte, where JSON and XML allow them.
fn filled(body: Bytes, bytes: usize) -> Bytes {
    let missing = bytes.saturating_sub(body.len());
    let Some((last, before)) = body.split_last() else { return body };
    let mut whole = BytesMut::with_capacity(body.len() + missing);
    whole.extend_from_slice(before);
    whole.resize(before.len() + missing, b' ');
    whole.extend_from_slice(&[*last]);
    whole.freeze()
}

fn json(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}

const DROP: usize = 4;
const DRIP_EVERY: Duration = Duration::from_millis(50);
