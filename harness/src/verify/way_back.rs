//! From Kafka to Salesforce: what was produced against what REST accepted. Each record carries its number in `Seq__c`.

use super::Verdict;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The comparison: first everything sent, in order, then everything accepted, in order.
#[derive(Debug, Default)]
pub struct WayBack {
    numbers: HashMap<i64, usize>,
    records: Vec<Record>,
    /// By key: the newest record that was accepted.
    newest: HashMap<u64, usize>,
    keys: HashMap<Vec<u8>, u64>,
    verdict: Verdict,
}

#[derive(Debug)]
struct Record {
    key: u64,
    crc32: u32,
    seen: u64,
}

impl WayBack {
    /// A record that was given to Kafka. One without a number in `Seq__c` can only be lost.
    pub fn sent(&mut self, key: &[u8], fields: &Map<String, Value>) {
        let next = self.keys.len() as u64;
        let key = *self.keys.entry(key.to_vec()).or_insert(next);
        if let Some(number) = number(fields) {
            self.numbers.insert(number, self.records.len());
        }
        self.records.push(Record { key, crc32: crc32(fields), seen: 0 });
    }

    /// What REST accepted.
    pub fn accepted(&mut self, fields: &Map<String, Value>) {
        self.verdict.arrived += 1;
        let known = number(fields).and_then(|number| self.numbers.get(&number).copied());
        let Some((place, record)) = known.and_then(|place| Some((place, self.records.get_mut(place)?))) else {
            self.verdict.unknown += 1;
            return;
        };
        if record.crc32 != crc32(fields) {
            self.verdict.altered += 1;
        }
        record.seen += 1;
        if record.seen > 1 {
            self.verdict.doubled += 1;
            return;
        }
        let newest = self.newest.entry(record.key).or_insert(place);
        if place < *newest {
            self.verdict.out_of_order += 1;
        }
        *newest = place.max(*newest);
    }

    /// How many were sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What became of everything.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let lost = self.records.iter().filter(|record| record.seen == 0).count() as u64;
        Verdict { made: self.records.len() as u64, lost, ..self.verdict }
    }
}

fn number(fields: &Map<String, Value>) -> Option<i64> {
    fields.get("Seq__c").and_then(Value::as_i64)
}

fn crc32(fields: &Map<String, Value>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    for (name, value) in fields {
        hasher.update(format!("{name:?}:{value}").as_bytes());
    }
    hasher.finalize()
}
