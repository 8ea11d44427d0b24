//! Username and password, with the security token behind the password.

use super::{Granted, Login, Refusal, Secret, refusal};
use crate::oauth::client;
use crate::user::Password;

pub(super) fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    client::check(login, Secret::Demanded)?;
    let (user, password) = (login.form.need("username")?, login.form.need("password")?);
    let policy = &login.policy;
    if !policy.password_flow {
        return Err(refusal::AUTHENTICATION);
    }
    match login.org.try_password(user, password) {
        Password::Right => {}
        Password::Bare | Password::Wrong => return Err(refusal::AUTHENTICATION),
    }
    if policy.inactive {
        return Err(refusal::INACTIVE);
    }
    // Salesforce does not tell a password's holder which of these it is.
    if policy.ip_restricted || policy.login_hours || policy.password_expired {
        return Err(refusal::AUTHENTICATION);
    }
    Ok(Granted::api(true))
}
