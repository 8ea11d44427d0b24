//! The client credentials flow: an app logs in as itself (RFC 6749, 4.4; Salesforce Help, *OAuth 2.0 Client Credentials
//! Flow for Server-to-Server Integration*).

use reqwest::{Client, header::ACCEPT};
use url::Url;

use super::{endpoint, reply};
use crate::{Error, Secret, Token, error::remedy::USE_MY_DOMAIN, reply::Reply};

/// As the user an app runs as, with the app's own id and secret.
#[derive(Clone)]
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
        match self.url.host_str() {
            Some(host @ ("login.salesforce.com" | "test.salesforce.com")) => Err(Error::Configuration {
                problem: format!("{host} does not answer the client credentials flow"),
                remedy: USE_MY_DOMAIN,
            }),
            _ => Ok(()),
        }
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.expose()),
            ("client_secret", self.client_secret.expose()),
        ];
        let url = endpoint(&self.url, "/services/oauth2/token");
        let request = http.post(url).header(ACCEPT, "application/json").form(&form);
        let reply = Reply::of(request).await?.without(&[&self.client_id, &self.client_secret]);
        reply::token(&self.url, &reply)
    }
}
