//! The platform events that REST accepted, for comparison with what a writer believes to have sent.

use std::sync::Mutex;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::lock::lock;

/// Accepted events in order, as lines of JSON by object.
#[derive(Debug, Default)]
pub(crate) struct Accepted(Mutex<Vec<(String, String)>>);

impl Accepted {
    pub(super) fn record(&self, object: &str, uuid: Uuid, fields: &Map<String, Value>) {
        // Built by hand to have the uuid first.
        let line = format!(r#"{{"uuid":"{uuid}","fields":{}}}"#, Value::Object(fields.clone()));
        lock(&self.0).push((object.to_owned(), line));
    }

    /// Up to `count` places from `place` on: how many there were, and the lines of `object` among them.
    pub(crate) fn page(&self, object: Option<&str>, place: usize, count: usize) -> (usize, Vec<u8>) {
        let accepted = lock(&self.0);
        let mut out = Vec::new();
        let mut seen = 0;
        for (of, line) in accepted.iter().skip(place).take(count) {
            seen += 1;
            if object.is_none_or(|object| object == of) {
                out.extend_from_slice(line.as_bytes());
                out.push(b'\n');
            }
        }
        (seen, out)
    }
}
