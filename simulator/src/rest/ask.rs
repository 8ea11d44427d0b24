//! What a resource is asked, taken apart: of an HTTP request, or of a part of a composite one.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::error;

/// One call of one resource.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// `v64.0`, as the caller wrote it.
    pub(super) version: String,
    /// The path after the version, decoded.
    pub(super) segments: Vec<String>,
    pub(super) query: HashMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Ask {
    /// A call of a URL's path and query; none where it is not one of the REST API.
    pub(super) fn new(method: Method, url: &str, headers: HeaderMap) -> Option<Self> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut segments = path.strip_prefix("/services/data/")?.split('/').filter(|segment| !segment.is_empty());
        let version = segments.next().unwrap_or_default().to_owned();
        let segments = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Some(Self { method, version, segments, query, headers, body: Bytes::new() })
    }

    pub(super) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A part of the path. Which parts there are is known from the route.
    pub(super) fn segment(&self, index: usize) -> &str {
        self.segments.get(index).map_or("", String::as_str)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Answer> {
        serde_json::from_slice(&self.body).map_err(|why| error::unreadable(&why.to_string()))
    }

    /// The body as a record, without what only describes it.
    pub(super) fn record(&self) -> Result<Map<String, Value>, Answer> {
        let mut record: Map<String, Value> = self.read()?;
        record.remove("attributes");
        Ok(record)
    }

    /// The URL of a record in the caller's version.
    pub(super) fn url_of(&self, object: &str, id: &str) -> String {
        format!("/services/data/{}/sobjects/{object}/{id}", self.version)
    }
}
