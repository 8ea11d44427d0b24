//! A SOAP `login()` with user name and password (SOAP API Developer Guide, *login()*). Versions of the API from 65.0 on
//! have it no more.

mod soap;

use reqwest::{
    Client,
    header::{ACCEPT, CONTENT_TYPE},
};
use url::Url;

use self::soap::Answer;
use super::{endpoint, fingerprint::Fingerprint, flow::Flow, refusal, reply, username_password::joined};
use crate::{Error, Secret, Token, org::check_version, reply::Reply};

/// As a user, with the password, and without an app.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// The host to log in to; only its scheme, host and port may be given.
    pub url: Url,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// The user's security token, which is not needed from an address the org trusts.
    pub security_token: Option<Secret>,
    /// Version of the SOAP API, as in `64.0`, which is also the highest that is used.
    pub api_version: String,
}

impl Password {
    pub(super) fn check(&self) -> Result<(), Error> {
        check_version(&self.api_version)
    }

    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(&self.username);
        fingerprint.add(self.password.expose());
        fingerprint.add_optional(self.security_token.as_ref().map(Secret::expose));
        fingerprint.add(&self.api_version);
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let password = joined(&self.password, self.security_token.as_ref());
        let request = http
            .post(endpoint(&self.url, &format!("/services/Soap/u/{}/", version(&self.api_version))))
            .header(CONTENT_TYPE, "text/xml; charset=UTF-8")
            .header(ACCEPT, "text/xml")
            .header("SOAPAction", "login")
            .body(soap::envelope(&self.username, &password));
        let mut secrets = vec![&self.password, &password];
        secrets.extend(&self.security_token);
        let reply = Reply::of(request).await?.without(&secrets).unshown();
        self.token(&reply)
    }

    fn token(&self, reply: &Reply) -> Result<Token, Error> {
        let answer = soap::read(&reply.text()).ok_or_else(|| reply.unexpected())?;
        let granted = match answer {
            // A fault is one with whatever status it comes.
            Answer::Fault { code, message } => {
                return Err(refusal::of_login(Flow::Password, reply.scrubbed(&code), reply.scrubbed(&message)));
            }
            Answer::Granted(granted) if reply.status.is_success() => granted,
            Answer::Granted(_) => return Err(reply.unexpected()),
        };
        if granted.password_expired {
            // The session is good for nothing but a change of the password.
            let code = "INVALID_OPERATION_WITH_EXPIRED_PASSWORD".into();
            return Err(refusal::of_login(Flow::Password, code, "the user's password has expired".into()));
        }
        let instance_url = reply::instance(&self.url, &granted.server_url).ok_or_else(|| reply.unexpected())?;
        let mut token =
            Token::new(granted.session_id, instance_url, granted.organization_id.parse()?, granted.user_id)?;
        token.session_seconds = granted.session_seconds;
        Ok(token.of_user(&self.username))
    }
}

/// The version asked for, or the last that has `login()`.
fn version(asked: &str) -> &str {
    let major = asked.strip_suffix(".0").and_then(|major| major.parse::<u16>().ok());
    match major {
        Some(major) if major <= 64 => asked,
        _ => LAST,
    }
}

const LAST: &str = "64.0";

#[cfg(test)]
mod tests;
