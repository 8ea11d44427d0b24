//! What was made, for comparison with what arrived. It outlives retention.

use std::io::Write;
use std::sync::Arc;

use uuid::Uuid;

/// One made event.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) replay_id: i64,
    pub(crate) uuid: Option<Uuid>,
    pub(crate) records: Option<Arc<[String]>>,
    pub(crate) crc32: u32,
    pub(crate) bytes: u32,
}

impl Row {
    /// Appends the row as a line of JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        // Writing into a vector cannot fail.
        let _ = write!(out, r#"{{"replay_id":{},"uuid":"#, self.replay_id);
        let _ = match self.uuid {
            Some(uuid) => write!(out, r#""{uuid}""#),
            None => write!(out, "null"),
        };
        out.extend_from_slice(br#","record_ids":["#);
        for (index, id) in self.records.iter().flat_map(|ids| ids.iter()).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(out, r#"{comma}"{id}""#);
        }
        let _ = writeln!(out, r#"],"crc32":{},"bytes":{}}}"#, self.crc32, self.bytes);
    }
}
