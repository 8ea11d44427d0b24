//! PushTopic notifications: the fields of the topic's query.

use std::sync::Arc;

use super::padding::pad;
use super::{Made, Stamp, put};
use crate::identifier;

/// The fields that every topic here selects; a filter may name no other.
pub(crate) const FIELDS: [&str; 5] = ["Id", "Name", "Seq__c", "Status__c", "Description__c"];

/// Updates of a thousand records.
#[derive(Debug)]
pub(super) struct PushTopic {
    records: Vec<Arc<[String]>>,
}

impl PushTopic {
    pub(super) fn new() -> Self {
        Self { records: (0..1000).map(|number| Arc::from([identifier::numbered("a00", number)])).collect() }
    }

    pub(super) fn render(&self, out: &mut Vec<u8>, number: u64, replay_id: i64, stamp: &Stamp, length: usize) -> Made {
        let records = self.records.get((number.wrapping_sub(1) % 1000) as usize);
        let id = records.and_then(|ids| ids.first()).map_or("", String::as_str);
        let status = if number.is_multiple_of(2) { "Paid" } else { "Open" };
        put(
            out,
            format_args!(
                r#"{{"event":{{"createdDate":"{}","replayId":{replay_id},"type":"updated"}},"sobject":{{"Id":"{id}","Name":"INV-{number:06}","Seq__c":{number},"Status__c":"{status}","Description__c":""#,
                stamp.text
            ),
        );
        pad(out, number, length);
        out.extend_from_slice(br#""}}"#);
        (None, records.cloned())
    }
}
