//! The ways to log in. One file each; they differ in what they send, and share how a reply is read.

mod access_token;
mod client_credentials;
mod reply;

use reqwest::Client;
use secrecy::SecretString;
use url::{Host, Url};

pub(crate) use self::access_token::expired;
use crate::{Error, Token};

/// How to log in to an org. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Login {
    /// As the user an app runs as, with the app's own id and secret (RFC 6749, 4.4; Salesforce Help, *OAuth 2.0 Client
    /// Credentials Flow*).
    ClientCredentials {
        /// The org's My Domain; only its scheme, host and port may be given.
        url: Url,
        /// The app's consumer key.
        client_id: SecretString,
        /// The app's consumer secret.
        client_secret: SecretString,
    },
    /// With a token that a person got elsewhere. It cannot be renewed.
    AccessToken {
        /// The org's My Domain; only its scheme, host and port may be given.
        url: Url,
        /// An OAuth access token, or a session id.
        token: SecretString,
    },
}

impl Login {
    /// The host to log in to.
    pub fn url(&self) -> &Url {
        match self {
            Self::ClientCredentials { url, .. } | Self::AccessToken { url, .. } => url,
        }
    }

    /// Whether a token that has expired can be had anew without a person.
    pub fn renewable(&self) -> bool {
        match self {
            Self::ClientCredentials { .. } => true,
            Self::AccessToken { .. } => false,
        }
    }

    /// Finds what cannot work before anything is sent.
    ///
    /// # Errors
    /// [`Error::Configuration`], with what to write instead.
    pub fn check(&self) -> Result<(), Error> {
        let url = self.url();
        check_url(url)?;
        match self {
            Self::ClientCredentials { .. } => client_credentials::check(url),
            Self::AccessToken { .. } => Ok(()),
        }
    }

    pub(crate) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        match self {
            Self::ClientCredentials { url, client_id, client_secret } => {
                client_credentials::log_in(http, url, client_id, client_secret).await
            }
            Self::AccessToken { url, token } => access_token::log_in(http, url, token).await,
        }
    }
}

fn check_url(url: &Url) -> Result<(), Error> {
    let refuse = |what: &str| {
        let host = url.host_str().unwrap_or_default();
        Err(Error::Configuration {
            problem: format!("the login url of {host} {what}"),
            remedy: "give the org's My Domain and nothing after it, as in https://acme.my.salesforce.com",
        })
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => tracing::warn!(host = url.host_str(), "the login url is not https: the secret is sent in the clear"),
        _ => return refuse("does not begin with https://"),
    }
    if url.host().is_none() {
        return refuse("has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user name or a password");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("holds more than a host");
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The address of an endpoint of `base`, whatever `base` had after its host.
pub(crate) fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests;
