//! The grants of the token endpoint.

mod authorization_code;
mod client_credentials;
mod jwt;
mod password;
mod refresh_token;
mod saml;

use super::Login;
use super::client::Secret;
use super::refusal::{self, Refusal};
use super::reply::Granted;
use crate::policy::Policy;

/// Carries out the call's grant.
pub(super) async fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    if login.policy.rate_limited {
        return Err(refusal::RATE);
    }
    match login.form.find("grant_type").ok_or(refusal::NO_GRANT_TYPE)? {
        "client_credentials" => client_credentials::grant(login),
        "password" => password::grant(login),
        "authorization_code" => authorization_code::grant(login),
        "refresh_token" => refresh_token::grant(login),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt::grant(login),
        "urn:ietf:params:oauth:grant-type:saml2-bearer" => saml::grant(login).await,
        _ => Err(refusal::GRANT_TYPE),
    }
}

/// Whether the user may log in now and from here.
fn check_user(policy: &Policy) -> Result<(), Refusal> {
    if policy.inactive {
        Err(refusal::INACTIVE)
    } else if policy.ip_restricted {
        Err(refusal::IP)
    } else if policy.login_hours {
        Err(refusal::AUTHENTICATION)
    } else {
        Ok(())
    }
}

/// What the policy says about apps that a person logs in to.
fn secret(policy: &Policy) -> Secret {
    if policy.secret_required { Secret::Demanded } else { Secret::Optional }
}
