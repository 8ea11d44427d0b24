//! Reading what the token endpoint says (RFC 6749, 5.1 and 5.2, with Salesforce's own fields).

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, header::ACCEPT};
use serde::Deserialize;
use url::Url;

use super::{endpoint, flow::Flow, refusal};
use crate::{Error, OrgId, Refusal, Secret, Token, reply::Reply};

/// What a token request yields.
pub(super) struct Granted {
    pub(super) token: Token,
    /// Where the flow gives one, or the app replaces them.
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
    Ok(Reply::of(request).await?.without(secrets))
}

/// The token of a reply of the token endpoint at `url`, signed with the client secret where that is known.
pub(super) fn granted(flow: Flow, url: &Url, reply: &Reply, client_secret: Option<&Secret>) -> Result<Granted, Error> {
    if !reply.status.is_success() {
        return Err(refused(flow, reply));
    }
    let wire: WireGranted = reply.json()?;
    let (access_token, refresh_token) = (Secret::from(wire.access_token), wire.refresh_token.map(Secret::from));
    if let (Some(secret), Some(signature)) = (client_secret, &wire.signature) {
        verify(secret, &wire.id, wire.issued_at.as_deref().unwrap_or_default(), signature)?;
    }
    let instance_url = instance(url, &wire.instance_url).ok_or_else(|| reply.unexpected())?;
    let identity: Url = wire.id.parse().map_err(|_| reply.unexpected())?;
    let (org_id, user_id) = owner(&identity).ok_or_else(|| reply.unexpected())?;
    let mut token = Token::new(access_token, instance_url, org_id, user_id)?;
    token.issued_ms = wire.issued_at.and_then(|text| text.parse().ok());
    Ok(Granted { token, refresh_token })
}

/// The instance a reply of `url` names, unless the token would be sent in the clear because of it: that would be ours
/// to answer for. The same host is reached by the port that it was reached by: where client certificates are asked for,
/// that is another than the usual one (Salesforce Help, *Set Up a Mutual Authentication Certificate*).
pub(super) fn instance(url: &Url, named: &str) -> Option<Url> {
    let mut named: Url = named.parse().ok()?;
    if named.host() == url.host() && named.scheme() == url.scheme() && named.port().is_none() {
        named.set_port(url.port()).ok()?;
    }
    let downgraded = url.scheme() == "https" && named.scheme() != "https";
    (!downgraded && named.host().is_some()).then(|| endpoint(&named, "/"))
}

/// The identity URL ends in `/<org id>/<user id>`.
fn owner(identity: &Url) -> Option<(OrgId, String)> {
    let mut segments = identity.path_segments()?;
    let user_id = segments.next_back()?.to_owned();
    let org_id = segments.next_back()?.parse().ok()?;
    Some((org_id, user_id))
}

/// Who knows the app's secret has made the reply (Salesforce Help, *OAuth 2.0 Web Server Flow*, `signature`).
fn verify(secret: &Secret, id: &str, issued_at: &str, signature: &str) -> Result<(), Error> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signed = format!("{id}{issued_at}");
    let sound = STANDARD.decode(signature).is_ok_and(|tag| hmac::verify(&key, signed.as_bytes(), &tag).is_ok());
    if sound {
        return Ok(());
    }
    Err(Error::Login {
        refusal: Refusal::Forged,
        code: "signature".into(),
        description: "the reply is not signed with the app's client secret".into(),
        remedy:
            "check that the client secret is the app's: one that is being rotated looks the same; if it is, find out \
                 who answers in Salesforce's place, by the url, the proxy and the trusted certificates"
                .into(),
    })
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

#[derive(Deserialize)]
struct WireGranted {
    access_token: String,
    refresh_token: Option<String>,
    signature: Option<String>,
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
