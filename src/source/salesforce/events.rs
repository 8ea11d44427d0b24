//! From the messages of a reply to a batch.

use super::gap;
use super::past::{Past, new_from_ms};
use super::reading::{Held, Session, without_filter};
use super::repeats::Met;
use super::retention::SLACK;
use crate::feed::{Batch, Event, Place, Positions, Stream};
use crate::position::{Cause, Edge, Gap, Position};
use bayeux::{Charge, Message};
use jiff::Timestamp;
use salesforce::{Data, Identity, ReplayId};
use std::sync::Arc;

/// Events of one channel in a row.
struct Run {
    /// As it stands in the messages.
    channel: Arc<str>,
    /// As it stands in the store.
    name: Arc<str>,
    /// Which of the session's channels it is.
    index: Option<usize>,
    /// Where its last event is.
    last: Option<(ReplayId, Option<i64>)>,
}

impl Session {
    /// One batch of the events of one reply, with the position of each channel's last.
    pub(super) fn batch(&mut self, messages: Vec<Message<Box<Data>>>, charge: Option<Box<dyn Charge>>) -> Batch {
        let now = Timestamp::now();
        let new_from = new_from_ms(now);
        let mut events = Vec::with_capacity(messages.len());
        let mut positions = Positions::default();
        let (mut run, mut oldest): (Option<Run>, Option<i64>) = (None, None);
        for message in messages {
            let Message::Event { channel, data, bytes } = message else { continue };
            let run = match &mut run {
                Some(run) if Arc::ptr_eq(&run.channel, &channel) => run,
                other => {
                    other.take().into_iter().for_each(|ended| end(&mut positions, ended));
                    other.insert(self.begin(&channel))
                }
            };
            match data.replay_id.clone() {
                Some(id) => run.last = Some((id, data.time_ms)),
                None if !self.server.replays() => {}
                None => {
                    tracing::warn!(feed = self.status.name(), %channel, "an event without a replay id: delivered, but no position");
                }
            }
            oldest = [oldest, data.time_ms].into_iter().flatten().min();
            let identity = data.identity();
            let mut met = Met::New;
            if let Some(index) = run.index {
                if let Some(past) = self.past(index) {
                    past.came(data.time_ms, now, new_from);
                }
                met = self.find_out(index, &data, identity, now, &mut events, &mut positions);
                if self.is_from_before(index, data.time_ms) {
                    self.status.metrics().skipped.inc();
                    continue;
                }
            }
            let had = positions.trace.of(&run.name);
            match met {
                Met::Repeat => {
                    had.repeated.extend(identity);
                    self.status.metrics().repeats_skipped.inc();
                    continue;
                }
                Met::Unknown => self.status.metrics().repeats_possible.inc(),
                Met::New => {}
            }
            had.delivered.extend(identity);
            let told = gap::change_of(&data).map(|(cause, change)| {
                self.status.metrics().gap_events.inc();
                let first = Some(gap::edge_of(&data));
                Gap { first, change: Some(change), ..self.gap(&run.name, cause, now) }
            });
            let time_ms = data.time_ms;
            events.push(Event { stream: channel, value: bytes, time_ms, origin: self.server.origin(data) });
            told.into_iter().for_each(|gap| record(&run.name, gap, &mut events, &mut positions));
        }
        run.into_iter().for_each(|ended| end(&mut positions, ended));
        if let Some(until) = self.tip.events(oldest, now) {
            self.seen(until, now, &mut positions);
        }
        self.tell(&positions.trace.gaps);
        if !self.server.replays() {
            positions = self.heard(now);
        }
        Batch { events, positions, charge }
    }

    /// A batch without events: everything until then was had.
    pub(super) fn quiet(&mut self, until: Timestamp, now: Timestamp) -> Option<Batch> {
        let mut positions = Positions::default();
        if self.server.replays() {
            self.seen(until, now, &mut positions);
        }
        (!positions.is_empty()).then(|| Batch { events: Vec::new(), positions, charge: None })
    }

    /// The batch of a channel that goes on with what comes after its subscription: the gap, and the new beginning.
    pub(super) fn passed_over(&self, name: &Arc<str>, last: Edge, date: Timestamp) -> Batch {
        let (mut events, mut positions) = (Vec::new(), Positions::default());
        let gap = Gap { last: Some(last), ..self.gap(name, Cause::Latest, Timestamp::now()) };
        record(name, gap, &mut events, &mut positions);
        positions.set(Stream::Channel(name.clone()), begun(date));
        self.tell(&positions.trace.gaps);
        Batch { events, positions, charge: None }
    }

    /// What is kept of channels whose server keeps nothing: that everything until then was had.
    fn heard(&self, until: Timestamp) -> Positions {
        let mut positions = Positions::default();
        for known in self.channels.iter().filter(|known| known.listens && !known.let_be) {
            positions.set(Stream::Channel(known.past.name.clone()), begun(until));
        }
        positions
    }

    /// The first batch of a channel whose server keeps nothing: that it is listened to, and since when it was not.
    pub(super) fn listens(&self, name: &Arc<str>, since: Option<Timestamp>) -> Batch {
        let now = Timestamp::now();
        let (mut events, mut positions) = (Vec::new(), Positions::default());
        if let Some(since) = since {
            let last = Some(Edge { replay_id: None, time: Some(since) });
            record(name, Gap { last, ..self.gap(name, Cause::Unheard, now) }, &mut events, &mut positions);
        }
        positions.set(Stream::Channel(name.clone()), begun(now));
        self.tell(&positions.trace.gaps);
        Batch { events, positions, charge: None }
    }

    fn begin(&self, channel: &Arc<str>) -> Run {
        let bare = without_filter(channel);
        let index = self.channels.iter().position(|known| *known.past.name == *bare);
        // A filtered PushTopic's events may come under the name with the filter; its position is kept without.
        let name = match index.and_then(|index| self.channels.get(index)) {
            Some(known) => known.past.name.clone(),
            None => Arc::from(bare),
        };
        Run { channel: channel.clone(), name, index, last: None }
    }

    fn past(&mut self, index: usize) -> Option<&mut Past> {
        self.channels.get_mut(index).map(|known| &mut known.past)
    }

    /// What an event is after an outage; a gap before it is recorded in its place.
    fn find_out(
        &mut self,
        index: usize,
        data: &Data,
        identity: Option<Identity>,
        now: Timestamp,
        events: &mut Vec<Event>,
        positions: &mut Positions,
    ) -> Met {
        let Some(past) = self.past(index) else { return Met::New };
        let found = past.meet(data, identity);
        let name = past.name.clone();
        if found.restarted {
            self.status.metrics().resets.inc();
            tracing::error!(
                feed = self.status.name(),
                channel = %name,
                "replay ids began anew, as after a refresh of a sandbox or a move of the org: whatever else keeps replay \
                 ids of this org must start anew, too"
            );
        }
        if found.passed {
            positions.trace.of(&name).passed = true;
            tracing::info!(feed = self.status.name(), channel = %name, "nothing comes again any more");
        }
        if let Some((cause, last)) = found.gone {
            let gap = Gap { last: Some(last), first: Some(gap::edge_of(data)), ..self.gap(&name, cause, now) };
            record(&name, gap, events, positions);
        }
        found.met
    }

    /// Whether an event is older than the channel's beginning. A channel that has only begun is read from the oldest
    /// event; what came long before its subscription was never asked for. The first event that did not ends the question:
    /// a channel is in order.
    fn is_from_before(&mut self, index: usize, time_ms: Option<i64>) -> bool {
        let Some(subscribed) = self.channels.get_mut(index) else { return false };
        let Held::Begun(date) = subscribed.held else { return false };
        // Rather a few events from before the beginning than one lost.
        // A date may have been written by a person.
        let begun = date.checked_sub(SLACK).map_or(i64::MIN, Timestamp::as_millisecond);
        let before = time_ms.is_some_and(|time_ms| time_ms < begun);
        if !before {
            subscribed.held = Held::Nothing;
        }
        before
    }

    fn seen(&self, until: Timestamp, now: Timestamp, positions: &mut Positions) {
        let all = self.channels.iter().filter(|known| !known.let_be && known.past.has_caught_up(now));
        positions.trace.seen.extend(all.map(|known| (known.past.name.clone(), until)));
    }

    fn gap(&self, channel: &str, cause: Cause, now: Timestamp) -> Gap {
        gap::gap(self.status.name(), self.server.org_id(), channel, cause, now)
    }

    /// Says what is gone: one line for each outage, and one for all gap events of a reply.
    fn tell(&self, gaps: &[Gap]) {
        let feed = self.status.name();
        for gap in gaps.iter().filter(|gap| gap.change.is_none()) {
            let (channel, cause, remedy) = (&gap.channel, gap.cause.as_str(), gap.cause.remedy());
            let since = gap.last.as_ref().and_then(|edge| edge.time).map(|time| time.to_string());
            let until = gap.first.as_ref().and_then(|edge| edge.time).map(|time| time.to_string());
            tracing::error!(
                feed,
                channel,
                cause,
                since,
                until,
                remedy,
                "events may be gone for good: a gap is recorded"
            );
        }
        let mut changes = gaps.iter().filter(|gap| gap.change.is_some());
        if let Some(gap) = changes.next() {
            let (channel, cause, remedy) = (&gap.channel, gap.cause.as_str(), gap.cause.remedy());
            let further = changes.count();
            tracing::error!(
                feed,
                channel,
                cause,
                further,
                remedy,
                "Salesforce tells that records changed, and not how"
            );
        }
    }
}

fn begun(date: Timestamp) -> Place {
    Place::After(Position::Begun { date })
}

fn record(channel: &Arc<str>, gap: Gap, events: &mut Vec<Event>, positions: &mut Positions) {
    events.push(gap::event(channel, &gap));
    positions.trace.gaps.push(gap);
}

fn end(positions: &mut Positions, run: Run) {
    if let Some((id, time_ms)) = run.last {
        positions.set(Stream::Channel(run.name), Place::After(Position::At { id, time_ms }));
    }
}
