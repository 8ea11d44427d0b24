//! The one way a call takes: its address, its token, what it costs, and what its failure means. A file below for each
//! kind of resource (REST API Developer Guide).

mod collections;
mod composite;
mod describe;
mod limits;
mod query;
mod records;
mod soap;
mod user;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, RequestBuilder,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use tokio::time::Instant;
use url::Url;

pub use self::{
    composite::{Subreply, Subrequest, Verb},
    describe::{Description, EventSchema, Field, ObjectSummary},
    limits::{Limit, Limits},
    query::Pages,
    records::Upserted,
    soap::UserSession,
    user::UserInfo,
};
use crate::{Error, Org, Token, login::endpoint, reply::Reply};

/// What is asked of Salesforce.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    /// Below `/services/data/v…/`; with a slash at its beginning: below the host. Percent-encoded.
    path: String,
    query: Vec<(&'static str, String)>,
    body: Body,
    /// Whether it is held back while the calls left are left to others.
    can_wait: bool,
}

#[derive(Clone)]
enum Body {
    Empty,
    Json(Bytes),
    /// An operation of the SOAP API without arguments.
    Soap(&'static str),
}

impl Call {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Body::Empty, can_wait: true }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn post(path: impl Into<String>, json: impl Into<Bytes>) -> Self {
        Self { body: Body::Json(json.into()), ..Self::new(Method::POST, path) }
    }

    fn patch(path: impl Into<String>, json: impl Into<Bytes>) -> Self {
        Self { body: Body::Json(json.into()), ..Self::new(Method::PATCH, path) }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Never held back.
    fn urgent(self) -> Self {
        Self { can_wait: false, ..self }
    }
}

impl Org {
    /// One call, with one repeat where a new token helps: it has expired, or the org has moved to another instance,
    /// which the next login names. Nothing else is repeated.
    async fn call(&self, call: &Call) -> Result<Reply, Error> {
        if call.can_wait {
            self.budget.admit(Instant::now())?;
        }
        let token = self.token().await?;
        match self.send(&token, call).await {
            Err(error) if self.is_cured_by_a_login(&error, &token) => {
                let token = self.replace(&token).await?;
                self.send(&token, call).await
            }
            other => other,
        }
    }

    fn is_cured_by_a_login(&self, error: &Error, token: &Token) -> bool {
        match error {
            Error::Unauthorized { .. } => !error.is_fatal(),
            // A token that cannot be had anew must not be lost to a maintenance page.
            Error::Redirected { host, .. } => self.renewable && token.instance_url.host_str() != Some(host),
            _ => false,
        }
    }

    async fn send(&self, token: &Token, call: &Call) -> Result<Reply, Error> {
        let request = match &call.body {
            Body::Empty => self.request(token, call)?,
            Body::Json(json) => {
                self.request(token, call)?.header(CONTENT_TYPE, "application/json; charset=UTF-8").body(json.clone())
            }
            Body::Soap(operation) => soap::request(self, token, operation),
        };
        let see = |headers: &_| self.budget.see(headers, Instant::now());
        let reply = Reply::seen(request, &see).await?.without(&[token.secret()]);
        match call.body {
            Body::Soap(_) => soap::judged(reply),
            _ if reply.status.is_success() => Ok(reply),
            _ => Err(reply.error()),
        }
    }

    fn request(&self, token: &Token, call: &Call) -> Result<RequestBuilder, Error> {
        let url = self.address(&token.instance_url, call)?;
        let request = self.http.request(call.method.clone(), url).header(ACCEPT, "application/json");
        Ok(request.header(AUTHORIZATION, token.authorization()))
    }

    fn address(&self, host: &Url, call: &Call) -> Result<Url, Error> {
        let root = endpoint(host, &format!("/services/data/v{}/", self.api_version));
        let mut url = root.join(&call.path).map_err(|_| Error::Configuration {
            problem: format!("`{}` is not the path of a call", call.path),
            remedy: "give names and ids as Salesforce has them",
        })?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }
}

/// The API name of an object, an event or a field, once it is known to be one.
fn api_name(name: &str) -> Result<&str, Error> {
    let is_sound = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_sound {
        return Ok(name);
    }
    Err(Error::Configuration {
        problem: format!("`{name}` is not the API name of an event, object or field"),
        remedy: "give the API name, as in Low_Ink__e or ns__Low_Ink__e",
    })
}

/// The id of a record, once it is known to be one; `index` is its place in the call.
fn record_id(id: &str, index: usize) -> Result<&str, Error> {
    if matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(id);
    }
    Err(Error::Record { index, problem: "its id has not 15 or 18 letters and digits" })
}

/// `value` as one segment of a path. All but what may stand anywhere is encoded: servers differ about `+` and `;`.
fn segment(value: &str) -> Result<String, Error> {
    match value {
        "" => Err(Error::Record { index: 0, problem: "its external id is empty" }),
        // Encoded or not, every client and proxy reads them as steps in the path.
        "." | ".." => Err(Error::Record { index: 0, problem: "its external id cannot stand in an address" }),
        _ => Ok(utf8_percent_encode(value, SEGMENT).to_string()),
    }
}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests;
