//! Which app asks: its key, and its secret by form or HTTP Basic (RFC 7617).

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Login;
use super::form::Form;
use super::refusal::{self, Refusal};
use crate::org::Org;
use crate::policy::Policy;

/// How much an app has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secret {
    Demanded,
    /// May be left out, but must not be wrong.
    Optional,
}

/// Checks the app of a token call.
pub(super) fn check(login: &Login<'_>, secret: Secret) -> Result<(), Refusal> {
    authenticate(login.org, login.headers, login.form, secret)?;
    allowed(&login.policy)
}

/// The app must be known, and its secret right.
pub(super) fn authenticate(org: &Org, headers: &HeaderMap, form: &Form, secret: Secret) -> Result<(), Refusal> {
    let basic = basic(headers);
    let (id, given) = match (form.find("client_id"), &basic) {
        (Some(id), _) => (id, form.find("client_secret")),
        (None, Some((id, given))) => (id.as_str(), Some(given.as_str())),
        (None, None) => return Err(refusal::CLIENT_ID),
    };
    known(org, id)?;
    match given {
        Some(given) if given == org.options.client_secret => Ok(()),
        None if secret == Secret::Optional => Ok(()),
        Some(_) | None => Err(refusal::CLIENT_SECRET),
    }
}

/// The app must be this org's.
pub(super) fn known(org: &Org, id: &str) -> Result<(), Refusal> {
    if id == org.options.client_id { Ok(()) } else { Err(refusal::CLIENT_ID) }
}

/// The app must not be blocked.
pub(super) fn allowed(policy: &Policy) -> Result<(), Refusal> {
    if policy.app_blocked { Err(refusal::BLOCKED) } else { Ok(()) }
}

/// The key and secret of an `Authorization: Basic` header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}
