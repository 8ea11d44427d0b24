//! Makes events: replay ids, uuids, and the rendered bytes, many events to one buffer.

use std::collections::HashMap;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Event, Row, Stream};
use crate::channel::Kind;
use crate::event::{Stamp, Template};

/// The source of ids. Replay ids rise by 1 to 9, so that nobody takes them for dense.
#[derive(Debug)]
pub(super) struct Press {
    random: StdRng,
    last_ids: HashMap<String, i64>,
}

impl Press {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let random = StdRng::seed_from_u64(seed.unwrap_or_else(|| rand::rng().random()));
        Self { random, last_ids: HashMap::new() }
    }

    /// Makes `count` events that share one buffer.
    pub(super) fn print(&mut self, stream: &Stream, template: &Template, count: u64) -> (Vec<Event>, Vec<Row>) {
        // Change events share one sequence: an event has the same id, and so the same bytes, on both its channels.
        let family = if stream.kind == Kind::Change { "/data" } else { &stream.channel };
        let random = &mut self.random;
        if !self.last_ids.contains_key(family) {
            self.last_ids.insert(family.to_owned(), FIRST + random.random_range(0..FIRST / 10));
        }
        let mut last = self.last_ids.get(family).copied().unwrap_or(FIRST);
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
        self.last_ids.insert(family.to_owned(), last);
        let buffer = Bytes::from(buffer);
        ends.into_iter()
            .map(|(begin, end, row)| (Event { replay_id: row.replay_id, data: buffer.slice(begin..end) }, row))
            .unzip()
    }
}

const FIRST: i64 = 1_000_000;
