//! A SAML assertion that the app signed for the user (RFC 7522; Salesforce's "OAuth 2.0 SAML Bearer Assertion Flow").

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;

use super::{Granted, Login, Refusal, check_user, refusal};
use crate::oauth::client;
use crate::saml::{Assertion, Unverified, verify};

pub(super) async fn grant(login: &Login<'_>) -> Result<Granted, Refusal> {
    let xml = BASE64.decode(login.form.need("assertion")?).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let xml = xml.ok_or(refusal::ASSERTION)?;
    let certificate = login.org.options.certificate.as_ref().ok_or(refusal::ASSERTION)?;
    let assertion = Assertion::read(&xml, certificate).map_err(|why| {
        tracing::debug!(%why, "SAML assertion refused");
        refusal::ASSERTION
    })?;
    verify(&assertion.signed, certificate).await.map_err(|why| {
        tracing::debug!(%why, "SAML assertion not verified");
        match why {
            Unverified::Wrong => refusal::ASSERTION,
            Unverified::Missing => refusal::NO_VERIFIER,
            Unverified::Failed => refusal::VERIFIER_FAILED,
        }
    })?;
    client::known(login.org, &assertion.issuer)?;
    client::allowed(&login.policy)?;
    let audiences = login.audiences();
    if assertion.audiences.is_empty() || !assertion.audiences.iter().all(|given| audiences.contains(&given.as_str())) {
        return Err(refusal::SAML_AUDIENCE);
    }
    let is_recipient = audiences.iter().any(|host| format!("{host}/services/oauth2/token") == assertion.recipient);
    if !is_recipient || !assertion.is_valid_at(Timestamp::now()) {
        return Err(refusal::ASSERTION);
    }
    let is_user = assertion.subject.eq_ignore_ascii_case(&login.org.options.user_name);
    if !is_user || !login.policy.approved {
        return Err(refusal::NOT_APPROVED);
    }
    check_user(&login.policy)?;
    if !login.org.assertions.first(&assertion.id) {
        return Err(refusal::ASSERTION);
    }
    Ok(Granted::api(false))
}

/// Base64url, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
