//! Why a login was refused: what a program decides by, and what a person should do.

mod oauth;
mod soap;

use std::borrow::Cow;

use super::flow::Flow;
use crate::Error;

/// Why a login was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A user name, password, security token, client id, client secret, key or assertion is wrong.
    WrongCredentials,
    /// The user is locked after too many failures.
    Locked,
    /// Not from this address.
    IpRestricted,
    /// Not at this hour.
    LoginHours,
    /// An administrator, or a policy, has not let this user in with this app.
    NotApproved,
    /// The app is blocked.
    AppBlocked,
    /// The password has expired.
    PasswordExpired,
    /// The org or the user may not use the API in this way.
    ApiDisabled,
    /// A person has to consent (again), in a browser.
    ConsentNeeded,
    /// The assertion is for another host.
    Audience,
    /// This machine's clock and Salesforce's are too far apart.
    ClockSkew,
    /// The user is not active.
    UserInactive,
    /// The org is locked, closed or suspended.
    OrgInactive,
    /// The app, or what is configured here, does not fit this way to log in.
    Configuration,
    /// Salesforce asks for proof of identity that only a person can give.
    Identity,
    /// The access token given has expired or was revoked.
    TokenExpired,
    /// What came back is not from Salesforce.
    Forged,
    /// Too many logins in too short a time.
    TooManyLogins,
    /// The org cannot log anybody in now.
    Unavailable,
    /// For another reason.
    Other,
}

impl Refusal {
    /// Whether the same login would fail again until a person has acted. Only those refusals are not final for which
    /// Salesforce's guides say that they pass, since repeated failures lock the user out, and a wrong clock: a machine
    /// that has just started has it until it has asked for the time.
    pub fn is_final(self) -> bool {
        match self {
            Self::TooManyLogins | Self::Unavailable | Self::ClockSkew => false,
            Self::WrongCredentials | Self::Locked | Self::IpRestricted | Self::LoginHours => true,
            Self::NotApproved | Self::AppBlocked | Self::PasswordExpired | Self::ApiDisabled => true,
            Self::ConsentNeeded | Self::Audience | Self::UserInactive => true,
            Self::OrgInactive | Self::Configuration | Self::Identity | Self::TokenExpired => true,
            Self::Forged | Self::Other => true,
        }
    }

    /// Whether a later process must not try the same credentials again: it is final, and Salesforce has said so.
    pub(crate) fn is_remembered(self) -> bool {
        self.is_final() && self != Self::Forged
    }
}

/// The error for a login that was answered with `code`: OAuth's `error`, or SOAP's exception code.
pub(crate) fn of_login(flow: Flow, code: String, description: String) -> Error {
    let (refusal, remedy) = look_up(flow, &code, &description);
    Error::Login { refusal, code, description, remedy: Cow::Borrowed(remedy) }
}

/// The error for a login that was answered with 429, whatever its code.
pub(crate) fn too_many(code: String, description: String) -> Error {
    Error::Login { refusal: Refusal::TooManyLogins, code, description, remedy: Cow::Borrowed(TOO_MANY) }
}

/// The error for a token that was given and is not valid (any more), whatever its code.
pub(crate) fn token_expired(code: String, description: String) -> Error {
    Error::Login { refusal: Refusal::TokenExpired, code, description, remedy: Cow::Borrowed(NEW_TOKEN) }
}

/// The error for a user whose sessions are not let in, with a code that says something else.
pub(crate) fn api_disabled(code: String, description: String) -> Error {
    Error::Login { refusal: Refusal::ApiDisabled, code, description, remedy: Cow::Borrowed(SESSION_NEVER_VALID) }
}

/// A line of a table: it holds where the code is this one (any, if empty), the description contains this part in
/// whatever case, and the flow is among these (any, if none is named). The first line that holds decides.
struct Line {
    code: &'static str,
    part: &'static str,
    flows: &'static [Flow],
    refusal: Refusal,
    remedy: &'static str,
}

impl Line {
    fn holds(&self, flow: Flow, code: &str, description: &str) -> bool {
        (self.code.is_empty() || self.code == code)
            && description.contains(self.part)
            && (self.flows.is_empty() || self.flows.contains(&flow))
    }
}

fn look_up(flow: Flow, code: &str, description: &str) -> (Refusal, &'static str) {
    let table = match flow {
        Flow::Password => soap::TABLE,
        _ => oauth::TABLE,
    };
    let description = description.to_ascii_lowercase();
    let line = table.iter().find(|line| line.holds(flow, code, &description));
    line.map_or((Refusal::Other, UNKNOWN), |line| (line.refusal, line.remedy))
}

const UNKNOWN: &str = "look the user up in Setup, Login History, for the reason Salesforce recorded";

const NEW_TOKEN: &str =
    "the access token given has expired or was revoked: give a new one, or use a login that can renew it";

const SESSION_NEVER_VALID: &str = "check that the user has the permission API Enabled and that the app allows the scope \
     api";

const TOO_MANY: &str = "too many logins: look for other programs that log in with the same user";

const ASK_SALESFORCE: &str = "the org is locked, closed or suspended: ask Salesforce";

const API_ENABLED: &str = "the org's edition has no API, or the user lacks the permission API Enabled";

/// Client credentials are answered only on the org's own host.
pub(crate) const USE_MY_DOMAIN: &str = "use the org's My Domain as the url, as in https://acme.my.salesforce.com, or \
     https://acme--sandbox.sandbox.my.salesforce.com (Setup, My Domain)";

/// No refresh token, or none that is good.
pub(crate) const LOG_IN: &str = "run `crossfeed login` for this org";

#[cfg(test)]
mod tests;
