//! Custom channels: what happens on their members happens on them, too, with ids of their own. After "Change Data Capture
//! Developer Guide", composing streams, enrichment, and filters.

use serde_json::{Map, Value};

use crate::soql::Condition;

/// A custom channel with its members.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) channel: String,
    /// The channels of its members.
    pub(crate) members: Vec<String>,
    /// Fields that updates and deletions of change events carry whether or not they changed.
    pub(crate) enriched: Vec<String>,
    /// All of them hold for what passes.
    pub(crate) filter: Vec<Condition>,
    /// The filter as it was written.
    pub(crate) expression: Option<String>,
}

impl Custom {
    /// The events that a member's `data` makes on the channel: none where it is filtered out; where merged changes are
    /// enriched one for each record, which share a replay id.
    pub(super) fn events(&self, data: &[u8], replay_id: i64) -> Vec<Vec<u8>> {
        let Ok(mut data) = serde_json::from_slice::<Value>(data) else { return Vec::new() };
        if let Some(event) = data.get_mut("event").and_then(Value::as_object_mut) {
            event.insert("replayId".to_owned(), replay_id.into());
        }
        let Some(payload) = data.get_mut("payload").and_then(Value::as_object_mut) else { return Vec::new() };
        if !self.filter.iter().all(|condition| holds(condition, payload)) {
            return Vec::new();
        }
        let enriched = self.enriched(payload);
        if enriched.is_empty() {
            return vec![data.to_string().into_bytes()];
        }
        let with = |payload| {
            let mut whole = data.clone();
            if let Some(fields) = whole.as_object_mut() {
                fields.insert("payload".to_owned(), Value::Object(payload));
            }
            whole.to_string().into_bytes()
        };
        enriched.into_iter().map(with).collect()
    }

    fn enriched(&self, payload: &Map<String, Value>) -> Vec<Map<String, Value>> {
        let header = payload.get("ChangeEventHeader");
        let change = header.and_then(|header| header.get("changeType")).and_then(Value::as_str);
        if self.enriched.is_empty() || !matches!(change, Some("UPDATE" | "DELETE")) {
            return Vec::new();
        }
        let records = header.and_then(|header| header.get("recordIds")).and_then(Value::as_array);
        let of_record = |record: &Value| {
            let mut payload = payload.clone();
            if let Some(header) = payload.get_mut("ChangeEventHeader").and_then(Value::as_object_mut) {
                header.insert("recordIds".to_owned(), vec![record.clone()].into());
            }
            for field in &self.enriched {
                let value = format!("{field} of {}", record.as_str().unwrap_or_default());
                payload.entry(field.clone()).or_insert_with(|| value.into());
            }
            payload
        };
        records.into_iter().flatten().map(of_record).collect()
    }
}

fn holds(condition: &Condition, payload: &Map<String, Value>) -> bool {
    let value = payload.get(&condition.field).unwrap_or(&Value::Null);
    condition.any_of.iter().any(|other| match (value, other) {
        (Value::Number(value), Value::Number(other)) => value.as_f64() == other.as_f64(),
        _ => value == other,
    })
}
