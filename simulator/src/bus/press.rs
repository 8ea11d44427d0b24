//! Makes events: replay ids, uuids, and the rendered bytes, many events to one buffer.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Custom, Event, Row, Stream};
use crate::channel::{self, Kind};
use crate::event::{Stamp, Template};

/// The source of ids. Replay ids rise by 1 to 9, so that nobody takes them for dense.
#[derive(Debug)]
pub(super) struct Press {
    random: StdRng,
    last_ids: HashMap<String, i64>,
    /// Where the ids of streams began that were restarted.
    firsts: HashMap<String, i64>,
}

impl Press {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let random = StdRng::seed_from_u64(seed.unwrap_or_else(|| rand::rng().random()));
        Self { random, last_ids: HashMap::new(), firsts: HashMap::new() }
    }

    /// Makes `count` events that share one buffer.
    pub(super) fn print(&mut self, stream: &Stream, template: &Template, count: u64) -> (Vec<Event>, Vec<Row>) {
        let mut last = self.last(stream);
        let random = &mut self.random;
        let stamp = Stamp::now();
        let made = stream.made();
        let mut buffer = Vec::new();
        let mut ends = Vec::new();
        for number in made + 1..=made + count {
            last += random.random_range(1..=9);
            let begin = buffer.len();
            let (uuid, records) = template.render(&mut buffer, number, last, &stamp, random);
            let data = buffer.get(begin..).unwrap_or_default();
            let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
            ends.push((
                begin,
                buffer.len(),
                Row { replay_id: last, uuid, records, crc32: crc32fast::hash(data), bytes },
            ));
        }
        self.last_ids.insert(family(stream).to_owned(), last);
        let buffer = Bytes::from(buffer);
        ends.into_iter()
            .map(|(begin, end, row)| (Event { replay_id: row.replay_id, data: buffer.slice(begin..end) }, row))
            .unzip()
    }

    /// Makes what a custom channel's member has of events: with ids of the channel's own.
    pub(super) fn reprint(
        &mut self,
        stream: &Stream,
        custom: &Custom,
        events: &[Event],
        rows: &[Row],
    ) -> (Vec<Event>, Vec<Row>) {
        let mut last = self.last(stream);
        let mut made = (Vec::new(), Vec::new());
        for (event, row) in events.iter().zip(rows) {
            let next = last + self.random.random_range(1..=9);
            let datas = custom.events(&event.data, next);
            let alone = |index: usize| {
                let id = row.records.as_ref().and_then(|ids| ids.get(index)).cloned();
                id.map(|id| Arc::from([id]))
            };
            let is_split = datas.len() > 1;
            for (index, data) in datas.into_iter().enumerate() {
                last = next;
                let records = if is_split { alone(index) } else { row.records.clone() };
                let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
                let crc32 = crc32fast::hash(&data);
                made.0.push(Event { replay_id: next, data: Bytes::from(data) });
                made.1.push(Row { replay_id: next, uuid: row.uuid, records, crc32, bytes });
            }
        }
        self.last_ids.insert(family(stream).to_owned(), last);
        made
    }

    /// Lets a stream's ids begin far below where they began before.
    pub(super) fn restart(&mut self, stream: &Stream) {
        let family = family(stream);
        let first = self.firsts.get(family).copied().unwrap_or(FIRST) / 10;
        self.firsts.insert(family.to_owned(), first);
        self.last_ids.insert(family.to_owned(), first);
    }

    /// New ids, in order, for the old ones of a stream.
    pub(super) fn renumbered(&mut self, stream: &Stream, ids: impl IntoIterator<Item = i64>) -> HashMap<i64, i64> {
        let mut last = self.last(stream);
        let next = |id| {
            last += self.random.random_range(1..=9);
            (id, last)
        };
        let new = ids.into_iter().map(next).collect();
        self.last_ids.insert(family(stream).to_owned(), last);
        new
    }

    /// The last id of a stream.
    fn last(&mut self, stream: &Stream) -> i64 {
        let Self { random, last_ids, .. } = self;
        let last = last_ids.entry(family(stream).to_owned());
        *last.or_insert_with(|| FIRST + random.random_range(0..FIRST / 10))
    }
}

/// Whose ids a stream has. Change events share one sequence: an event has the same id, and so the same bytes, on both its
/// channels. A custom channel has its own.
pub(super) fn family(stream: &Stream) -> &str {
    let is_shared = stream.kind == Kind::Change && !channel::is_custom(&stream.channel);
    if is_shared { "/data" } else { &stream.channel }
}

const FIRST: i64 = 1_000_000;
