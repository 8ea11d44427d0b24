//! OAuth: the token endpoint with its grants, the user's consent, and what is asked about tokens.
//! After Salesforce's "OAuth Authorization Flows", "OAuth 2.0 Error Codes" and "Revoke OAuth Tokens", RFC 6749 and what
//! the grants name.

mod authorize;
mod client;
mod code;
mod form;
mod grant;
mod introspect;
mod once;
mod refusal;
mod reply;
mod revoke;
mod userinfo;

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

pub(crate) use authorize::authorize;
pub(crate) use code::Codes;
pub(crate) use introspect::introspect;
pub(crate) use once::Once;
pub(crate) use revoke::{interrupt, revoke};
pub(crate) use userinfo::userinfo;

use crate::counters::Call;
use crate::fault::{self, Asked, Fault, On, spoil};
use crate::org::{Org, Simulator};
use crate::policy::Policy;
use form::Form;

/// `/services/oauth2/token`.
pub(crate) async fn token(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Token);
    let fault = org.faults.of_request(&Asked::elsewhere(On::Token));
    match fault {
        Some(Fault::Page(status)) => return fault::html(status),
        Some(Fault::Unavailable) => return fault::html(StatusCode::SERVICE_UNAVAILABLE),
        Some(Fault::Unauthorized) => {
            return (StatusCode::UNAUTHORIZED, refusal::CLIENT_SECRET.body()).into_response();
        }
        _ => {}
    }
    if request.method() != Method::POST {
        return refusal::METHOD.into_response();
    }
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await;
    let login =
        Login { org, headers: &head.headers, form: &form, base: base_url(&head.headers), policy: org.policies.now() };
    match grant::grant(&login).await {
        Err(refusal) => {
            tracing::debug!(error = refusal.code, description = %refusal.description, "login refused");
            refusal.into_response()
        }
        Ok(granted) => {
            let reply = reply::reply(&login, granted);
            tokio::time::sleep(Duration::from_millis(login.policy.token_delay_ms)).await;
            match fault.and_then(|fault| fault.wire()) {
                Some(wire) => spoil(wire, Bytes::from(reply.to_string())),
                None => ([(header::CACHE_CONTROL, "no-cache, no-store")], axum::Json(reply)).into_response(),
            }
        }
    }
}

/// The org's own URL, as the client sees it: behind TLS, ours or a proxy's, it is https.
pub(crate) fn base_url(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let is_secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    format!("{}://{host}", if is_secure { "https" } else { "http" })
}

/// A call of the token endpoint.
struct Login<'a> {
    org: &'a Org,
    headers: &'a HeaderMap,
    form: &'a Form,
    /// The login host's URL, as the client sees it.
    base: String,
    /// The policy of the moment when the call came.
    policy: Policy,
}

impl Login<'_> {
    /// The hosts that an assertion may be meant for.
    fn audiences(&self) -> [&str; 2] {
        let common = if self.org.options.is_sandbox { "https://test.salesforce.com" } else { LOGIN_HOST };
        [&self.base, common]
    }
}

const LOGIN_HOST: &str = "https://login.salesforce.com";
