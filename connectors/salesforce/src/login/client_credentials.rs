//! The client credentials flow: an app logs in as itself (RFC 6749, 4.4; Salesforce Help, *OAuth 2.0 Client Credentials
//! Flow for Server-to-Server Integration*).

use reqwest::Client;
use url::Url;

use super::{
    fingerprint::Fingerprint,
    flow::Flow,
    host::Host,
    refusal::USE_MY_DOMAIN,
    reply::{self, TOKEN},
};
use crate::{Error, Secret, Token};

/// As the user an app runs as, with the app's own id and secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The org's My Domain; only its scheme, host and port may be given.
    pub url: Url,
    /// The app's consumer key.
    pub client_id: Secret,
    /// The app's consumer secret.
    pub client_secret: Secret,
}

impl ClientCredentials {
    /// The flow is answered on the org's own host only: on the shared ones a login would fail for a reason that does
    /// not say so.
    pub(super) fn check(&self) -> Result<(), Error> {
        match Host::of(&self.url) {
            Host::Login | Host::Test => Err(Error::Configuration {
                problem: format!(
                    "{} does not answer the client credentials flow",
                    self.url.host_str().unwrap_or_default()
                ),
                remedy: USE_MY_DOMAIN,
            }),
            Host::MyDomain { .. } | Host::Other => Ok(()),
        }
    }

    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(self.client_id.expose());
        fingerprint.add(self.client_secret.expose());
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.expose()),
            ("client_secret", self.client_secret.expose()),
        ];
        let reply = reply::ask(http, &self.url, TOKEN, &form, &[&self.client_id, &self.client_secret]).await?;
        reply::granted(Flow::ClientCredentials, &self.url, &reply, Some(&self.client_secret))?.token
    }
}
