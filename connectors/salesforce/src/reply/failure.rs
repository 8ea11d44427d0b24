//! What a failed reply means.

use reqwest::StatusCode;
use serde_json::Value;

use super::Reply;
use crate::{Error, Scope, error::codes, failure_reason};

impl Reply {
    /// What a reply of the REST API with a failed status means.
    pub(crate) fn error(&self) -> Error {
        self.error_of(self.status, &self.body)
    }

    /// What `body` with `status` means, which is this reply's, or that of one of the answers in it.
    pub(crate) fn error_of(&self, status: StatusCode, body: &[u8]) -> Error {
        let value = serde_json::from_slice(body).unwrap_or(Value::Null);
        if status == StatusCode::MULTIPLE_CHOICES
            && let Some(urls) = urls(&value)
        {
            return Error::SeveralMatch { urls: urls.map(|url| self.scrubbed(url)).collect() };
        }
        match Failure::of(&value) {
            Some(failure) => self.classified(status, failure),
            None => self.without_code(status, body),
        }
    }

    /// What a failure with a code means.
    pub(crate) fn classified(&self, status: StatusCode, failure: Failure) -> Error {
        let code = self.scrubbed(&failure.code);
        let message = self.scrubbed(&failure.message);
        let request_id = self.request_id();
        let at_the_door = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let busy = failure.is_busy || codes::is_busy(&failure.code) || codes::is_busy(&failure.message);
        if failure.code == "SERVER_UNAVAILABLE" || at_the_door && busy {
            return self.server(status, code, message);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Error::Unauthorized { code, message, request_id };
        }
        let status_code = status.as_u16();
        if status == StatusCode::TOO_MANY_REQUESTS || codes::is_limit(&code) {
            let scope = codes::scope(&code, &message);
            let retry_after = self.retry_after;
            return Error::Throttled { status: status_code, code, message, scope, retry_after, request_id };
        }
        match status_code {
            500.. => self.server(status, code, message),
            404 => Error::NotFound { code, message, request_id },
            _ => {
                let fields = failure.fields.iter().map(|field| self.scrubbed(field)).collect();
                Error::Rejected { status: status_code, code, message, fields, request_id }
            }
        }
    }

    /// The error of a server that cannot do it now.
    pub(crate) fn server(&self, status: StatusCode, code: String, message: String) -> Error {
        let (retry_after, request_id) = (self.retry_after, self.request_id());
        Error::Server { status: status.as_u16(), code, message, retry_after, request_id }
    }

    fn without_code(&self, status: StatusCode, body: &[u8]) -> Error {
        let text = String::from_utf8_lossy(body);
        let code = status.as_u16().to_string();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if codes::is_busy(&text) => {
                self.server(status, code, self.excerpt(&text))
            }
            StatusCode::UNAUTHORIZED => {
                Error::Unauthorized { code, message: String::new(), request_id: self.request_id() }
            }
            // A dead token is answered with this word by the endpoint that tells whose it is.
            StatusCode::FORBIDDEN if text.trim() == BAD_TOKEN => {
                let message = "the token is not valid".into();
                Error::Unauthorized { code: BAD_TOKEN.into(), message, request_id: self.request_id() }
            }
            StatusCode::TOO_MANY_REQUESTS => Error::Throttled {
                status: status.as_u16(),
                code,
                message: self.excerpt(&text),
                scope: Scope::Other,
                retry_after: self.retry_after,
                request_id: self.request_id(),
            },
            _ => self.unexpected(),
        }
    }
}

/// Salesforce's words for a failure, as they came.
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
    /// Whether the reason beside the code is that the server is too busy.
    pub(crate) is_busy: bool,
}

impl Failure {
    /// The first of the errors in a body. REST answers an array, whose entries have `errorCode`, or `statusCode` in
    /// rows; the edge and OAuth one object.
    fn of(body: &Value) -> Option<Self> {
        let first = match body {
            Value::Array(list) => list.first()?,
            one => one,
        };
        let text = |names: &[&str]| names.iter().find_map(|name| first.get(name)?.as_str()).map(str::to_owned);
        let fields = first.get("fields").and_then(Value::as_array).into_iter().flatten();
        let reason = first.get("ext").and_then(failure_reason::of_value);
        Some(Self {
            code: text(&["errorCode", "statusCode", "code", "error"])?,
            message: text(&["message", "error_description"]).unwrap_or_default(),
            fields: fields.filter_map(Value::as_str).map(str::to_owned).collect(),
            is_busy: reason.is_some_and(codes::is_busy),
        })
    }
}

/// The records that an external id was found in.
fn urls(body: &Value) -> Option<impl Iterator<Item = &str>> {
    Some(body.as_array()?.iter().filter_map(Value::as_str))
}

const BAD_TOKEN: &str = "Bad_OAuth_Token";
