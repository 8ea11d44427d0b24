//! The web server flow with PKCE: a person consents once in a browser, and the refresh token that yields is used from
//! then on (RFC 6749, 4.1 and 6; RFC 7636; Salesforce Help, *OAuth 2.0 Web Server Flow* and *Refresh Token Flow*).

mod consent;

use reqwest::Client;
use url::Url;

pub use self::consent::Consent;
use super::{
    blocking,
    fingerprint::Fingerprint,
    flow::Flow,
    refresh_token::RefreshToken,
    refusal::{self, LOG_IN},
    reply::{self, Granted, TOKEN},
};
use crate::{Error, Options, Refusal, Secret, Token, Wire, org::client};

/// As a person who has consented in a browser.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// The host to log in to; only its scheme, host and port may be given.
    pub url: Url,
    /// The app's consumer key.
    pub client_id: Secret,
    /// The app's consumer secret, where the app asks for it.
    pub client_secret: Option<Secret>,
    /// The app's callback URL, where the browser is sent after the consent.
    pub redirect_uri: Url,
    /// What is asked for, words with a space between; `api refresh_token` will do.
    pub scope: String,
    /// Where the refresh token is kept.
    pub refresh_token: RefreshToken,
}

/// What became of the refresh token.
#[derive(Debug)]
pub enum LoggedOut {
    /// Salesforce has revoked it, and with it each access token made from it. The file is removed.
    Revoked,
    /// The file is removed, but the token could not be revoked: who has a copy of it can still use it.
    NotRevoked(Error),
    /// There was none.
    NothingStored,
}

impl AuthorizationCode {
    /// Begins a login in a browser: show [`Consent::address`], and give the address the browser ends up at to
    /// [`finish`](Self::finish).
    pub fn begin(&self) -> Consent {
        Consent::new(self)
    }

    /// Ends a login in a browser: takes the code out of `redirected`, the address the browser was sent to, and stores
    /// the refresh token it is good for.
    ///
    /// # Errors
    /// [`Error::Login`]: consent was denied, the address belongs to another login, the code is not good any more, or no
    /// refresh token came with the access token. [`Error::Credential`]: the token cannot be stored, which is found
    /// before the code is used unless it begins just then.
    pub async fn finish(&self, wire: &Wire, consent: Consent, redirected: &Url) -> Result<Token, Error> {
        let code = consent.code(redirected)?;
        let http = client(&Options::default(), wire)?;
        // First, since a code is good for one use.
        let _lock = self.refresh_token.lock().await?;
        let file = self.refresh_token.clone();
        blocking(move || file.probe()).await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code_verifier", consent.verifier().expose()),
        ];
        let granted = self.exchange(&http, &mut form, &[&code, consent.verifier()]).await?;
        let Some(refresh_token) = granted.refresh_token else {
            granted.token?;
            return Err(Error::Login {
                refusal: Refusal::Configuration,
                code: "no_refresh_token".into(),
                description: "an access token came without a refresh token".into(),
                remedy: "give the app the scope refresh_token, ask for it, and let its refresh token policy not be \
                         to expire it immediately (app, Policies)"
                    .into(),
            });
        };
        let file = self.refresh_token.clone();
        blocking(move || file.write(&refresh_token)).await.map_err(in_vain)?;
        granted.token
    }

    /// Revokes the stored refresh token and removes it.
    ///
    /// # Errors
    /// [`Error::Credential`]: the file could not be removed, or is in use by another process.
    pub async fn log_out(&self, wire: &Wire) -> Result<LoggedOut, Error> {
        let http = client(&Options::default(), wire)?;
        let _lock = self.refresh_token.lock().await?;
        let file = self.refresh_token.clone();
        let outcome = match blocking(move || file.recover()).await {
            Ok(None) => LoggedOut::NothingStored,
            Ok(Some(token)) => match self.revoke(&http, &token).await {
                Ok(()) => LoggedOut::Revoked,
                Err(error) => LoggedOut::NotRevoked(error),
            },
            Err(error) => LoggedOut::NotRevoked(error),
        };
        let file = self.refresh_token.clone();
        blocking(move || file.remove()).await?;
        Ok(outcome)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.scope.split_whitespace().any(|word| matches!(word, "refresh_token" | "offline_access")) {
            return Ok(());
        }
        Err(Error::Configuration {
            problem: "the scope does not ask for a refresh token".into(),
            remedy: "let the scope be \"api refresh_token\"",
        })
    }

    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(self.client_id.expose());
        fingerprint.add_optional(self.client_secret.as_ref().map(Secret::expose));
        let stored = self.refresh_token.read().ok().flatten();
        fingerprint.add_optional(stored.as_ref().map(Secret::expose));
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let _lock = self.refresh_token.lock().await?;
        let file = self.refresh_token.clone();
        let Some(stored) = blocking(move || file.recover()).await? else {
            return Err(Error::Credential {
                problem: format!("no refresh token is stored in {}", self.refresh_token.path().display()),
                remedy: LOG_IN.into(),
                passes: false,
            });
        };
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", stored.expose())];
        let granted = self.exchange(http, &mut form, &[&stored]).await?;
        // On disk before the access token is used: the one before may be dead already.
        if let Some(next) = granted.refresh_token
            && next.expose() != stored.expose()
        {
            let file = self.refresh_token.clone();
            blocking(move || file.replace(Some(stored), &next)).await?;
        }
        granted.token
    }

    async fn exchange<'a>(
        &'a self,
        http: &Client,
        form: &mut Vec<(&'static str, &'a str)>,
        secrets: &[&Secret],
    ) -> Result<Granted, Error> {
        form.push(("client_id", self.client_id.expose()));
        form.extend(self.client_secret.iter().map(|secret| ("client_secret", secret.expose())));
        let secrets: Vec<_> = secrets.iter().copied().chain([&self.client_id]).chain(&self.client_secret).collect();
        let reply = reply::ask(http, &self.url, TOKEN, form, &secrets).await?;
        reply::granted(Flow::AuthorizationCode, &self.url, &reply, self.client_secret.as_ref())
    }

    async fn revoke(&self, http: &Client, token: &Secret) -> Result<(), Error> {
        let form = [("token", token.expose())];
        let reply = reply::ask(http, &self.url, "/services/oauth2/revoke", &form, &[token]).await?;
        if reply.status.is_success() { Ok(()) } else { Err(reply::refused(Flow::AuthorizationCode, &reply)) }
    }
}

/// The error for a refresh token that could not be written by a program that ends now.
fn in_vain(error: Error) -> Error {
    match error {
        Error::Credential { problem, passes: true, .. } => {
            Error::Credential { problem, remedy: WRITE_AGAIN.into(), passes: false }
        }
        other => other,
    }
}

const WRITE_AGAIN: &str = "make room on the disk, and let the user this program runs as write in that folder; then run \
     `crossfeed login` for this org again";

/// The error for a browser that came back with one (RFC 6749, 4.1.2.1).
fn refused(code: String, description: String) -> Error {
    refusal::of_login(Flow::AuthorizationCode, code, description)
}

#[cfg(test)]
mod tests;
