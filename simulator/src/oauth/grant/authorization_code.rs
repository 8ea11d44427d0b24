//! The web server flow's second half: a code becomes a token (RFC 6749, 4.1.3; RFC 7636, 4.6).

use super::{Granted, Login, Refusal, check_user, refusal, secret};
use crate::oauth::client;

pub(super) fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    client::check(login, secret(&login.policy))?;
    let code = login.form.need("code")?;
    let redirect_uri = login.form.find("redirect_uri").ok_or(refusal::NO_REDIRECT)?;
    let approved = login.org.codes.take(code, login.org.options.code_life)?;
    if redirect_uri != approved.redirect_uri {
        return Err(refusal::REDIRECT);
    }
    let verifier = login.form.find("code_verifier").ok_or(refusal::VERIFIER)?;
    if !approved.is_verified_by(verifier) {
        return Err(refusal::VERIFIER);
    }
    check_user(&login.policy)?;
    let lasts = approved.scope.split_whitespace().any(|scope| matches!(scope, "refresh_token" | "offline_access"));
    let (refresh_token, approval) = lasts.then(|| login.org.tokens.approve(&approved.scope)).unzip();
    Ok(Granted { scope: approved.scope, approval, refresh_token, is_signed: true })
}
