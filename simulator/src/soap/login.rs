//! The decision about a SOAP login.

use super::fault::{Exception, Refusal};
use crate::org::Org;
use crate::token::Grant;
use crate::user::Password;

/// A session that was opened.
pub(super) struct Session {
    pub(super) id: String,
    /// It is good for nothing but changing the password.
    pub(super) is_limited: bool,
}

/// Logs in. What the policy forbids is told only to who has the right password.
pub(super) fn login(org: &Org, username: &str, password: &str) -> Result<Session, Refusal> {
    let policy = org.policies.now();
    if policy.rate_limited {
        return Err(Exception::LoginRateExceeded.into());
    }
    let checked = org.try_password(username, password);
    let refused = match checked {
        Password::Wrong => Some(Exception::InvalidLogin),
        Password::Right | Password::Bare if policy.inactive => Some(Exception::InvalidLogin),
        Password::Right | Password::Bare if policy.ip_restricted => Some(Exception::LoginDuringRestrictedDomain),
        Password::Right | Password::Bare if policy.login_hours => Some(Exception::LoginDuringRestrictedTime),
        Password::Bare => Some(Exception::LoginMustUseSecurityToken),
        Password::Right if policy.api_disabled => Some(Exception::ApiDisabledForOrg),
        Password::Right if !policy.soap_login => Some(Exception::InsufficientAccess),
        Password::Right => policy.soap_fault,
    };
    if let Some(exception) = refused {
        return Err(exception.into());
    }
    let is_limited = policy.password_expired;
    let idle = org.session_length(&policy);
    let grant = Grant { scope: "full".to_owned(), approval: None, idle, is_limited };
    Ok(Session { id: org.tokens.issue(&org.short_id(), grant), is_limited })
}
