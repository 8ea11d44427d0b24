//! One HTTP exchange: a bounded reply, and what kind of failure it is.
//!
//! REST API Developer Guide, *Status Codes and Error Responses*.

mod failure;

use std::{
    borrow::Cow,
    cmp::Reverse,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION},
};
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

pub(crate) use self::failure::Failure;
use crate::{Error, ProxyProblem, Secret, retry_after};

/// A reply that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// What was asked.
    pub(crate) url: Url,
    /// When it was made, by the server's clock.
    pub(crate) date: Option<SystemTime>,
    content_type: String,
    retry_after: Option<Duration>,
    request_id: Option<String>,
    body: Vec<u8>,
    /// Never to be shown, should the reply echo them.
    secrets: Vec<Secret>,
    /// Whether the body may hold secrets that are not known.
    is_unshown: bool,
}

impl Reply {
    /// Sends `request` and reads what comes back.
    pub(crate) async fn of(request: RequestBuilder) -> Result<Self, Error> {
        Self::seen(request, &|_| {}).await
    }

    /// As [`Reply::of`]; `see` is shown the head of every answer, whatever becomes of the rest.
    pub(crate) async fn seen(request: RequestBuilder, see: &(dyn Fn(&HeaderMap) + Sync)) -> Result<Self, Error> {
        let mut response = request.send().await.map_err(lost)?;
        see(response.headers());
        let status = response.status();
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let host = response.url().host_str().unwrap_or_default().to_owned();
            return Err(Error::Proxy { host, problem: ProxyProblem::Credentials, source: None });
        }
        if let Some(host) = redirect(&response) {
            return Err(Error::Redirected { status: status.as_u16(), host });
        }
        let text = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let content_type = text(CONTENT_TYPE.as_str()).unwrap_or_default();
        let request_id = text("x-sfdc-request-id").or_else(|| text("x-request-id"));
        let date = text(DATE.as_str()).and_then(|text| httpdate::parse_http_date(&text).ok());
        let url = response.url().clone();
        let retry_after = retry_after::of(response.headers(), SystemTime::now());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Error::TooLarge { limit: BODY_LIMIT });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            status,
            url,
            date,
            content_type,
            retry_after,
            request_id,
            body,
            secrets: Vec::new(),
            is_unshown: false,
        })
    }

    /// Names what must not be shown of this reply.
    pub(crate) fn without(mut self, secrets: &[&Secret]) -> Self {
        self.secrets = secrets.iter().map(|secret| (*secret).clone()).collect();
        // One may be a part of another, of which the rest would be left.
        self.secrets.sort_by_key(|secret| Reverse(secret.expose().len()));
        self
    }

    /// Shows no part of it that is not understood: it may hold a token, whatever its status is.
    pub(crate) fn unshown(mut self) -> Self {
        self.is_unshown = true;
        self
    }

    /// The body as what it should be.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| self.unexpected())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The error for a reply that is not the API's.
    pub(crate) fn unexpected(&self) -> Error {
        // A reply that succeeded may hold a token that is not known yet, and records.
        let excerpt = if self.status.is_success() { String::new() } else { self.excerpt(&self.text()) };
        Error::Unexpected {
            status: self.status.as_u16(),
            content_type: self.content_type.clone(),
            excerpt,
            retry_after: self.retry_after,
            request_id: self.request_id(),
        }
    }

    /// What may be shown of a text that is not understood.
    fn excerpt(&self, text: &str) -> String {
        if self.is_unshown { String::new() } else { self.scrubbed(text) }
    }

    /// `text` in one line, not too long, and without the secrets that were sent.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in self.secrets.iter().map(Secret::expose) {
            for shape in shapes(secret) {
                if !shape.is_empty() && text.contains(&*shape) {
                    text = Cow::Owned(text.replace(&*shape, "…"));
                }
            }
        }
        in_one_line(&text)
    }

    fn request_id(&self) -> Option<Box<str>> {
        self.request_id.as_ref().map(|id| self.scrubbed(id)).filter(|id| !id.is_empty()).map(Into::into)
    }
}

/// `text` in one line, and not too long.
pub(crate) fn in_one_line(text: &str) -> String {
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

/// A secret as it is, and as a form, JSON and XML have it.
fn shapes(secret: &str) -> [Cow<'_, str>; 4] {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    [
        secret.into(),
        String::from_iter(form_urlencoded::byte_serialize(secret.as_bytes())).into(),
        json.into(),
        quick_xml::escape::escape(secret),
    ]
}

fn lost(error: reqwest::Error) -> Error {
    let host = error.url().and_then(Url::host_str).unwrap_or_default().to_owned();
    Error::of_network(&host, Arc::new(error.without_url()))
}

/// The host a redirect points to; its path and query may hold a secret.
fn redirect(response: &Response) -> Option<String> {
    // 300 is an answer: several records match.
    if !response.status().is_redirection() || response.status() == StatusCode::MULTIPLE_CHOICES {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = Url::options().base_url(Some(response.url())).parse(location).ok()?;
    Some(target.host_str().unwrap_or_default().to_owned())
}

/// Bytes of a reply, unpacked. 200 rows are some tens of kilobytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Characters of a reply that an error shows.
const EXCERPT_LIMIT: usize = 300;

#[cfg(test)]
mod tests;
