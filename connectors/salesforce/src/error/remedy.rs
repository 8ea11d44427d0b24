//! What a person should look at. The codes are Salesforce's own: *OAuth 2.0 Authorization Errors* of Salesforce Help,
//! and the REST API Developer Guide.

use super::{Error, codes};

impl Error {
    /// What to check, where there is something to check.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Configuration { remedy, .. } | Self::Login { remedy, .. } => Some(remedy),
            Self::Remembered { remedy, .. } => Some(remedy),
            Self::FreshTokens { .. } => Some(
                "check that the user has the permission API Enabled, that the app allows the scope api, and that sessions \
                 are not locked to the IP address they come from (Setup, Session Settings)",
            ),
            Self::Certificate { problem, .. } => Some(problem.remedy()),
            Self::Proxy { problem, .. } => Some(problem.remedy()),
            Self::Channel { .. } => Some("correct the channel's name; names are case-sensitive"),
            Self::OrgId { .. } => Some("take the organization id from Setup, Company Information"),
            Self::ReplayId { .. } => Some("give a replay id as Salesforce sent it, in decimal digits"),
            Self::Ambiguous { .. } => Some("subscribe two filters of one topic in two messages"),
            Self::Unauthorized { message, .. } if codes::session_never_valid(message) => {
                Some("check that the user has the permission API Enabled and that the app allows the scope api")
            }
            Self::Unauthorized { .. } => Some(
                "if it repeats: check that the user has the permission API Enabled, and that sessions are not locked \
                 to the IP address they come from (Setup, Session Settings)",
            ),
            Self::Rejected { code, .. } => of_call(code),
            Self::Throttled { .. } => Some("check the org's limits in Setup, Company Information and System Overview"),
            Self::Unexpected { .. } | Self::Redirected { .. } => Some(
                "if it repeats: check that the login url is the org's My Domain, that no proxy answers in its place, \
                 and status.salesforce.com for maintenance",
            ),
            Self::Transport { sent: false, .. } => {
                Some("check the host name, the proxy, the firewall and the certificates")
            }
            Self::Record { .. } => Some("send each record as one JSON object of the event's fields"),
            Self::TooLarge { .. } => Some("send fewer records in a call"),
            Self::RowCount { .. } => {
                Some("look in the org for what was applied, before the records are sent once more")
            }
            Self::Transport { sent: true, .. } | Self::Server { .. } | Self::Interrupted | Self::TooMany { .. } => None,
        }
    }
}

/// What to check after a refused login.
pub(crate) fn of_login(code: &str, description: &str) -> &'static str {
    let says = |part: &str| description.to_ascii_lowercase().contains(part);
    match code {
        _ if says("not supported on this domain") => USE_MY_DOMAIN,
        "invalid_grant" if says("user hasn't approved") || says("admin approved") => {
            "authorize the app for the user, or for a permission set the user has (app, Policies)"
        }
        "invalid_grant" if says("ip restricted") => {
            "allow this machine's address in the app's and the profile's IP ranges"
        }
        "invalid_grant" => {
            "check the app's Run As user, its IP and login-hour restrictions, and that the user is not locked"
        }
        "inactive_user" => "activate the app's Run As user, or name another one",
        "inactive_org" => "the org is locked, closed or suspended: ask Salesforce",
        "invalid_client_id" => "check the client id: it is the app's consumer key",
        "invalid_client" | "invalid_client_credentials" => {
            "check the client id and the client secret (consumer key and secret), and that the url is the app's own org"
        }
        "invalid_app_access" | "OAUTH_APP_BLOCKED" | "OAUTH_APP_ACCESS_DENIED" => {
            "the app is blocked: allow it in Setup, Connected Apps OAuth Usage"
        }
        "invalid_scope" => "give the app the scope api",
        "unsupported_grant_type" => RUN_AS,
        "rate_limit_exceeded" => "too many logins: look for other programs that log in with the same user",
        "invalid_request" => "check that the url is the org's My Domain and begins with https",
        "INVALID_SESSION_ID" | "Bad_OAuth_Token" => {
            "the access token given has expired or was revoked: give a new one, or use a login that can renew it"
        }
        _ => "look the user up in Setup, Login History, for the reason Salesforce recorded",
    }
}

/// Client credentials are answered only on the org's own host.
pub(crate) const USE_MY_DOMAIN: &str = "use the org's My Domain as the url, as in https://acme.my.salesforce.com, or \
     https://acme--sandbox.sandbox.my.salesforce.com (Setup, My Domain)";

const RUN_AS: &str = "enable the client credentials flow in the app and name its Run As user (app, Policies)";

fn of_call(code: &str) -> Option<&'static str> {
    Some(match code {
        "NOT_FOUND" | "INVALID_TYPE" => {
            "check the name of the event or object (it ends in __e or __c if it is the org's own), and the user's \
             permission to create it"
        }
        "INSUFFICIENT_ACCESS" | "INSUFFICIENT_ACCESS_OR_READONLY" | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => {
            "give the user the permission to create the event or object"
        }
        "API_DISABLED_FOR_ORG" => "the org's edition has no API, or the user lacks the permission API Enabled",
        "UNSUPPORTED_API_VERSION" => "use a version that GET /services/data/ of the org lists",
        "STORAGE_LIMIT_EXCEEDED" => "free or buy storage (Setup, Storage Usage)",
        "MUTUAL_AUTHENTICATION_FAILED" => "the org asks for a client certificate",
        _ => return None,
    })
}
