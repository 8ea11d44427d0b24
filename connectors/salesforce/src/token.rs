//! What a login yields.

use std::fmt;

use reqwest::header::HeaderValue;
use url::Url;

use crate::{Error, OrgId, Secret};

/// An access token, where to use it, and whose it is. Its `Debug` shows no secret.
pub struct Token {
    secret: Secret,
    authorization: HeaderValue,
    /// Where every call goes that uses this token, also the streaming session: another instance of Salesforce answers
    /// it with 401.
    pub instance_url: Url,
    /// The org it gives access to.
    pub org_id: OrgId,
    /// The id of the user it acts for.
    pub user_id: String,
    /// The name of that user, where the login tells it.
    pub user_name: Option<String>,
    /// When it was issued, in ms since 1970, by Salesforce's clock. Not known for a token that a person gave.
    pub issued_ms: Option<i64>,
    /// How long it lasts without being used, in seconds. Told by a SOAP login alone.
    pub session_seconds: Option<u64>,
}

impl Token {
    /// A token of which nothing else is known.
    pub(crate) fn new(secret: Secret, instance_url: Url, org_id: OrgId, user_id: String) -> Result<Self, Error> {
        let authorization = authorization(&secret)?;
        let (user_name, issued_ms, session_seconds) = (None, None, None);
        Ok(Self { secret, authorization, instance_url, org_id, user_id, user_name, issued_ms, session_seconds })
    }

    /// The same, whose user's name the login has told.
    pub(crate) fn of_user(mut self, user_name: &str) -> Self {
        self.user_name = Some(user_name.to_owned());
        self
    }

    /// The value of the `Authorization` header, marked as sensitive: its `Debug` hides it. Read it anew for each
    /// request, since a token is replaced once it has expired.
    pub fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// The header value for a token whose owner need not be known.
pub(crate) fn authorization(secret: &Secret) -> Result<HeaderValue, Error> {
    let refuse = |_| Error::Configuration {
        problem: "the access token holds characters that no header can carry".into(),
        remedy: "copy the access token again, in one line and without the quotes of the shell",
    };
    let mut value = HeaderValue::try_from(format!("Bearer {}", secret.expose())).map_err(refuse)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("instance_url", &self.instance_url.as_str())
            .field("org_id", &self.org_id)
            .field("user_id", &self.user_id)
            .field("user_name", &self.user_name)
            .field("issued_ms", &self.issued_ms)
            .field("session_seconds", &self.session_seconds)
            .finish_non_exhaustive()
    }
}
