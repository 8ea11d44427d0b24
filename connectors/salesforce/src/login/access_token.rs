//! A token that was got elsewhere. Salesforce is asked whose it is (*Query for User Information* of Salesforce Help), so
//! that a dead one is found at the start, and positions can be told apart by org.

use reqwest::{
    Client,
    header::{ACCEPT, AUTHORIZATION},
};
use serde::Deserialize;
use url::Url;

use super::{command, endpoint, fingerprint::Fingerprint, flow::Flow, host::is_loopback, refusal};
use crate::{Error, OrgId, Secret, Token, error::codes, reply::Reply};

/// With a token that was got elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The org's My Domain; only its scheme, host and port may be given. What a command prints may name another.
    pub url: Url,
    /// The token, or where it comes from.
    pub token: Given,
}

/// How an access token is given.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// An OAuth access token, or a session id. It cannot be renewed.
    Fixed(Secret),
    /// A program and its arguments, run for each login and so again when the token has expired. It prints the token in
    /// one line, or JSON as `sf org auth show-access-token --json` and `sf org display --json` do.
    Command(Vec<String>),
}

impl AccessToken {
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.token {
            Given::Fixed(_) => Ok(()),
            Given::Command(words) => command::check(words),
        }
    }

    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) -> Option<()> {
        match &self.token {
            Given::Fixed(token) => {
                fingerprint.add(token.expose());
                Some(())
            }
            Given::Command(_) => None,
        }
    }

    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let (token, url) = match &self.token {
            Given::Fixed(token) => (token.clone(), self.url.clone()),
            Given::Command(words) => {
                let printed = printed(&command::run(words).await?)?;
                (printed.token, printed.instance_url.unwrap_or_else(|| self.url.clone()))
            }
        };
        // Its header is needed before its owner is known.
        let authorization = crate::token::authorization(&token)?;
        let request = http
            .get(endpoint(&url, "/services/oauth2/userinfo"))
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, authorization);
        let reply = Reply::of(request).await?.without(&[&token]).unshown();
        if !reply.status.is_success() {
            return Err(refused(&self.token, &reply));
        }
        let user: User = reply.json()?;
        let org_id: OrgId = user.organization_id.parse()?;
        let mut token = Token::new(token, url, org_id, user.user_id)?;
        token.user_name = user.preferred_username;
        Ok(token)
    }
}

/// The error for a token that cannot be renewed, once a call was answered with 401.
pub(crate) fn expired() -> Error {
    refusal::token_expired(
        "INVALID_SESSION_ID".into(),
        "the access token is no longer valid, and only a person can give a new one".into(),
    )
}

/// The host answers as REST does.
fn refused(given: &Given, reply: &Reply) -> Error {
    match reply.error() {
        Error::Unauthorized { code, message, .. } if codes::session_never_valid(&message) => {
            refusal::api_disabled(code, message)
        }
        Error::Unauthorized { code, message, .. } => match given {
            Given::Fixed(_) => refusal::token_expired(code, message),
            // It may print a fresh one soon, and no password is sent in vain.
            Given::Command(_) => Error::Credential {
                problem: format!("the token that the command printed is refused: {code}: {message}"),
                remedy: "let the command print a token that is still valid".into(),
                passes: true,
            },
        },
        Error::Rejected { code, message, .. } if code == "API_DISABLED_FOR_ORG" => {
            refusal::of_login(Flow::AccessToken, code, message)
        }
        other => other,
    }
}

struct Printed {
    token: Secret,
    instance_url: Option<Url>,
}

/// Reads what a command printed.
fn printed(output: &Secret) -> Result<Printed, Error> {
    let refuse = |problem: &str, remedy: &'static str| {
        let problem = format!("the command's output {problem}");
        Error::Credential { problem, remedy: remedy.into(), passes: false }
    };
    let text = output.expose().trim();
    let (token, instance_url) = if text.starts_with('{') {
        let wire: Wire = serde_json::from_str(text)
            .map_err(|_| refuse("is JSON without result.accessToken", "let it print the token alone"))?;
        (wire.result.access_token, wire.result.instance_url)
    } else {
        (text.to_owned(), None)
    };
    let token = Secret::from(token);
    if token.expose().starts_with("[REDACTED]") {
        return Err(refuse("hides the token", "use `sf org auth show-access-token --json`, which shows it"));
    }
    if token.expose().is_empty() || token.expose().contains(char::is_whitespace) {
        return Err(refuse("is neither a token in one line nor JSON with one", "let it print the token alone"));
    }
    let instance_url = instance_url.map(|url| {
        sound(&url)
            .ok_or_else(|| refuse("names an instance that is not reached by https", "let it print the token alone"))
    });
    Ok(Printed { token, instance_url: instance_url.transpose()? })
}

/// An instance that a token may be sent to.
fn sound(url: &str) -> Option<Url> {
    let url: Url = url.parse().ok()?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (safe && url.host().is_some()).then(|| endpoint(&url, "/"))
}

/// What Salesforce says of a token's user.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) organization_id: String,
    pub(crate) user_id: String,
    pub(crate) preferred_username: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    result: WireResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResult {
    access_token: String,
    instance_url: Option<String>,
}

#[cfg(test)]
mod tests;
