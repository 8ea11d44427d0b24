//! What was made and what was accepted, as lines of JSON, a page of them at a time.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{unknown, wrong};
use crate::org::Simulator;

/// `GET /simulator/ledger?channel=…`.
pub(super) async fn ledger(
    State(simulator): State<Simulator>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Response> {
    let channel = query.get("channel").ok_or_else(|| wrong("say which channel: ?channel=/data/AccountChangeEvent"))?;
    let made = simulator.org().bus.stream(channel).ok_or_else(|| unknown(channel))?;
    Ok(lines(move |place| {
        let rows = made.ledger(place, PAGE);
        let mut out = Vec::new();
        for row in &rows {
            row.write(&mut out);
        }
        (rows.len(), out)
    }))
}

/// `GET /simulator/accepted?object=…`; all objects where none is named.
pub(super) async fn accepted(
    State(simulator): State<Simulator>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let object = query.get("object").cloned();
    let org = Arc::clone(simulator.org());
    lines(move |place| org.accepted.page(object.as_deref(), place, PAGE))
}

/// Streams pages until one is empty.
fn lines(page: impl Fn(usize) -> (usize, Vec<u8>) + Send + 'static) -> Response {
    let pages = stream::unfold((0, page), async |(place, page)| {
        let (seen, out) = page(place);
        (seen > 0).then(|| (Ok::<_, Infallible>(Bytes::from(out)), (place + seen, page)))
    });
    // The compressing layer asks once more after the end.
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(pages.fuse())).into_response()
}

const PAGE: usize = 4096;
