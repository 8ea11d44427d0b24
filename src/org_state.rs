//! How an org stands: logged in as whom, or why not.

use serde::Serialize;

/// An org at one moment, as `/status/orgs` shows it.
#[derive(Serialize)]
pub struct OrgState {
    org: String,
    /// Whether there is a token; unknown before the first login has ended, and while one is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_in: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_url: Option<String>,
    /// How long the session lives without use, in seconds, where the login told.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_seconds: Option<u64>,
    /// Logins of this process that gave a token.
    pub logins: u64,
    /// Logins of this process that did not.
    pub failed_logins: u64,
    /// API calls of the last 24 hours, all users together, as the last answer told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls_used: Option<u64>,
    /// API calls that there are in 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl OrgState {
    /// The state of the org of that name.
    #[must_use]
    pub fn of(name: &str, org: &salesforce::Org) -> Self {
        let (logins, usage) = (org.logins(), org.usage());
        let standing = org.standing();
        let logged_in = standing.as_ref().map(Result::is_ok);
        let (token, error) = match standing {
            Some(Ok(token)) => (Some(token), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Self {
            org: name.to_owned(),
            logged_in,
            org_id: token.as_ref().map(|token| token.org_id.to_string()),
            user_id: token.as_ref().map(|token| token.user_id.clone()),
            instance_url: token.as_ref().map(|token| token.instance_url.to_string()),
            session_seconds: token.as_ref().and_then(|token| token.session_seconds),
            logins: logins.granted,
            failed_logins: logins.failed,
            api_calls_used: usage.map(|usage| usage.used),
            api_calls_max: usage.map(|usage| usage.max),
            problem: error.as_ref().map(ToString::to_string),
            remedy: error.as_ref().and_then(|error| error.remedy()).map(str::to_owned),
        }
    }
}
