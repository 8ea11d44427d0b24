//! The part of the flow that a person sees: the address to open, and the address the browser comes back to.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use super::{AuthorizationCode, LOG_IN, refused};
use crate::{Error, Refusal, Secret, login::endpoint, reply::in_one_line};

/// A login in a browser that has begun. It is good for one consent.
pub struct Consent {
    address: Url,
    state: Secret,
    verifier: Secret,
}

impl Consent {
    pub(super) fn new(login: &AuthorizationCode) -> Self {
        let (state, verifier) = (random(), random());
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()));
        let mut address = endpoint(&login.url, "/services/oauth2/authorize");
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", login.client_id.expose())
            .append_pair("redirect_uri", login.redirect_uri.as_str())
            .append_pair("scope", &login.scope)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Self { address, state, verifier }
    }

    /// The address to open in a browser. It holds the client id, and no secret.
    pub fn address(&self) -> Url {
        self.address.clone()
    }

    pub(super) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// The code in the address that the browser was sent to.
    pub(super) fn code(&self, redirected: &Url) -> Result<Secret, Error> {
        let value = |name: &str| redirected.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        let state = value("state");
        let ours = state.as_deref() == Some(self.state.expose());
        match (value("code"), value("error")) {
            // One that names its state names ours, or belongs to another login.
            (_, Some(error)) if ours || state.is_none() => {
                let description = value("error_description").unwrap_or_default();
                Err(refused(in_one_line(&error), in_one_line(&description)))
            }
            (Some(code), None) if ours && !code.is_empty() => Ok(code.into_owned().into()),
            (None, None) => Err(Error::Login {
                refusal: Refusal::Other,
                code: "no_code".into(),
                description: "the address holds neither a code nor an error".into(),
                remedy: "give the whole address the browser was sent to after the consent".into(),
            }),
            _ => Err(Error::Login {
                refusal: Refusal::Forged,
                code: "state".into(),
                description: "the address belongs to another login than the one begun here".into(),
                remedy: LOG_IN.into(),
            }),
        }
    }
}

/// 256 bits as 43 characters: the least that RFC 7636 allows for a verifier, and all it recommends.
fn random() -> Secret {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into()
}
