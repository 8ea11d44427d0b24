//! One channel's ordered events, which of them can still be replayed, and who waits for more.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Event, Row};
use crate::channel::{self, Kind};
use crate::lock::lock;

/// A channel's stream. Places in it are counted from its first event; replay ids are looked up, never computed with.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) channel: String,
    pub(crate) kind: Kind,
    pub(crate) delivered: AtomicU64,
    pub(crate) lost: AtomicU64,
    retention: Duration,
    log: Mutex<Log>,
}

/// The stream does not have the replay id any more, or never had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

#[derive(Debug, Default)]
struct Log {
    /// The place of the first event in `events`.
    first: u64,
    events: VecDeque<(Instant, Event)>,
    /// The place from which on events are retained; earlier ones are kept only while a live session has yet to get them.
    retained: u64,
    /// Ids of places before this one are refused.
    refused: u64,
    ledger: Vec<Row>,
    waiting: Vec<(u64, Arc<Notify>)>,
}

impl Stream {
    pub(super) fn new(channel: &str, kind: Kind, retention: Duration) -> Self {
        Self {
            channel: channel.to_owned(),
            kind,
            delivered: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            retention,
            log: Mutex::default(),
        }
    }

    /// How many events were ever made.
    pub(crate) fn made(&self) -> u64 {
        lock(&self.log).ledger.len() as u64
    }

    /// Puts events at the end and wakes every subscriber.
    pub(super) fn append(&self, events: &[Event], rows: &[Row]) {
        let mut log = lock(&self.log);
        let now = Instant::now();
        log.events.extend(events.iter().map(|event| (now, event.clone())));
        log.ledger.extend_from_slice(rows);
        for (_, notify) in &log.waiting {
            notify.notify_waiters();
        }
    }

    /// The place to read from after the last event: replay id -1.
    pub(crate) fn tip(&self) -> u64 {
        lock(&self.log).end()
    }

    /// The place of the first retained event: replay id -2.
    pub(crate) fn earliest(&self) -> u64 {
        let mut log = lock(&self.log);
        log.age(self.retention);
        log.retained
    }

    /// The place after a replay id. An id is good while it is retained, or the last one before: nothing was missed then.
    pub(crate) fn after(&self, replay_id: i64) -> Result<u64, Refused> {
        let mut log = lock(&self.log);
        log.age(self.retention);
        // Several events may share an id, and it is after the last of them.
        let offset = log.events.partition_point(|(_, event)| event.replay_id <= replay_id);
        let last = offset
            .checked_sub(1)
            .filter(|last| log.events.get(*last).is_some_and(|(_, event)| event.replay_id == replay_id));
        let place = log.first + last.ok_or(Refused)? as u64;
        if place < log.refused { Err(Refused) } else { Ok(place + 1) }
    }

    /// Whether the stream ever had a replay id.
    pub(crate) fn had(&self, replay_id: i64) -> bool {
        lock(&self.log).ledger.iter().any(|row| row.replay_id == replay_id)
    }

    /// All but the newest `keep` events age out, and the ids of what aged out are refused. Says how many those are.
    pub(crate) fn expire(&self, keep: u64) -> u64 {
        let mut log = lock(&self.log);
        log.retained = log.retained.max(log.end().saturating_sub(keep));
        log.refused = log.refused.max(log.retained);
        log.retained
    }

    /// Whether its deliveries count against the org's allocation.
    pub(crate) fn is_metered(&self) -> bool {
        matches!(self.kind, Kind::Change | Kind::Platform) && !channel::is_monitoring(&self.channel)
    }

    /// The replay ids of what is retained.
    pub(super) fn retained_ids(&self) -> Vec<i64> {
        let mut log = lock(&self.log);
        log.age(self.retention);
        log.events.range(log.offset(log.retained)..).map(|(_, event)| event.replay_id).collect()
    }

    /// Gives the events that are retained their new ids, and forgets those that have none. The ledger stays as it is.
    pub(super) fn restart(&self, new: &HashMap<i64, i64>) {
        let mut log = lock(&self.log);
        let (end, aged) = (log.end(), log.offset(log.retained));
        let events = log.events.split_off(aged);
        let renumbered = |(made, event): (Instant, Event)| Some((made, event.renumbered(*new.get(&event.replay_id)?)));
        log.events = events.into_iter().filter_map(renumbered).collect();
        log.first = end - log.events.len() as u64;
        log.retained = log.first;
        log.refused = log.first;
    }

    /// Lets go of what is neither retained nor awaited by a session, whose lowest place is `awaited`.
    pub(crate) fn trim(&self, awaited: Option<u64>) {
        let mut log = lock(&self.log);
        log.age(self.retention);
        // The event before the retained ones stays, since its id is still good.
        let keep = log.retained.saturating_sub(1).min(awaited.unwrap_or(u64::MAX));
        while log.first < keep && log.events.pop_front().is_some() {
            log.first += 1;
        }
    }

    /// Appends messages from `place` on to `out`, up to `limit` bytes of it but at least one when it is empty, and moves
    /// `place`. `wanted` chooses among them; `channel` is the name they are delivered under.
    pub(crate) fn deliver(
        &self,
        place: &mut u64,
        channel: &str,
        out: &mut Vec<u8>,
        limit: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> u64 {
        let suffix =
            [br#","channel":"#.as_slice(), serde_json::Value::from(channel).to_string().as_bytes(), b"}"].concat();
        let around = PREFIX.len() + suffix.len() + 1;
        let log = lock(&self.log);
        let offset = log.offset(*place);
        *place = (*place).max(log.first);
        let room = limit.saturating_sub(out.len());
        let mut needed = 0;
        let (mut take, mut number) = (0_u64, 0_u64);
        let mut last_id = None;
        for (_, event) in log.events.range(offset..) {
            let length = event.data.len() + around;
            let is_wanted = wanted(&event.data);
            // Events of one id are never parted: nobody could ask for the rest of them.
            let is_new = last_id.replace(event.replay_id) != Some(event.replay_id);
            if is_wanted && is_new && needed + length > room && (number > 0 || out.len() > 1) {
                break;
            }
            take += 1;
            if is_wanted {
                needed += length;
                number += 1;
            }
        }
        out.reserve(needed + REPLY_ROOM);
        for (_, event) in log.events.range(offset..).take(usize::try_from(take).unwrap_or(usize::MAX)) {
            if wanted(&event.data) {
                out.extend_from_slice(PREFIX);
                out.extend_from_slice(&event.data);
                out.extend_from_slice(&suffix);
                out.push(b',');
            }
        }
        *place += take;
        number
    }

    /// Up to `count` ledger rows from `place` on.
    pub(crate) fn ledger(&self, place: usize, count: usize) -> Vec<Row> {
        lock(&self.log).ledger.iter().skip(place).take(count).cloned().collect()
    }

    pub(crate) fn wake(&self, session: u64, notify: &Arc<Notify>) {
        lock(&self.log).waiting.push((session, Arc::clone(notify)));
    }

    pub(crate) fn forget(&self, session: u64) {
        lock(&self.log).waiting.retain(|(other, _)| *other != session);
    }
}

impl Log {
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Where in `events` a place is; their end for a place beyond it.
    fn offset(&self, place: u64) -> usize {
        usize::try_from(place.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.events.len())
    }

    fn age(&mut self, retention: Duration) {
        let aged = self.events.range(self.offset(self.retained)..);
        let aged = aged.take_while(|(made, _)| made.elapsed() > retention).count() as u64;
        if aged > 0 {
            self.retained += aged;
            self.refused = self.refused.max(self.retained - 1);
        }
    }
}

const PREFIX: &[u8] = br#"{"data":"#;
/// Room for the meta replies after the events, so that they do not make the buffer grow.
const REPLY_ROOM: usize = 512;
