//! A JWT that the app signed for the user (RFC 7523; Salesforce's "OAuth 2.0 JWT Bearer Flow").

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::Deserialize;

use super::{Granted, Login, Refusal, check_user, refusal};
use crate::oauth::client;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    /// The user; older clients call it `prn`.
    #[serde(alias = "prn")]
    sub: String,
    aud: String,
    /// Seconds since 1970.
    exp: i64,
    jti: Option<String>,
}

pub(super) fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    let claims = read(login, login.form.need("assertion")?)?;
    client::known(login.org, &claims.iss)?;
    client::allowed(&login.policy)?;
    if !login.audiences().contains(&claims.aud.as_str()) {
        return Err(refusal::AUDIENCE);
    }
    let left = claims.exp.saturating_sub(Timestamp::now().as_second());
    if left <= 0 {
        return Err(refusal::EXPIRED);
    }
    if left > LONGEST {
        return Err(refusal::ASSERTION);
    }
    let is_user = claims.sub.eq_ignore_ascii_case(&login.org.options.user_name);
    if !is_user || !login.policy.approved {
        return Err(refusal::NOT_APPROVED);
    }
    check_user(&login.policy)?;
    if claims.jti.is_some_and(|id| !login.org.assertions.first(&id)) {
        return Err(refusal::ASSERTION);
    }
    Ok(Granted::api(false))
}

/// The claims, if the app's certificate proves them. Times and audience have errors of their own, and are not checked
/// here.
fn read(login: &Login<'_>, assertion: &str) -> Result<Claims, Refusal> {
    let certificate = login.org.options.certificate.as_ref().ok_or(refusal::ASSERTION)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(assertion, certificate.key(), &validation).map(|token| token.claims).map_err(|_| refusal::ASSERTION)
}

/// How far ahead, in seconds, an assertion may expire.
const LONGEST: i64 = 300;
