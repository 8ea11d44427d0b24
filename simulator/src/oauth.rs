//! Login: the client-credentials flow, userinfo and revocation.
//! After Salesforce's "OAuth 2.0 Client Credentials Flow", "OAuth 2.0 Error Codes" and "Revoke OAuth Tokens".

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::counters::Call;
use crate::fault::{self, Fault, On, spoil};
use crate::identifier::USER;
use crate::org::{Org, Simulator};
use crate::session::Interrupt;

mod basic;

/// `/services/oauth2/token`.
pub(crate) async fn token(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Token);
    let fault = org.faults.of_request(On::Token);
    match fault {
        Some(Fault::Html) => return fault::html(StatusCode::OK),
        Some(Fault::Unavailable) => return fault::html(StatusCode::SERVICE_UNAVAILABLE),
        Some(Fault::Unauthorized) => {
            return error(StatusCode::UNAUTHORIZED, "invalid_client", "invalid client credentials");
        }
        Some(Fault::Truncated | Fault::Cut | Fault::Empty) | None => {}
    }
    if request.method() != Method::POST {
        return error(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "must use HTTP POST");
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, FORM_BYTES).await.unwrap_or_default();
    match grant(org, &head.headers, &body) {
        Err(refusal) => refusal,
        Ok(reply) => match fault {
            Some(fault) => spoil(fault, Bytes::from(reply.to_string())),
            None => ([(header::CACHE_CONTROL, "no-cache, no-store")], axum::Json(reply)).into_response(),
        },
    }
}

/// `/services/oauth2/userinfo`, and the identity URL of the token reply.
pub(crate) async fn userinfo(State(simulator): State<Simulator>, headers: HeaderMap) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Userinfo);
    if org.tokens.admit(&headers).is_err() {
        return (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response();
    }
    let base = base_url(&headers);
    let id = &org.options.org_id;
    axum::Json(json!({
        "sub": format!("{base}/id/{id}/{USER}"),
        "user_id": USER,
        "organization_id": id,
        "preferred_username": "integration@simulator.example",
        "username": "integration@simulator.example",
        "name": "Integration User",
        "email": "integration@simulator.example",
        "zoneinfo": "GMT",
        "urls": {
            "rest": format!("{base}/services/data/v{{version}}/"),
            "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
            "custom_domain": base,
        },
    }))
    .into_response()
}

/// `/services/oauth2/revoke`: held connects of the org learn of it at once.
pub(crate) async fn revoke(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Revoke);
    if !matches!(*request.method(), Method::POST | Method::GET) {
        return error(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "must use HTTP POST");
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = to_bytes(request.into_body(), FORM_BYTES).await.unwrap_or_default();
    let token = parameter(&body, "token").or_else(|| parameter(query.as_bytes(), "token"));
    match token {
        Some(token) if org.tokens.revoke(&token) => {
            for session in org.sessions.all().iter().filter(|session| session.is_of(&token)) {
                session.interrupt(Interrupt::Revoked);
            }
            StatusCode::OK.into_response()
        }
        _ => error(StatusCode::BAD_REQUEST, "invalid_token", "invalid token"),
    }
}

/// The org's own URL, as the client sees it.
pub(crate) fn base_url(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

fn grant(org: &Org, headers: &HeaderMap, body: &[u8]) -> Result<Value, Response> {
    let refused = |code, text| Err(error(StatusCode::BAD_REQUEST, code, text));
    match parameter(body, "grant_type").as_deref() {
        Some("client_credentials") => {}
        None => return refused("invalid_request", "missing required parameter: grant_type"),
        Some(_) => return refused("unsupported_grant_type", "grant type not supported"),
    }
    let form = parameter(body, "client_id").zip(parameter(body, "client_secret"));
    let Some((id, secret)) = form.or_else(|| basic::credentials(headers)) else {
        return refused("invalid_client_id", "client identifier invalid");
    };
    if id != org.options.client_id {
        return refused("invalid_client_id", "client identifier invalid");
    }
    if secret != org.options.client_secret {
        return refused("invalid_client", "invalid client credentials");
    }
    let base = base_url(headers);
    Ok(json!({
        "access_token": org.tokens.issue(&org.options.org_id),
        "scope": "api",
        "instance_url": base,
        "id": format!("{base}/id/{}/{USER}", org.options.org_id),
        "token_type": "Bearer",
        "issued_at": jiff::Timestamp::now().as_millisecond().to_string(),
    }))
}

fn parameter(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(form);
    pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
}

fn error(status: StatusCode, code: &str, description: &str) -> Response {
    (status, axum::Json(json!({"error": code, "error_description": description}))).into_response()
}

const FORM_BYTES: usize = 64 << 10;
