//! The client credentials flow: an app logs in as itself (RFC 6749, 4.4; Salesforce Help, *OAuth 2.0 Client Credentials
//! Flow for Server-to-Server Integration*).

use reqwest::{Client, header::ACCEPT};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{endpoint, reply};
use crate::{Error, Token, error::remedy::USE_MY_DOMAIN, reply::Reply};

/// The flow is answered on the org's own host only: on the shared ones a login would fail for a reason that does not
/// say so.
pub(super) fn check(url: &Url) -> Result<(), Error> {
    match url.host_str() {
        Some(host @ ("login.salesforce.com" | "test.salesforce.com")) => Err(Error::Configuration {
            problem: format!("{host} does not answer the client credentials flow"),
            remedy: USE_MY_DOMAIN,
        }),
        _ => Ok(()),
    }
}

pub(super) async fn log_in(
    http: &Client,
    url: &Url,
    client_id: &SecretString,
    client_secret: &SecretString,
) -> Result<Token, Error> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id.expose_secret()),
        ("client_secret", client_secret.expose_secret()),
    ];
    let request = http.post(endpoint(url, "/services/oauth2/token")).header(ACCEPT, "application/json").form(&form);
    let reply = Reply::of(request).await?.without(&[client_id, client_secret]);
    reply::token(url, &reply)
}
