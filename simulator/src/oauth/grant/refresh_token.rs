//! A refresh token becomes an access token, and where it rotates another refresh token.

use super::{Granted, Login, Refusal, check_user, refusal, secret};
use crate::oauth::client;

pub(super) fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    client::check(login, secret(&login.policy))?;
    let token = login.form.need("refresh_token")?;
    let tokens = &login.org.tokens;
    let refresh = tokens.refresh(token).ok_or(refusal::REFRESH_TOKEN)?;
    check_user(&login.policy)?;
    let refresh_token = if login.policy.rotation {
        // Of two refreshes at once, one comes second.
        Some(tokens.rotate(token).ok_or(refusal::REFRESH_TOKEN)?)
    } else {
        None
    };
    Ok(Granted { scope: refresh.scope, approval: Some(refresh.approval), refresh_token, is_signed: true })
}
