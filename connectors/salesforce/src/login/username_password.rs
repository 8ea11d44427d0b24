//! The username-password flow of OAuth (RFC 6749, 4.3; Salesforce Help, *OAuth 2.0 Username-Password Flow for Special
//! Scenarios*). Legacy: orgs block it by default.

use reqwest::Client;
use url::Url;

use super::{
    fingerprint::Fingerprint,
    flow::Flow,
    reply::{self, TOKEN},
};
use crate::{Error, Secret, Token};

/// As a user, with the password, by way of an app.
#[derive(Clone, PartialEq, Eq)]
pub struct UsernamePassword {
    /// The host to log in to; only its scheme, host and port may be given.
    pub url: Url,
    /// The app's consumer key.
    pub client_id: Secret,
    /// The app's consumer secret.
    pub client_secret: Secret,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// The user's security token, which is not needed from an address the org trusts.
    pub security_token: Option<Secret>,
}

impl UsernamePassword {
    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(self.client_id.expose());
        fingerprint.add(self.client_secret.expose());
        fingerprint.add(&self.username);
        fingerprint.add(self.password.expose());
        fingerprint.add_optional(self.security_token.as_ref().map(Secret::expose));
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let password = joined(&self.password, self.security_token.as_ref());
        let form = [
            ("grant_type", "password"),
            ("client_id", self.client_id.expose()),
            ("client_secret", self.client_secret.expose()),
            ("username", &self.username),
            ("password", password.expose()),
        ];
        let mut secrets = vec![&self.client_id, &self.client_secret, &self.password, &password];
        secrets.extend(&self.security_token);
        let reply = reply::ask(http, &self.url, TOKEN, &form, &secrets).await?;
        let granted = reply::granted(Flow::UsernamePassword, &self.url, &reply, Some(&self.client_secret))?;
        Ok(granted.token?.of_user(&self.username))
    }
}

/// The password immediately followed by the security token.
pub(super) fn joined(password: &Secret, security_token: Option<&Secret>) -> Secret {
    [password.expose(), security_token.map(Secret::expose).unwrap_or_default()].concat().into()
}
