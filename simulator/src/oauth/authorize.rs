//! `/services/oauth2/authorize`: the page where the user gives consent. Here the policy answers for the user, at once.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::client;
use super::code::Approved;
use super::form::Form;
use super::refusal::{self, Refusal};
use crate::counters::Call;
use crate::org::{Org, Simulator};
use crate::policy::Consent;

/// `GET /services/oauth2/authorize`. An app that is not sure to own the redirect URI is refused on a page, everything
/// else by redirection.
pub(crate) async fn authorize(State(simulator): State<Simulator>, uri: Uri) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Authorize);
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let mut target = match redirect(org, &query) {
        Ok(target) => target,
        Err(refusal) => return page(&refusal),
    };
    match approve(org, &query) {
        Ok(code) => target.query_pairs_mut().append_pair("code", &code),
        Err(refusal) => target
            .query_pairs_mut()
            .append_pair("error", refusal.code)
            .append_pair("error_description", refusal.description),
    };
    if let Some(state) = query.find("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    match HeaderValue::from_str(target.as_str()) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => page(&refusal::REDIRECT),
    }
}

/// Where the answer goes: exactly one of the registered URLs, of a known app.
fn redirect(org: &Org, query: &Form) -> Result<Url, Refusal> {
    client::known(org, query.find("client_id").ok_or(refusal::CLIENT_ID)?)?;
    let wanted = query.find("redirect_uri").ok_or(refusal::NO_REDIRECT)?;
    if !org.options.redirect_uris.iter().any(|known| known == wanted) {
        return Err(refusal::REDIRECT);
    }
    Url::parse(wanted).map_err(|_| refusal::REDIRECT)
}

fn approve(org: &Org, query: &Form) -> Result<String, Refusal> {
    if query.find("response_type") != Some("code") {
        return Err(refusal::RESPONSE_TYPE);
    }
    let scope = query.find("scope").unwrap_or(DEFAULT_SCOPE);
    if !scope.split_whitespace().all(|scope| SCOPES.contains(&scope)) {
        return Err(refusal::SCOPE);
    }
    let challenge = query.find("code_challenge").ok_or(refusal::NO_CHALLENGE)?;
    // Salesforce knows no other method, and takes a missing one for it.
    let is_sha256 = query.find("code_challenge_method").is_none_or(|method| method == "S256");
    if !is_sha256 || URL_SAFE_NO_PAD.decode(challenge).map_or(0, |hash| hash.len()) != SHA256_BYTES {
        return Err(refusal::CHALLENGE);
    }
    let policy = org.policies.now();
    client::allowed(&policy)?;
    match policy.consent {
        Consent::Deny => Err(refusal::DENIED),
        Consent::Approve => Ok(org.codes.issue(Approved {
            redirect_uri: query.need("redirect_uri")?.to_owned(),
            challenge: challenge.to_owned(),
            scope: scope.to_owned(),
        })),
    }
}

/// What a person sees who cannot be sent back.
fn page(refusal: &Refusal) -> Response {
    let text = format!("error={}&error_description={}", refusal.code, refusal.description);
    (StatusCode::BAD_REQUEST, text).into_response()
}

const SHA256_BYTES: usize = 32;
const DEFAULT_SCOPE: &str = "api";
/// The scopes that an app can have here. `openid` is none of them, since there are no id tokens.
const SCOPES: [&str; 14] = [
    "address",
    "api",
    "chatter_api",
    "content",
    "custom_permissions",
    "email",
    "full",
    "id",
    "offline_access",
    "phone",
    "profile",
    "refresh_token",
    "visualforce",
    "web",
];
