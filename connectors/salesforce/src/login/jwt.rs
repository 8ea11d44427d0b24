//! The JWT bearer flow: an assertion signed with a key whose certificate the app holds (RFC 7523; Salesforce Help,
//! *OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration*).

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Client;
use serde::Serialize;
use url::Url;

use super::{
    blocking,
    fingerprint::Fingerprint,
    flow::Flow,
    host::Host,
    reply::{self, TOKEN},
};
use crate::{Error, Refusal, Secret, Token, reply::Reply};

/// As a user, with a private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The host to log in to; only its scheme, host and port may be given.
    pub url: Url,
    /// The app's consumer key.
    pub client_id: Secret,
    /// The name of the user, for whom the app has to be authorized.
    pub username: String,
    /// The RSA key, PEM (PKCS#1 or PKCS#8), without a passphrase.
    pub key: Secret,
    /// Whom the assertion is for, where that does not follow from the url.
    pub audience: Option<String>,
}

impl Jwt {
    /// Signs once, which shows whether the key can be used.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.assertion(Timestamp::UNIX_EPOCH).map(drop)
    }

    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(self.client_id.expose());
        fingerprint.add(&self.username);
        fingerprint.add(self.key.expose());
        fingerprint.add_optional(self.audience.as_deref());
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let login = self.clone();
        let assertion = blocking(move || login.assertion(Timestamp::now())).await?;
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.expose())];
        let reply = reply::ask(http, &self.url, TOKEN, &form, &[&assertion, &self.client_id]).await?;
        match reply::granted(Flow::Jwt, &self.url, &reply, None) {
            Ok(granted) => Ok(granted.token?.of_user(&self.username)),
            Err(error) => Err(blame_the_clock(error, &reply, Timestamp::now())),
        }
    }

    fn assertion(&self, now: Timestamp) -> Result<Secret, Error> {
        let refuse = |_| Error::Configuration {
            problem: "the private key of the login cannot be used to sign".into(),
            remedy: "give an RSA private key as PEM, without a passphrase (openssl pkcs8 -topk8 -nocrypt -in KEY)",
        };
        let audience = self.audience.clone().unwrap_or_else(|| Host::audience(&self.url));
        let claims = Claims {
            iss: self.client_id.expose(),
            sub: &self.username,
            aud: &audience,
            exp: now.as_second().saturating_add(LIFE_S),
        };
        let key = EncodingKey::from_rsa_pem(self.key.expose().as_bytes()).map_err(refuse)?;
        let assertion = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(refuse)?;
        Ok(assertion.into())
    }
}

/// Tells a wrong clock from a wrong key: Salesforce refuses both in one way.
fn blame_the_clock(error: Error, reply: &Reply, now: Timestamp) -> Error {
    let Error::Login { code, description, .. } = &error else { return error };
    let lower = description.to_ascii_lowercase();
    let by_time = ["assertion", "expired", "authorization code"].iter().any(|part| lower.contains(part));
    let date = reply.date.filter(|_| code == "invalid_grant" && by_time);
    let Some(date) = date.and_then(|date| Timestamp::try_from(date).ok()) else { return error };
    let ahead = now.as_second().saturating_sub(date.as_second());
    if ahead.abs() <= SKEW_LIMIT_S {
        return error;
    }
    let direction = if ahead > 0 { "ahead" } else { "behind" };
    Error::Login {
        refusal: Refusal::ClockSkew,
        code: code.clone(),
        description: description.clone(),
        remedy: format!("this machine's clock is {} s {direction}: correct it", ahead.abs()).into(),
    }
}

/// What the assertion says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Salesforce takes none that lives longer than 3 minutes; a little is left for clocks that differ.
const LIFE_S: i64 = 170;

/// How far two clocks may differ.
const SKEW_LIMIT_S: i64 = 60;

#[cfg(test)]
mod tests;
