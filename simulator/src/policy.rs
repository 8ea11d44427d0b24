//! What the org's administrator decided about logins. A test changes it while the org runs.

use std::sync::Mutex;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::lock::lock;
use crate::soap::Exception;

/// Everything that decides about a login, except the credentials.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// The user is locked out: no password is right. Too many wrong ones set it.
    pub(crate) locked: bool,
    /// The user is deactivated.
    pub(crate) inactive: bool,
    /// The caller's address is outside the user's login IP ranges.
    pub(crate) ip_restricted: bool,
    /// Now is outside the user's login hours.
    pub(crate) login_hours: bool,
    /// The password must be changed first.
    pub(crate) password_expired: bool,
    /// The user, or an administrator, has approved the app.
    pub(crate) approved: bool,
    /// An administrator has blocked the app.
    pub(crate) app_blocked: bool,
    /// The org has no API.
    pub(crate) api_disabled: bool,
    /// SOAP `login()` is allowed.
    pub(crate) soap_login: bool,
    /// "Allow OAuth Username-Password Flows".
    pub(crate) password_flow: bool,
    /// The caller's address is trusted: the password needs no security token.
    pub(crate) trusted_ip: bool,
    /// Each refresh answers a new refresh token.
    pub(crate) rotation: bool,
    /// What the user answers when an app asks for consent.
    pub(crate) consent: Consent,
    /// Too many logins were made.
    pub(crate) rate_limited: bool,
    /// The app's secret is demanded for authorization codes and refresh tokens.
    pub(crate) secret_required: bool,
    /// How long the token endpoint takes from a grant to its reply, in milliseconds.
    pub(crate) token_delay_ms: u64,
    /// How long a token lives without use; the option's value where absent.
    pub(crate) session_seconds: Option<u64>,
    /// The org's instance; the URL that the client calls where absent.
    pub(crate) instance_url: Option<String>,
    /// What SOAP `login()` answers to the right password.
    pub(crate) soap_fault: Option<Exception>,
}

impl Policy {
    /// The URL of the org's instance; `base` is the URL that the client calls.
    pub(crate) fn instance(&self, base: &str) -> String {
        self.instance_url.as_deref().unwrap_or(base).trim_end_matches('/').to_owned()
    }
}

/// What the user answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Consent {
    Approve,
    Deny,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            locked: false,
            inactive: false,
            ip_restricted: false,
            login_hours: false,
            password_expired: false,
            approved: true,
            app_blocked: false,
            api_disabled: false,
            soap_login: true,
            password_flow: true,
            trusted_ip: false,
            rotation: false,
            consent: Consent::Approve,
            rate_limited: false,
            secret_required: true,
            token_delay_ms: 0,
            session_seconds: None,
            instance_url: None,
            soap_fault: None,
        }
    }
}

/// The policy of now.
#[derive(Debug, Default)]
pub(crate) struct Policies(Mutex<Policy>);

impl Policies {
    pub(crate) fn now(&self) -> Policy {
        lock(&self.0).clone()
    }

    /// Replaces the fields that are given.
    ///
    /// # Errors
    /// Says which field is unknown or has a wrong value; nothing is changed then.
    pub(crate) fn change(&self, fields: Map<String, Value>) -> Result<Policy, String> {
        let mut policy = lock(&self.0);
        let mut whole = serde_json::to_value(&*policy).map_err(|why| why.to_string())?;
        if let Some(whole) = whole.as_object_mut() {
            whole.extend(fields);
        }
        let changed: Policy = serde_json::from_value(whole).map_err(|why| why.to_string())?;
        if changed.instance_url.as_deref().is_some_and(|url| authority(url).is_none()) {
            return Err("instance_url must be a URL with a host, as http://localhost:8090".to_owned());
        }
        *policy = changed;
        Ok(policy.clone())
    }

    pub(crate) fn lock_user(&self) {
        lock(&self.0).locked = true;
    }

    /// Whether a call came to the instance that logins name. Without one of its own, the org is wherever it is called.
    pub(crate) fn is_instance(&self, headers: &HeaderMap) -> bool {
        let Some(instance) = lock(&self.0).instance_url.as_deref().and_then(authority) else { return true };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        host.eq_ignore_ascii_case(&instance)
    }
}

/// The host of a URL, and its port unless that is the scheme's own: what a client puts into `Host`.
fn authority(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}
