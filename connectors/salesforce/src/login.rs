//! The ways to log in. One file each; they differ in what they send, and share how a reply is read.

mod access_token;
mod authorization_code;
mod client_credentials;
mod command;
mod fingerprint;
mod flow;
mod host;
mod jwt;
mod password;
mod refresh_token;
mod refusal;
mod reply;
mod saml;
#[cfg(test)]
mod secrets_tests;
mod source;
mod username_password;

use std::fmt;

use reqwest::Client;
use url::Url;

pub(crate) use self::access_token::{User, expired};
pub use self::{
    access_token::{AccessToken, Given},
    authorization_code::{AuthorizationCode, Consent, LoggedOut},
    client_credentials::ClientCredentials,
    jwt::Jwt,
    password::Password,
    refresh_token::RefreshToken,
    refusal::Refusal,
    saml::Saml,
    source::Source,
    username_password::UsernamePassword,
};
use self::{fingerprint::Fingerprint, flow::Flow};
use crate::{Error, Secret, Token};

/// How to log in to an org. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// As the user an app runs as.
    ClientCredentials(ClientCredentials),
    /// With a token that was got elsewhere.
    AccessToken(AccessToken),
    /// As a person who has consented in a browser.
    AuthorizationCode(AuthorizationCode),
    /// As a user, with a private key.
    Jwt(Jwt),
    /// With an assertion that an identity provider has signed.
    Saml(Saml),
    /// As a user, with the password, by way of an app.
    UsernamePassword(UsernamePassword),
    /// As a user, with the password, by SOAP.
    Password(Password),
}

impl Login {
    /// The flow's name, as in the configuration.
    pub fn flow(&self) -> &'static str {
        let flow = match self {
            Self::ClientCredentials(_) => Flow::ClientCredentials,
            Self::AccessToken(_) => Flow::AccessToken,
            Self::AuthorizationCode(_) => Flow::AuthorizationCode,
            Self::Jwt(_) => Flow::Jwt,
            Self::Saml(_) => Flow::Saml,
            Self::UsernamePassword(_) => Flow::UsernamePassword,
            Self::Password(_) => Flow::Password,
        };
        flow.name()
    }

    /// The host to log in to.
    pub fn url(&self) -> &Url {
        match self {
            Self::ClientCredentials(login) => &login.url,
            Self::AccessToken(login) => &login.url,
            Self::AuthorizationCode(login) => &login.url,
            Self::Jwt(login) => &login.url,
            Self::Saml(login) => &login.url,
            Self::UsernamePassword(login) => &login.url,
            Self::Password(login) => &login.url,
        }
    }

    /// Whether a token that has expired can be had anew without a person.
    pub fn renewable(&self) -> bool {
        match self {
            Self::AccessToken(login) => matches!(login.token, Given::Command(_)),
            Self::ClientCredentials(_) | Self::AuthorizationCode(_) | Self::Jwt(_) | Self::Saml(_) => true,
            Self::UsernamePassword(_) | Self::Password(_) => true,
        }
    }

    /// Whether nobody else holds a token this login yields, so that it may be revoked when it is done with. The other
    /// flows may be given a session that another program of the same user holds too.
    pub fn is_ours_alone(&self) -> bool {
        matches!(self, Self::AuthorizationCode(_))
    }

    /// Finds what cannot work before anything is sent.
    ///
    /// # Errors
    /// [`Error::Configuration`], with what to write instead.
    pub fn check(&self) -> Result<(), Error> {
        host::check(self.url())?;
        match self {
            Self::ClientCredentials(login) => login.check(),
            Self::AccessToken(login) => login.check(),
            Self::AuthorizationCode(login) => login.check(),
            Self::Jwt(login) => login.check(),
            Self::Saml(login) => login.assertion.check(),
            Self::UsernamePassword(_) => Ok(()),
            Self::Password(login) => login.check(),
        }
    }

    /// What will stop working one day, and what to use instead.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Password(_) => Some(PASSWORD_WARNING.into()),
            Self::UsernamePassword(_) => Some(USERNAME_PASSWORD_WARNING.into()),
            Self::ClientCredentials(_) | Self::AccessToken(_) | Self::AuthorizationCode(_) => None,
            Self::Jwt(_) | Self::Saml(_) => None,
        }
    }

    /// Everything that decides whether this login can succeed, secrets included: where it is as it was, a login that
    /// failed for good will fail again. Of a file it is what it holds; of an authorization code, the refresh token that
    /// is stored, which blocks for some tens of milliseconds where that is encrypted. `None` where a command gives
    /// something new each time: nothing is known of the next login then.
    pub fn fingerprint_input(&self) -> Option<Secret> {
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(self.flow());
        fingerprint.add(self.url().as_str());
        match self {
            Self::ClientCredentials(login) => login.decided_by(&mut fingerprint),
            Self::AccessToken(login) => login.decided_by(&mut fingerprint)?,
            Self::AuthorizationCode(login) => login.decided_by(&mut fingerprint),
            Self::Jwt(login) => login.decided_by(&mut fingerprint),
            Self::Saml(login) => login.assertion.decided_by(&mut fingerprint)?,
            Self::UsernamePassword(login) => login.decided_by(&mut fingerprint),
            Self::Password(login) => login.decided_by(&mut fingerprint),
        }
        Some(fingerprint.into_secret())
    }

    pub(crate) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        match self {
            Self::ClientCredentials(login) => login.log_in(http).await,
            Self::AccessToken(login) => login.log_in(http).await,
            Self::AuthorizationCode(login) => login.log_in(http).await,
            Self::Jwt(login) => login.log_in(http).await,
            Self::Saml(login) => login.log_in(http).await,
            Self::UsernamePassword(login) => login.log_in(http).await,
            Self::Password(login) => login.log_in(http).await,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("flow", &self.flow()).field("url", &self.url().as_str()).finish_non_exhaustive()
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

/// Runs what would hold up the runtime: files, and cryptography that is slow on purpose.
async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Interrupted))
}

const PASSWORD_WARNING: &str = "SOAP login() is off by default in orgs made since Winter '26, does not exist from API \
     version 65.0 on, and its retirement is announced for Summer '27: use client_credentials or jwt";

const USERNAME_PASSWORD_WARNING: &str =
    "the username-password flow is legacy, and orgs block it by default: use client_credentials or jwt";

#[cfg(test)]
mod tests;
