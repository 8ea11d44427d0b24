//! The REST API, as far as reading and writing records, publishing, and looking around need it.
//! After "REST API Developer Guide" and "Platform Events Developer Guide".

mod accepted;
mod answer;
mod ask;
mod collections;
mod composite;
mod create;
mod describe;
mod error;
mod limits;
mod query;
mod route;
mod rows;
mod schema;
mod work;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

pub(crate) use accepted::Accepted;
pub(crate) use query::Cursors;

use crate::counters::Call;
use crate::fault::{self, Fault, On, Planned, spoil};
use crate::org::{Org, Simulator};
use ask::Ask;
use work::Work;

/// `/services/data/`: the versions, without a login.
pub(crate) async fn versions() -> Response {
    let version = |number: u32| {
        let season = ["Winter", "Spring", "Summer"].get((number as usize + 1) % 3).copied().unwrap_or_default();
        json!({
            "label": format!("{season} '{:02}", (number + 13) / 3),
            "url": format!("/services/data/v{number}.0"),
            "version": format!("{number}.0"),
        })
    };
    axum::Json(VERSIONS.map(version).collect::<Vec<_>>()).into_response()
}

/// `/services/data/vNN.0/…`.
pub(crate) async fn call(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Api);
    let (usage, is_left) = org.quota.take();
    let mut response = answer(org, request, is_left).await;
    let info = format!("api-usage={}/{}", usage.used, usage.max);
    for (name, text) in [("sforce-limit-info", info), ("x-sfdc-request-id", Uuid::new_v4().simple().to_string())] {
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Any other path.
pub(crate) async fn not_found() -> Response {
    error::not_found().into_response()
}

async fn answer(org: &Org, request: Request<Body>, is_left: bool) -> Response {
    let (head, body) = request.into_parts();
    let url = head.uri.path_and_query().map_or("", |url| url.as_str());
    let Some(mut ask) = Ask::new(head.method, url, head.headers) else { return not_found().await };
    let route = route::find(&ask.method, &ask.path());
    let call = route.as_ref().ok().map(|(call, _)| *call);
    let Planned { fault, rows, retry_after } = org.faults.of_rest(On::of(call)).unwrap_or_default();
    let mut response = match refusal(org, &ask, fault.as_ref(), is_left) {
        Some(refusal) => refusal,
        None => match to_bytes(body, REQUEST_BYTES).await {
            Ok(body) => {
                ask.body = body;
                carry_out(org, &ask, route, fault, rows)
            }
            Err(_) => too_large().into_response(),
        },
    };
    if let (StatusCode::SERVICE_UNAVAILABLE, Some(seconds)) = (response.status(), retry_after) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What is refused before anybody looks at the resource.
fn refusal(org: &Org, ask: &Ask, fault: Option<&Fault>, is_left: bool) -> Option<Response> {
    match fault {
        Some(Fault::Page(status)) => return Some(fault::html(*status)),
        Some(Fault::Unavailable) => return Some(error::unavailable().into_response()),
        Some(Fault::Unauthorized) => return Some(error::unauthorized().into_response()),
        Some(Fault::Limit) => return Some(error::limit(TOTAL).into_response()),
        Some(Fault::Concurrent) => return Some(error::limit(CONCURRENT).into_response()),
        _ => {}
    }
    let is_encoded = ask.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let refusal = if org.admit(&ask.headers).is_err() {
        error::unauthorized()
    } else if !is_left {
        error::limit(TOTAL)
    } else if !is_offered(&ask.version) {
        error::not_found()
    } else if is_encoded {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        error::rest(status, "UNSUPPORTED_MEDIA_TYPE", "content encoding not supported")
    } else {
        return None;
    };
    Some(refusal.into_response())
}

fn carry_out(
    org: &Org,
    ask: &Ask,
    route: Result<(Call, route::Act), answer::Answer>,
    fault: Option<Fault>,
    rows: Vec<usize>,
) -> Response {
    let (call, act) = match route {
        Ok(found) => found,
        Err(refusal) => return refusal.into_response(),
    };
    org.counters.count(call);
    let is_locked = fault == Some(Fault::LockRow);
    if is_locked && !matches!(call, Call::Collections | Call::Composite) {
        return error::record(&error::locked()).into_response();
    }
    let mut work = Work::new(org, is_locked.then_some(rows));
    let answer = match act(&mut work, ask) {
        Ok(answer) => answer,
        Err(refusal) => return refusal.into_response(),
    };
    match fault.and_then(|fault| fault.wire()) {
        Some(wire) => spoil(wire, answer.body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))),
        None => answer.into_response(),
    }
}

/// Whether the org has this version, as it is written in paths.
fn is_offered(version: &str) -> bool {
    let number = version.strip_prefix('v').and_then(|text| text.strip_suffix(".0"));
    number.and_then(|text| text.parse().ok()).is_some_and(|number: u32| VERSIONS.contains(&number))
}

fn too_large() -> answer::Answer {
    error::rest(StatusCode::PAYLOAD_TOO_LARGE, "EXCEEDED_MAX_SIZE_REQUEST", "request is too large")
}

/// What an org of Summer '26 offers, as far as the Streaming API goes back.
const VERSIONS: std::ops::RangeInclusive<u32> = 37..=67;
/// Salesforce's limit for REST request bodies.
const REQUEST_BYTES: usize = 50 << 20;
const TOTAL: &str = "TotalRequests";
const CONCURRENT: &str = "ConcurrentRequests (Concurrent API Requests)";
