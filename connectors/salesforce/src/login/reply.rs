//! Reading what the token endpoint says (RFC 6749, 5.1 and 5.2, with Salesforce's own fields).

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, header::ACCEPT};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::{endpoint, flow::Flow, refusal};
use crate::{Error, OrgId, Refusal, Secret, Token, reply::Reply};

/// What a token request yields.
pub(super) struct Granted {
    /// An error where the reply holds none that can be used.
    pub(super) token: Result<Token, Error>,
    /// Where the flow gives one, or the app replaces them. It is good, and the one before is dead, whatever else is
    /// wrong with the reply.
    pub(super) refresh_token: Option<Secret>,
}

/// Sends `form` to an endpoint of the host of `url`. The secrets are what of it must not be shown.
pub(super) async fn ask(
    http: &Client,
    url: &Url,
    path: &str,
    form: &[(&str, &str)],
    secrets: &[&Secret],
) -> Result<Reply, Error> {
    let request = http.post(endpoint(url, path)).header(ACCEPT, "application/json").form(form);
    Ok(Reply::of(request).await?.without(secrets).unshown())
}

/// What a reply of the token endpoint at `url` grants; it is signed with the client secret where that is known.
pub(super) fn granted(flow: Flow, url: &Url, reply: &Reply, client_secret: Option<&Secret>) -> Result<Granted, Error> {
    if !reply.status.is_success() {
        return Err(refused(flow, reply));
    }
    if let (Some(secret), Ok(signed)) = (client_secret, reply.json::<WireSigned>()) {
        signed.verify(secret)?;
    }
    let WireRefresh { refresh_token } = reply.json()?;
    Ok(Granted { token: token(url, reply), refresh_token })
}

fn token(url: &Url, reply: &Reply) -> Result<Token, Error> {
    let wire: WireGranted = reply.json()?;
    let instance_url = instance(url, &wire.instance_url).ok_or_else(|| reply.unexpected())?;
    let identity: Url = wire.id.parse().map_err(|_| reply.unexpected())?;
    let (org_id, user_id) = owner(&identity).ok_or_else(|| reply.unexpected())?;
    let mut token = Token::new(wire.access_token, instance_url, org_id, user_id)?;
    token.issued_ms = wire.issued_at.and_then(|text| text.parse().ok());
    Ok(token)
}

/// The instance a reply of `url` names, unless the token would be sent in the clear because of it: that would be ours
/// to answer for. The same host is reached by the port that it was reached by: where client certificates are asked for,
/// that is another than the usual one (Salesforce Help, *Set Up a Mutual Authentication Certificate*).
pub(super) fn instance(url: &Url, named: &str) -> Option<Url> {
    let mut named: Url = named.parse().ok()?;
    if named.host() == url.host() && named.scheme() == url.scheme() && named.port().is_none() {
        named.set_port(url.port()).ok()?;
    }
    let is_safe = named.scheme() == "https" || named.scheme() == url.scheme();
    (is_safe && named.host().is_some()).then(|| endpoint(&named, "/"))
}

/// The identity URL ends in `/<org id>/<user id>`.
fn owner(identity: &Url) -> Option<(OrgId, String)> {
    let mut segments = identity.path_segments()?;
    let user_id = segments.next_back()?.to_owned();
    let org_id = segments.next_back()?.parse().ok()?;
    Some((org_id, user_id))
}

/// The error for a reply of an OAuth endpoint with a failed status.
pub(super) fn refused(flow: Flow, reply: &Reply) -> Error {
    let status = reply.status.as_u16();
    let Ok(WireRefused { error, error_description }) = reply.json() else {
        // Without a code of its own there is nothing to hold against the credentials, nor for them.
        return match reply.error() {
            Error::Unauthorized { .. } => reply.unexpected(),
            other => other,
        };
    };
    let code = reply.scrubbed(&error);
    let description = reply.scrubbed(&error_description.unwrap_or_default());
    match status {
        500.. => reply.server(reply.status, code, description),
        429 => refusal::too_many(code, description),
        _ => refusal::of_login(flow, code, description),
    }
}

/// A secret as such, so that it is wiped when it is dropped.
fn secret<'de, D: Deserializer<'de>>(text: D) -> Result<Secret, D::Error> {
    String::deserialize(text).map(Secret::from)
}

fn optional_secret<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(text)?.filter(|text| !text.is_empty()).map(Secret::from))
}

/// What the app's secret stands for, where a reply has it.
#[derive(Deserialize)]
struct WireSigned {
    id: String,
    issued_at: Option<String>,
    signature: String,
}

impl WireSigned {
    /// Who knows the app's secret has made the reply (Salesforce Help, *OAuth 2.0 Web Server Flow*, `signature`).
    fn verify(&self, secret: &Secret) -> Result<(), Error> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let signed = format!("{}{}", self.id, self.issued_at.as_deref().unwrap_or_default());
        let is_sound = |tag: Vec<u8>| hmac::verify(&key, signed.as_bytes(), &tag).is_ok();
        if STANDARD.decode(&self.signature).is_ok_and(is_sound) {
            return Ok(());
        }
        Err(Error::Login {
            refusal: Refusal::Forged,
            code: "signature".into(),
            description: "the reply is not signed with the app's client secret".into(),
            remedy: "check that the client secret is the app's: one that is being rotated looks the same; if it is, \
                     find out who answers in Salesforce's place, by the url, the proxy and the trusted certificates"
                .into(),
        })
    }
}

/// Read by itself, so that nothing else in the reply can keep it from being kept.
#[derive(Deserialize)]
struct WireRefresh {
    #[serde(default, deserialize_with = "optional_secret")]
    refresh_token: Option<Secret>,
}

#[derive(Deserialize)]
struct WireGranted {
    #[serde(deserialize_with = "secret")]
    access_token: Secret,
    instance_url: String,
    id: String,
    issued_at: Option<String>,
}

#[derive(Deserialize)]
struct WireRefused {
    error: String,
    error_description: Option<String>,
}

/// Where tokens are had.
pub(super) const TOKEN: &str = "/services/oauth2/token";
