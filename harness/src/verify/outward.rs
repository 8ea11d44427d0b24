//! From Salesforce to Kafka: the ledger against the topic.

use super::Verdict;
use crate::Made;
use std::collections::HashMap;

/// What records a made event becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// One for each record that it is about, with the record's id as key; where it is about none, one without a key.
    ByRecord,
    /// One, with whatever key.
    Anyhow,
}

/// A record that Kafka has.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// Its partition.
    pub partition: i32,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its header `sf.replay_id` or `bayeux.replay_id`.
    pub replay_id: Option<&'a str>,
    /// Its value.
    pub value: &'a [u8],
}

/// The comparison: first everything made, in order, then everything that arrived, in the order of each partition. It
/// takes some 40 bytes an event.
#[derive(Debug)]
pub struct Outward {
    keyed: Keyed,
    /// By replay id: which one it was.
    numbers: HashMap<i64, u32>,
    rows: Vec<Row>,
    /// A record's key, and how often it is there; the records of one event are neighbours.
    slots: Vec<Slot>,
    keys: HashMap<Box<[u8]>, u32>,
    /// By partition: the newest event that is there.
    newest: HashMap<i32, u32>,
    verdict: Verdict,
}

#[derive(Debug)]
struct Row {
    crc32: u32,
    first_slot: u32,
}

#[derive(Debug)]
struct Slot {
    key: u32,
    seen: u16,
}

impl Outward {
    /// Nothing made, nothing arrived.
    #[must_use]
    pub fn new(keyed: Keyed) -> Self {
        Self {
            keyed,
            numbers: HashMap::new(),
            rows: Vec::new(),
            slots: Vec::new(),
            keys: HashMap::new(),
            newest: HashMap::new(),
            verdict: Verdict::default(),
        }
    }

    /// An event of the ledger.
    pub fn made(&mut self, made: &Made) {
        let (number, first_slot) = (index(self.rows.len()), index(self.slots.len()));
        self.numbers.insert(made.replay_id, number);
        self.rows.push(Row { crc32: made.crc32, first_slot });
        match self.keyed {
            Keyed::ByRecord if !made.record_ids.is_empty() => {
                for id in &made.record_ids {
                    let next = index(self.keys.len());
                    let key = match self.keys.get(id.as_bytes()) {
                        Some(known) => *known,
                        None => *self.keys.entry(id.as_bytes().into()).or_insert(next),
                    };
                    self.slots.push(Slot { key, seen: 0 });
                }
            }
            Keyed::ByRecord | Keyed::Anyhow => self.slots.push(Slot { key: NO_KEY, seen: 0 }),
        }
    }

    /// A record of the topic.
    pub fn arrived(&mut self, record: &Arrived<'_>) {
        self.verdict.arrived += 1;
        let number = record.replay_id.and_then(|id| id.parse().ok()).and_then(|id| self.numbers.get(&id).copied());
        let Some((number, slot)) = number.and_then(|number| Some((number, self.slot(number, record.key)?))) else {
            self.verdict.unknown += 1;
            return;
        };
        if self.rows.get(number as usize).is_none_or(|row| row.crc32 != crc32fast::hash(record.value)) {
            self.verdict.altered += 1;
        }
        let Some(slot) = self.slots.get_mut(slot) else { return };
        slot.seen = slot.seen.saturating_add(1);
        if slot.seen > 1 {
            self.verdict.doubled += 1;
            return;
        }
        let newest = self.newest.entry(record.partition).or_insert(number);
        if number < *newest {
            self.verdict.out_of_order += 1;
        }
        *newest = number.max(*newest);
    }

    /// What became of everything.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let lost = self.slots.iter().filter(|slot| slot.seen == 0).count() as u64;
        Verdict { made: self.slots.len() as u64, lost, ..self.verdict }
    }

    fn slot(&self, number: u32, key: Option<&[u8]>) -> Option<usize> {
        let begin = self.rows.get(number as usize)?.first_slot as usize;
        let end = self.rows.get(number as usize + 1).map_or(self.slots.len(), |next| next.first_slot as usize);
        let mut slots = self.slots.get(begin..end)?.iter();
        let key = match (self.keyed, key) {
            (Keyed::Anyhow, _) | (Keyed::ByRecord, None) => NO_KEY,
            (Keyed::ByRecord, Some(key)) => *self.keys.get(key)?,
        };
        slots.position(|slot| slot.key == key).map(|place| begin + place)
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

const NO_KEY: u32 = u32::MAX;
