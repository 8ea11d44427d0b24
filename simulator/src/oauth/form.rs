//! The parameters of a call.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};

use super::refusal::{self, Refusal};

/// Parameters, of which empty ones count as absent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The parameters of a body. What is not a form has none.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self(Vec::new());
        }
        Self::parse(&to_bytes(body, BYTES).await.unwrap_or_default())
    }

    /// The parameters of a query or of a form.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.find(name).ok_or(refusal::NO_PARAMETER)
    }
}

const BYTES: usize = 64 << 10;
