//! The REST API, as far as publishing needs it.
//! After "REST API Developer Guide" and "Platform Events Developer Guide".

mod accepted;
mod collections;
mod create;
mod describe;
mod error;
mod limits;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use accepted::Accepted;

use crate::counters::{Call, add};
use crate::fault::{self, Fault, On, spoil};
use crate::org::{Org, Simulator};

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
    let used = add(&org.counters.api, 1);
    let mut response = answer(org, request).await;
    let info = format!("api-usage={used}/{}", limits::DAILY_REQUESTS);
    if let Ok(info) = HeaderValue::from_str(&info) {
        response.headers_mut().insert("sforce-limit-info", info);
    }
    response
}

/// Any other path.
pub(crate) async fn not_found() -> Response {
    error::not_found()
}

async fn answer(org: &Org, request: Request<Body>) -> Response {
    let path = request.uri().path().trim_start_matches("/services/data/").to_owned();
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let version = segments.next().unwrap_or_default();
    let segments: Vec<&str> = segments.collect();
    let fault = org.faults.of_request(on(request.method(), &segments));
    match fault {
        Some(Fault::Html) => return fault::html(StatusCode::OK),
        Some(Fault::Unavailable) => return error::unavailable(),
        Some(Fault::Unauthorized) => return error::unauthorized(),
        Some(Fault::Truncated | Fault::Cut | Fault::Empty) | None => {}
    }
    if org.admit(request.headers()).is_err() {
        return error::unauthorized();
    }
    let number = version.strip_prefix('v').and_then(|text| text.strip_suffix(".0")).and_then(|text| text.parse().ok());
    if !number.is_some_and(|number: u32| VERSIONS.contains(&number)) {
        return error::not_found();
    }
    let (head, body) = request.into_parts();
    if head.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return error::rest(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "content encoding not supported",
        );
    }
    let Ok(body) = to_bytes(body, REQUEST_BYTES).await else {
        return error::rest(StatusCode::PAYLOAD_TOO_LARGE, "EXCEEDED_MAX_SIZE_REQUEST", "request is too large");
    };
    let (status, value) = match route(org, &head.method, &segments, &body) {
        Ok(good) => good,
        Err(refusal) => return refusal,
    };
    match fault {
        Some(fault) => spoil(fault, Bytes::from(value.to_string())),
        None => (status, axum::Json(value)).into_response(),
    }
}

fn route(org: &Org, method: &Method, segments: &[&str], body: &[u8]) -> Result<(StatusCode, Value), Response> {
    let counters = &org.counters;
    match (method, segments) {
        (&Method::POST, ["sobjects", object]) => {
            counters.count(Call::Create);
            create::create(org, object, body).map(|value| (StatusCode::CREATED, value))
        }
        (&Method::POST, ["composite", "sobjects"]) => {
            counters.count(Call::Collections);
            collections::create(org, body).map(|value| (StatusCode::OK, value))
        }
        (&Method::GET, ["limits"]) => {
            counters.count(Call::Limits);
            Ok((StatusCode::OK, limits::limits(org)))
        }
        (&Method::GET, ["sobjects"]) => {
            counters.count(Call::Describe);
            Ok((StatusCode::OK, describe::all(org)))
        }
        (&Method::GET, ["sobjects", object, "describe"]) => {
            counters.count(Call::Describe);
            describe::one(org, object).map(|value| (StatusCode::OK, value)).ok_or_else(error::not_found)
        }
        (_, ["sobjects", _] | ["composite", "sobjects"] | ["limits" | "sobjects"] | ["sobjects", _, "describe"]) => {
            let text = format!("HTTP Method '{method}' not allowed.");
            Err(error::rest(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", &text))
        }
        _ => Err(error::not_found()),
    }
}

fn on(method: &Method, segments: &[&str]) -> On {
    match (method, segments) {
        (&Method::POST, ["sobjects", _]) => On::Create,
        (&Method::POST, ["composite", "sobjects"]) => On::Collections,
        _ => On::Other,
    }
}

/// What an org of Summer '26 offers, as far as the Streaming API goes back.
const VERSIONS: std::ops::RangeInclusive<u32> = 37..=67;
/// Salesforce's limit for REST request bodies.
const REQUEST_BYTES: usize = 50 << 20;
