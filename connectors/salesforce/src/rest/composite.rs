//! Several calls in one, which counts as one (REST API Developer Guide, *Composite*).

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Call;
use crate::{Error, Org, reply::Reply};

/// One of the calls in a call.
#[derive(Debug, Clone, Copy)]
pub struct Subrequest<'a> {
    /// What is done.
    pub verb: Verb,
    /// To what: below `/services/data/v…/`, percent-encoded, as in `sobjects/Account`. May refer to an earlier answer,
    /// as in `sobjects/Account/@{first.id}`.
    pub path: &'a str,
    /// Its name, by which later ones refer to it: letters, digits and `_`, once in a call.
    pub reference: &'a str,
    /// The JSON that goes along.
    pub body: Option<&'a RawValue>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names of HTTP's methods")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The answer to one of the calls in a call.
#[derive(Debug, Clone)]
pub struct Subreply {
    /// The name of the subrequest.
    pub reference: String,
    /// HTTP status.
    pub status: u16,
    /// Its JSON; `null` where there is none.
    pub body: Box<RawValue>,
    /// Why it failed, where it did.
    pub error: Option<Error>,
}

impl Org {
    /// Does up to 25 things in one call, in their order. With `all_or_none` the first that fails undoes the others.
    /// The answers are in the order of the requests; each has to be looked at. No request: no call.
    ///
    /// # Errors
    /// [`Error::TooMany`] before anything is sent; else nothing was applied unless [`Error::uncertain`] says so.
    pub async fn composite(&self, requests: &[Subrequest<'_>], all_or_none: bool) -> Result<Vec<Subreply>, Error> {
        if requests.len() > MOST_REQUESTS {
            return Err(Error::TooMany { what: "requests", count: requests.len(), limit: MOST_REQUESTS });
        }
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let url = |path| format!("/services/data/v{}/{path}", self.api_version);
        let each = requests.iter().map(|request| WireRequest {
            method: request.verb,
            url: url(request.path),
            reference_id: request.reference,
            body: request.body,
        });
        let body = WireRequests { all_or_none, composite_request: each.collect() };
        let body = serde_json::to_vec(&body).map_err(|_| Error::Record { index: 0, problem: "not JSON" })?;
        let reply = self.call(&Call::post("composite", body)).await?;
        let answers = reply.json::<WireReplies>()?.composite_response;
        if answers.len() != requests.len() {
            return Err(Error::RowCount { sent: requests.len(), received: answers.len() });
        }
        let answers = answers.into_iter().zip(requests);
        answers.map(|(answer, request)| subreply(&reply, answer, request)).collect()
    }
}

fn subreply(reply: &Reply, answer: WireReply, request: &Subrequest<'_>) -> Result<Subreply, Error> {
    let status = StatusCode::from_u16(answer.http_status_code).map_err(|_| reply.unexpected())?;
    if answer.reference_id != request.reference {
        return Err(reply.unexpected());
    }
    let body = answer.body.unwrap_or_else(|| RawValue::NULL.to_owned());
    let error = (!status.is_success()).then(|| reply.error_of(status, body.get().as_bytes()));
    Ok(Subreply { reference: answer.reference_id, status: status.as_u16(), body, error })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireRequests<'a> {
    all_or_none: bool,
    composite_request: Vec<WireRequest<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    method: Verb,
    url: String,
    reference_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReplies {
    composite_response: Vec<WireReply>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReply {
    body: Option<Box<RawValue>>,
    http_status_code: u16,
    reference_id: String,
}

/// Requests in one call.
const MOST_REQUESTS: usize = 25;

#[cfg(test)]
mod tests;
