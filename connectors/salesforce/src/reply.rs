//! One HTTP exchange: a bounded reply, and what kind of failure it is.
//!
//! REST API Developer Guide, *Status Codes and Error Responses*.

use std::{borrow::Cow, sync::Arc};

use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use serde::{Deserialize, de::DeserializeOwned};
use url::{Url, form_urlencoded};

use crate::{Error, ProxyProblem, Secret, error::codes};

/// A reply that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    content_type: String,
    body: Vec<u8>,
    /// Never to be shown, should the reply echo them.
    secrets: Vec<Secret>,
}

impl Reply {
    /// Sends `request` and reads what comes back.
    pub(crate) async fn of(request: RequestBuilder) -> Result<Self, Error> {
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let host = response.url().host_str().unwrap_or_default().to_owned();
            return Err(Error::Proxy { host, problem: ProxyProblem::Credentials, source: None });
        }
        if let Some(host) = redirect(&response) {
            return Err(Error::Redirected { status: status.as_u16(), host });
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Error::TooLarge { limit: BODY_LIMIT });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, content_type, body, secrets: Vec::new() })
    }

    /// Names what must not be shown of this reply.
    pub(crate) fn without(mut self, secrets: &[&Secret]) -> Self {
        self.secrets = secrets.iter().map(|secret| (*secret).clone()).collect();
        self
    }

    /// The body as what it should be.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| self.unexpected())
    }

    /// What a reply of the REST API with a failed status means.
    pub(crate) fn error(&self) -> Error {
        let status = self.status.as_u16();
        let failure = self.failure();
        if self.status == StatusCode::UNAUTHORIZED {
            let (code, message) =
                failure.map_or_else(|| (status.to_string(), String::new()), |it| (it.code, it.message));
            return Error::Unauthorized { code, message };
        }
        let Some(Failure { code, message, fields }) = failure else {
            return self.unexpected();
        };
        match status {
            500.. => Error::Server { status, code, message },
            429 => Error::Throttled { status, code, message },
            _ if codes::is_limit(&code) => Error::Throttled { status, code, message },
            _ => Error::Rejected { status, code, message, fields },
        }
    }

    /// The error for a reply that is not the API's.
    pub(crate) fn unexpected(&self) -> Error {
        // A reply that succeeded may hold a token that is not known yet, and records.
        let excerpt =
            if self.status.is_success() { String::new() } else { self.scrubbed(&String::from_utf8_lossy(&self.body)) };
        let content_type = self.content_type.clone();
        Error::Unexpected { status: self.status.as_u16(), content_type, excerpt }
    }

    /// `text` in one line, not too long, and without the secrets that were sent.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in self.secrets.iter().map(Secret::expose) {
            // As it is, and as a form has it.
            for shape in [secret, &String::from_iter(form_urlencoded::byte_serialize(secret.as_bytes()))] {
                if !shape.is_empty() && text.contains(shape) {
                    text = Cow::Owned(text.replace(shape, "…"));
                }
            }
        }
        let mut line = String::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word.chars().take(EXCERPT_LIMIT));
            if line.chars().count() >= EXCERPT_LIMIT {
                return line.chars().take(EXCERPT_LIMIT).chain(['…']).collect();
            }
        }
        line
    }

    /// The first of the errors in the body. REST answers an array; the edge and OAuth one object.
    fn failure(&self) -> Option<Failure> {
        let wire = match serde_json::from_slice(&self.body).ok()? {
            OneOrMany::Many(list) => list.into_iter().next()?,
            OneOrMany::One(one) => one,
        };
        Some(Failure {
            code: self.scrubbed(&wire.code),
            message: self.scrubbed(&wire.message),
            fields: wire.fields.unwrap_or_default().iter().map(|field| self.scrubbed(field)).collect(),
        })
    }
}

fn lost(error: reqwest::Error) -> Error {
    let host = error.url().and_then(Url::host_str).unwrap_or_default().to_owned();
    Error::of_network(&host, Arc::new(error.without_url()))
}

/// The host a redirect points to; its path and query may hold a secret.
fn redirect(response: &Response) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = Url::options().base_url(Some(response.url())).parse(location).ok()?;
    Some(target.host_str().unwrap_or_default().to_owned())
}

struct Failure {
    code: String,
    message: String,
    fields: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<WireFailure>),
    One(WireFailure),
}

#[derive(Deserialize)]
struct WireFailure {
    #[serde(alias = "errorCode", alias = "error")]
    code: String,
    #[serde(default, alias = "error_description")]
    message: String,
    fields: Option<Vec<String>>,
}

/// Bytes of a reply, unpacked. 200 rows are some tens of kilobytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Characters of a reply that an error shows.
const EXCERPT_LIMIT: usize = 300;
