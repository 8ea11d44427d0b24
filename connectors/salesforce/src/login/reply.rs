//! Reading what the token endpoint says (RFC 6749, 5.1 and 5.2, with Salesforce's own fields).

use serde::Deserialize;
use url::Url;

use crate::{Error, OrgId, Token, error::remedy, reply::Reply};

/// The token of a reply of the endpoint at `url`.
pub(super) fn token(url: &Url, reply: &Reply) -> Result<Token, Error> {
    if !reply.status.is_success() {
        return Err(refusal(reply));
    }
    let granted: Granted = reply.json()?;
    let instance_url: Url = granted.instance_url.parse().map_err(|_| reply.unexpected())?;
    let identity: Url = granted.id.parse().map_err(|_| reply.unexpected())?;
    // A token sent in the clear because of a reply would be ours to answer for.
    let downgraded = url.scheme() == "https" && instance_url.scheme() != "https";
    if downgraded || instance_url.host().is_none() {
        return Err(reply.unexpected());
    }
    let (org_id, user_id) = owner(&identity).ok_or_else(|| reply.unexpected())?;
    let issued_ms = granted.issued_at.and_then(|text| text.parse().ok());
    Token::new(granted.access_token.into(), instance_url, org_id, user_id, issued_ms)
}

/// The identity URL ends in `/<org id>/<user id>`.
fn owner(identity: &Url) -> Option<(OrgId, String)> {
    let mut segments = identity.path_segments()?;
    let user_id = segments.next_back()?.to_owned();
    let org_id = segments.next_back()?.parse().ok()?;
    Some((org_id, user_id))
}

fn refusal(reply: &Reply) -> Error {
    let status = reply.status.as_u16();
    let Ok(Refused { error, error_description }) = reply.json() else {
        // Without a code of its own there is nothing to hold against the credentials, nor for them.
        return match reply.error() {
            Error::Unauthorized { .. } => reply.unexpected(),
            other => other,
        };
    };
    let code = reply.scrubbed(&error);
    let description = reply.scrubbed(&error_description.unwrap_or_default());
    match status {
        500.. => reply.server(reply.status, code, description),
        _ => Error::Login {
            retry: status == 429 || code == "rate_limit_exceeded",
            remedy: remedy::of_login(&code, &description),
            code,
            description,
        },
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    instance_url: String,
    id: String,
    issued_at: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}
