//! Change events: a header, and by operation all, the changed or no fields of the record.

use std::sync::Arc;

use super::padding::pad;
use super::{Made, Stamp, Wish, put, schema};
use crate::{channel, identifier};

/// Changes of one entity, whose ids run over a thousand records.
#[derive(Debug)]
pub(super) struct Change {
    schema: String,
    entity: String,
    change_type: String,
    has_fields: bool,
    changed: &'static str,
    records: Vec<Arc<[String]>>,
}

impl Change {
    pub(super) fn new(channel: &str, wish: Wish<'_>) -> Self {
        let entity = channel::entity(channel).unwrap_or_else(|| "Account".to_owned());
        let overflow = wish.change_type == "GAP_OVERFLOW";
        let each = wish.record_ids.clamp(1, RECORDS);
        let ids: Vec<String> =
            (0..RECORDS as u64).map(|number| identifier::numbered(identifier::prefix(&entity), number)).collect();
        let records = if overflow {
            vec![Arc::from([OVERFLOW.to_owned()])]
        } else {
            // As many groups as it takes for every record to have its turn.
            let group = |index: usize| ids.iter().cycle().skip(index * each % RECORDS).take(each).cloned().collect();
            (0..RECORDS).map(group).collect()
        };
        Self {
            schema: schema(&format!("{entity}ChangeEvent")),
            entity,
            change_type: wish.change_type.to_owned(),
            // Gap events and deletions say that something happened, not what.
            has_fields: matches!(wish.change_type, "CREATE" | "UPDATE" | "UNDELETE"),
            changed: if wish.change_type == "UPDATE" { r#""Seq__c","Description","LastModifiedDate""# } else { "" },
            records,
        }
    }

    pub(super) fn render(&self, out: &mut Vec<u8>, number: u64, replay_id: i64, stamp: &Stamp, length: usize) -> Made {
        let group = (number.wrapping_sub(1) % self.records.len().max(1) as u64) as usize;
        let records = self.records.get(group);
        put(
            out,
            format_args!(
                r#"{{"schema":"{}","payload":{{"ChangeEventHeader":{{"entityName":"{}","recordIds":["#,
                self.schema, self.entity
            ),
        );
        for (index, id) in records.iter().flat_map(|ids| ids.iter()).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            put(out, format_args!(r#"{comma}"{id}""#));
        }
        put(
            out,
            format_args!(
                r#"],"changeType":"{}","changeOrigin":"","transactionKey":"{:08x}-a642-11e2-c29b-229c6786473e","sequenceNumber":1,"commitTimestamp":{},"commitNumber":{},"commitUser":"{}","changedFields":[{}]}}"#,
                self.change_type,
                number & 0xffff_ffff,
                stamp.millis,
                65_824_908_432 + replay_id,
                identifier::USER,
                self.changed
            ),
        );
        if self.has_fields {
            put(out, format_args!(r#","Seq__c":{number},"Description":""#));
            pad(out, number, length);
            put(out, format_args!(r#"","LastModifiedDate":"{}""#, stamp.text));
        }
        put(out, format_args!(r#"}},"event":{{"replayId":{replay_id}}}}}"#));
        (None, records.cloned())
    }
}

const RECORDS: usize = 1000;
/// What Salesforce puts in place of the ids that were too many.
const OVERFLOW: &str = "000000000000000AAA";
