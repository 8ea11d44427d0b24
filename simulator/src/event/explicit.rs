//! Events whose `data` object the caller gave: everything but the replay id.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Made, put};

/// The given object, cut where the replay id goes.
#[derive(Debug)]
pub(super) struct Explicit {
    before: Vec<u8>,
    uuid: Option<Uuid>,
    records: Option<Arc<[String]>>,
}

impl Explicit {
    pub(super) fn new(mut data: Map<String, Value>) -> Self {
        let event = data.remove("event");
        let mut event = event.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        event.remove("replayId");
        let uuid = event.get("EventUuid").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let ids = data.get("payload").and_then(|payload| payload.pointer("/ChangeEventHeader/recordIds"));
        let records = ids
            .and_then(Value::as_array)
            .map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Arc<[String]>>());
        let mut before = vec![b'{'];
        for (name, value) in &data {
            put(&mut before, format_args!("{}:{value},", Value::from(name.as_str())));
        }
        before.extend_from_slice(br#""event":{"#);
        for (name, value) in &event {
            put(&mut before, format_args!("{}:{value},", Value::from(name.as_str())));
        }
        before.extend_from_slice(br#""replayId":"#);
        Self { before, uuid, records }
    }

    pub(super) fn size(&self) -> usize {
        self.before.len() + 12
    }

    pub(super) fn render(&self, out: &mut Vec<u8>, replay_id: i64) -> Made {
        out.extend_from_slice(&self.before);
        put(out, format_args!("{replay_id}}}}}"));
        (self.uuid, self.records.clone())
    }
}
