//! SOAP: `login`, `logout` and `getUserInfo` of the partner and the enterprise API.
//! After "SOAP API Developer Guide" (calls, faults) and the partner WSDL.

mod fault;
mod login;
mod reply;
mod request;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

pub(crate) use fault::Exception;

use crate::counters::Call;
use crate::fault::{Asked, Fault, On, html, spoil};
use crate::oauth::{base_url, interrupt};
use crate::org::{Org, Simulator};
use fault::Refusal;
use request::{Api, Operation, Path};

/// `/services/Soap/…`.
pub(crate) async fn call(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Soap);
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let (head, body) = request.into_parts();
    let Some(path) = Path::read(head.uri.path()) else { return StatusCode::NOT_FOUND.into_response() };
    let body = to_bytes(body, REQUEST_BYTES).await.unwrap_or_default();
    let operation = match check(&head.headers).and_then(|()| request::read(&body, path.api)) {
        Ok(operation) => operation,
        Err(refusal) => return refused(&refusal, path.api),
    };
    let is_login = matches!(operation, Operation::Login { .. });
    let fault = org.faults.of_request(&Asked::elsewhere(if is_login { On::Token } else { On::Other }));
    let answer = match fault {
        Some(Fault::Page(status)) => return html(status),
        Some(Fault::Unavailable) => Err(Exception::ServerUnavailable.into()),
        Some(Fault::Unauthorized) if is_login => Err(Exception::InvalidLogin.into()),
        Some(Fault::Unauthorized) => Err(Exception::InvalidSessionId.into()),
        _ => carry_out(org, &head.headers, &path, operation),
    };
    match (answer, fault.and_then(|fault| fault.wire())) {
        (Ok(body), None) => xml(StatusCode::OK, body),
        (Ok(body), Some(wire)) => {
            let mut reply = spoil(wire, Bytes::from(body));
            reply.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(XML));
            reply
        }
        (Err(refusal), _) => refused(&refusal, path.api),
    }
}

/// What must be in the header of every call.
fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("text/xml") {
        return Err(Refusal::client("content-type of the request should be text/xml"));
    }
    if !headers.contains_key("soapaction") {
        return Err(Refusal::client("SOAPAction HTTP header missing"));
    }
    Ok(())
}

fn carry_out(org: &Org, headers: &HeaderMap, path: &Path, operation: Operation) -> Result<String, Refusal> {
    if !VERSIONS.contains(&path.version) {
        return Err(Exception::UnsupportedApiVersion.into());
    }
    if path.org.as_deref().is_some_and(|id| id != org.id() && id != org.short_id()) {
        return Err(Exception::OrgNotOwnedByInstance.into());
    }
    match operation {
        Operation::Login { .. } if path.version > LAST_LOGIN => Err(Exception::InvalidOperation.into()),
        Operation::Login { username, password } => {
            let session = login::login(org, &username, &password)?;
            Ok(reply::login(org, path, &base_url(headers), &session))
        }
        Operation::Logout { session } => {
            open(org, headers, session.as_deref())?;
            let dead = session.and_then(|session| org.tokens.revoke(&session)).unwrap_or_default();
            interrupt(org, &dead);
            Ok(reply::logout(path.api))
        }
        Operation::UserInfo { session } => {
            let is_limited = open(org, headers, session.as_deref())?;
            if is_limited {
                return Err(Exception::InvalidOperationWithExpiredPassword.into());
            }
            Ok(reply::user_info(org, path.api))
        }
    }
}

/// The session must be valid, and the host its instance's. Whether it is good for nothing but a new password.
fn open(org: &Org, headers: &HeaderMap, session: Option<&str>) -> Result<bool, Refusal> {
    let session = session.filter(|_| org.policies.is_instance(headers)).ok_or(Exception::InvalidSessionId)?;
    org.tokens.touch(session);
    let access = org.tokens.access(session).ok_or(Exception::InvalidSessionId)?;
    Ok(access.grant.is_limited)
}

/// A fault, which is always a 500 (SOAP 1.1, 6.2).
fn refused(refusal: &Refusal, api: Api) -> Response {
    tracing::debug!(?refusal, "SOAP call refused");
    xml(StatusCode::INTERNAL_SERVER_ERROR, refusal.body(api))
}

fn xml(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, XML)], body).into_response()
}

const XML: &str = "text/xml; charset=utf-8";
/// What an org of Summer '26 still has.
const VERSIONS: std::ops::RangeInclusive<u32> = 31..=67;
/// The last version that has `login()`.
const LAST_LOGIN: u32 = 64;
const REQUEST_BYTES: usize = 1 << 20;
