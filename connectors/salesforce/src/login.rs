//! The ways to log in. One file each; they differ in what they send, and share how a reply is read.

mod access_token;
mod client_credentials;
mod reply;

use std::fmt;

use reqwest::Client;
use url::{Host, Url};

pub(crate) use self::access_token::expired;
pub use self::{access_token::AccessToken, client_credentials::ClientCredentials};
use crate::{Error, Secret, Token};

/// How to log in to an org. Its `Debug` shows no secret.
#[derive(Clone)]
#[non_exhaustive]
pub enum Login {
    /// As the user an app runs as.
    ClientCredentials(ClientCredentials),
    /// With a token that a person got elsewhere.
    AccessToken(AccessToken),
}

impl Login {
    /// The flow's name, as in the configuration.
    pub fn flow(&self) -> &'static str {
        match self {
            Self::ClientCredentials(_) => "client_credentials",
            Self::AccessToken(_) => "access_token",
        }
    }

    /// The host to log in to.
    pub fn url(&self) -> &Url {
        match self {
            Self::ClientCredentials(login) => &login.url,
            Self::AccessToken(login) => &login.url,
        }
    }

    /// Whether a token that has expired can be had anew without a person.
    pub fn renewable(&self) -> bool {
        match self {
            Self::ClientCredentials(_) => true,
            Self::AccessToken(_) => false,
        }
    }

    /// What a person should know who logs in so.
    pub fn warning(&self) -> Option<String> {
        None
    }

    /// Whether nobody else can have the token that this login gives.
    pub(crate) fn is_ours_alone(&self) -> bool {
        false
    }

    /// What decides whether a login can succeed: another text means other credentials.
    pub(crate) fn fingerprint_input(&self) -> Secret {
        let secret = match self {
            Self::ClientCredentials(login) => format!("{} {}", login.client_id.expose(), login.client_secret.expose()),
            Self::AccessToken(login) => login.token.expose().to_owned(),
        };
        format!("{} {} {secret}", self.flow(), self.url()).into()
    }

    /// Finds what cannot work before anything is sent.
    ///
    /// # Errors
    /// [`Error::Configuration`], with what to write instead.
    pub fn check(&self) -> Result<(), Error> {
        check_url(self.url())?;
        match self {
            Self::ClientCredentials(login) => login.check(),
            Self::AccessToken(_) => Ok(()),
        }
    }

    pub(crate) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        match self {
            Self::ClientCredentials(login) => login.log_in(http).await,
            Self::AccessToken(login) => login.log_in(http).await,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("flow", &self.flow()).field("url", &self.url().as_str()).finish_non_exhaustive()
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
