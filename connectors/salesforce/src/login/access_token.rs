//! A token that a person gave. Salesforce is asked whose it is (*Query for User Information* of Salesforce Help), so
//! that a dead one is found at the start, and positions can be told apart by org.

use reqwest::{
    Client,
    header::{ACCEPT, AUTHORIZATION},
};
use serde::Deserialize;
use url::Url;

use super::endpoint;
use crate::{Error, OrgId, Secret, Token, error::remedy, reply::Reply};

/// With a token that a person got elsewhere. It cannot be renewed.
#[derive(Clone)]
pub struct AccessToken {
    /// The org's My Domain; only its scheme, host and port may be given.
    pub url: Url,
    /// An OAuth access token, or a session id.
    pub token: Secret,
}

impl AccessToken {
    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        // Its header is needed before its owner is known.
        let authorization = crate::token::authorization(&self.token)?;
        let request = http
            .get(endpoint(&self.url, "/services/oauth2/userinfo"))
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, authorization);
        let reply = Reply::of(request).await?.without(&[&self.token]);
        if !reply.status.is_success() {
            return Err(refused(&reply));
        }
        let user: User = reply.json()?;
        let org_id: OrgId = user.organization_id.parse()?;
        Token::new(self.token.clone(), self.url.clone(), org_id, user.user_id, None)
    }
}

/// The error for a token that cannot be renewed, once a call was answered with 401.
pub(crate) fn expired() -> Error {
    let code = "INVALID_SESSION_ID";
    let description = "the access token is no longer valid, and only a person can give a new one";
    Error::Login {
        code: code.into(),
        description: description.into(),
        remedy: remedy::of_login(code, description),
        retry: false,
    }
}

fn refused(reply: &Reply) -> Error {
    match reply.error() {
        Error::Unauthorized { code, message, .. } => dead(code, message),
        // A dead token is answered here with 403 and a word that is not JSON.
        Error::Unexpected { status: 403, excerpt, .. } if excerpt.contains("Bad_OAuth_Token") => {
            dead("Bad_OAuth_Token".into(), excerpt)
        }
        other => other,
    }
}

fn dead(code: String, description: String) -> Error {
    Error::Login { remedy: remedy::of_login("INVALID_SESSION_ID", &description), code, description, retry: false }
}

#[derive(Deserialize)]
struct User {
    organization_id: String,
    user_id: String,
}
