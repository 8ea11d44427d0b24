//! The error bodies of OAuth, in Salesforce's words where those are known ("OAuth 2.0 Error Codes").

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) description: &'static str,
}

impl Refusal {
    pub(super) const fn new(code: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description }
    }

    const fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn body(&self) -> axum::Json<Value> {
        axum::Json(json!({"error": self.code, "error_description": self.description}))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.body()).into_response()
    }
}

pub(super) const METHOD: Refusal =
    Refusal { status: StatusCode::METHOD_NOT_ALLOWED, code: "invalid_request", description: "must use HTTP POST" };
pub(super) const NO_GRANT_TYPE: Refusal = Refusal::new("invalid_request", "missing required parameter: grant_type");
pub(super) const NO_PARAMETER: Refusal = Refusal::new("invalid_request", "missing required parameter");
pub(super) const GRANT_TYPE: Refusal = Refusal::new("unsupported_grant_type", "grant type not supported");
pub(super) const RESPONSE_TYPE: Refusal = Refusal::new("unsupported_response_type", "response type not supported");
pub(super) const SCOPE: Refusal = Refusal::new("invalid_scope", "the requested scope is not allowed");
pub(super) const NO_CHALLENGE: Refusal = Refusal::new("invalid_request", "missing required code challenge");
pub(super) const CHALLENGE: Refusal = Refusal::new("invalid_request", "invalid code challenge or challenge method");
pub(super) const NO_REDIRECT: Refusal = Refusal::new("redirect_uri_missing", "redirect_uri not provided");
pub(super) const REDIRECT: Refusal = Refusal::new("redirect_uri_mismatch", "redirect_uri must match configuration");
pub(super) const DENIED: Refusal = Refusal::new("access_denied", "end-user denied authorization");
pub(super) const CLIENT_ID: Refusal = Refusal::new("invalid_client_id", "client identifier invalid");
pub(super) const CLIENT_SECRET: Refusal = Refusal::new("invalid_client", "invalid client credentials");
pub(super) const BLOCKED: Refusal = Refusal::new("OAUTH_APP_BLOCKED", "app blocked by admin");
pub(super) const RATE: Refusal = Refusal::new("rate_limit_exceeded", "too many logins");
pub(super) const INACTIVE: Refusal = Refusal::new("inactive_user", "user is inactive");
pub(super) const IP: Refusal = Refusal::grant("ip restricted");
pub(super) const AUTHENTICATION: Refusal = Refusal::grant("authentication failure");
pub(super) const REFRESH_TOKEN: Refusal = Refusal::grant("expired access/refresh token");
pub(super) const EXPIRED: Refusal = Refusal::grant("expired authorization code");
pub(super) const CODE: Refusal = Refusal::grant("invalid authorization code");
pub(super) const VERIFIER: Refusal = Refusal::grant("invalid code verifier");
pub(super) const NOT_APPROVED: Refusal = Refusal::grant("user hasn't approved this consumer");
pub(super) const AUDIENCE: Refusal = Refusal::grant("audience is invalid");
pub(super) const SAML_AUDIENCE: Refusal = Refusal::grant("Audience validation failed");
pub(super) const ASSERTION: Refusal = Refusal::grant("invalid assertion");
pub(super) const TOKEN: Refusal = Refusal::new("invalid_token", "invalid token");
pub(super) const NO_VERIFIER: Refusal = server("xmlsec1 is not installed, which SAML signatures are verified by");
pub(super) const VERIFIER_FAILED: Refusal = server("xmlsec1 did not verify the SAML signature in time");

const fn server(description: &'static str) -> Refusal {
    Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, code: "server_error", description }
}
