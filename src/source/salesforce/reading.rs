//! An open Bayeux session with Salesforce: from messages to batches.

use super::reaction::{self, Ended, Then};
use super::store_stop;
use crate::decide;
use crate::feed::{Batch, Event, Origin, Pace, Place, Positions, Reading, Reason, Seat, Status, Stop, Stream};
use crate::position::{Position, Store};
use async_trait::async_trait;
use bayeux::{Ask, Charge, LongPolling, Message, Refusal, Subscription};
use jiff::{SignedDuration, Timestamp};
use salesforce::{Channel, Data, Org, Replay, ReplayId, Token, replay_extension};
use std::sync::Arc;
use std::time::Duration;

/// What is known of a channel's position.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// Nothing: the configured start holds.
    Nothing,
    /// Subscribed then, and no event was saved since.
    Begun(Timestamp),
    /// Everything up to and including this event is durable.
    At(ReplayId),
}

/// A channel of the session.
pub(super) struct Subscribed {
    channel: Channel,
    held: Held,
    /// Its position was refused in this session, and it was asked for from the oldest event.
    repositioned: bool,
}

/// The session as the feed reads it.
pub(super) struct Session {
    /// Boxed once: a message is moved a few times on its way, and `Data` has some hundred bytes.
    pub(super) client: LongPolling<Box<Data>>,
    pub(super) channels: Vec<Subscribed>,
    /// A channel without a position begins with what comes next.
    pub(super) begins: bool,
    pub(super) org: Org,
    pub(super) store: Arc<Store>,
    pub(super) status: Arc<Status>,
    pub(super) token: Arc<Token>,
    pub(super) seat: Arc<Seat>,
    /// Why it ended: kept until what must be done about it is done, which may take more than one call of `next`.
    pub(super) ended: Option<Ended>,
}

impl Subscribed {
    pub(super) fn new(channel: &Channel, held: Held) -> Self {
        Self { channel: channel.clone(), held, repositioned: false }
    }
}

#[async_trait]
impl Reading for Session {
    async fn next(&mut self) -> Result<Batch, Stop> {
        loop {
            if let Some(ended) = self.ended.clone() {
                if let Then::Renew(_) = ended.then {
                    self.org.replace(&self.token).await.map_err(|error| decide::salesforce(&error))?;
                }
                return Err(ended.stop());
            }
            match self.client.next().await {
                bayeux::Event::Handshaken { ext } => self.handshaken(ext.as_deref())?,
                bayeux::Event::Subscribed { channel, date } => self.subscribed(&channel, date.as_deref()).await?,
                bayeux::Event::Unsubscribed { .. } => {}
                bayeux::Event::Refused { channel, refusal } => self.refused(channel, &refusal)?,
                bayeux::Event::Connected => {
                    self.seat.is_quiet();
                    self.status.running();
                }
                bayeux::Event::Messages { messages, charge } => return Ok(self.batch(messages, charge)),
                bayeux::Event::Ended(failure) => {
                    self.ended = Some(Ended::of(&failure));
                }
            }
        }
    }

    async fn save(&mut self, positions: &Positions) -> Result<(), Stop> {
        let positions: Vec<(&str, &Position)> = positions
            .iter()
            .filter_map(|(stream, place)| match (stream, place) {
                (Stream::Channel(channel), Place::After(position)) => Some((&**channel, position)),
                _ => None,
            })
            .collect();
        // A few microseconds: RocksDB's log without fsync.
        self.store.save(self.status.name(), &positions, Timestamp::now()).map_err(|error| store_stop(&error))
    }

    async fn close(&mut self) {
        if self.ended.is_some() {
            return;
        }
        self.client.disconnect();
        let goodbye = async { while !matches!(self.client.next().await, bayeux::Event::Ended(_)) {} };
        if tokio::time::timeout(CLOSE_LIMIT, goodbye).await.is_err() {
            tracing::warn!(feed = self.status.name(), "the disconnect was not answered");
        }
    }
}

impl Session {
    /// Without the replay extension nothing could be had again (Streaming API Developer Guide, "Message durability").
    fn handshaken(&self, ext: Option<&serde_json::value::RawValue>) -> Result<(), Stop> {
        #[derive(serde::Deserialize)]
        struct Ext {
            #[serde(default)]
            replay: bool,
        }
        let offered = ext.and_then(|ext| serde_json::from_str::<Ext>(ext.get()).ok());
        if offered.is_some_and(|ext| ext.replay) {
            return Ok(());
        }
        let remedy = "use an API version of 37.0 or later, and the org's own host";
        Err(Stop::fatal(Reason::Salesforce, "the server does not offer the replay of events", remedy))
    }

    /// Keeps the moment at which a channel without a position began, so that a crash before its first event loses nothing.
    /// It is on the disk before anything else happens: this is the oldest position that a machine without power may fall
    /// back to.
    async fn subscribed(&mut self, channel: &str, date: Option<&str>) -> Result<(), Stop> {
        let feed = self.status.name();
        tracing::info!(feed, channel, "subscribed");
        let Some(subscribed) = self.channels.iter_mut().find(|known| known.channel.as_str() == channel) else {
            return Ok(());
        };
        // A refused position stays until an event takes its place: a beginning now would pass over what is still retained.
        if !self.begins || subscribed.repositioned {
            return Ok(());
        }
        // Events that came before this answer, and are not durable yet, are no position.
        let name = subscribed.channel.without_filter().to_owned();
        let saved = self.store.of_feed(feed).map_err(|error| store_stop(&error))?;
        if saved.iter().any(|saved| saved.channel == name) {
            return Ok(());
        }
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
        if date.is_none() {
            tracing::warn!(feed, channel, "the server gave no date: the beginning is kept by our own clock");
        }
        let begun = Position::Begun { date: date.unwrap_or_else(Timestamp::now) };
        let (store, feed) = (self.store.clone(), feed.to_owned());
        let saved = tokio::task::spawn_blocking(move || store.save_to_disk(&feed, &name, &begun, Timestamp::now()));
        match saved.await {
            Ok(saved) => saved.map_err(|error| store_stop(&error)),
            Err(error) => Err(Stop::transient(Reason::Positions, error, Pace::growing(1, 60))),
        }
    }

    fn refused(&mut self, channel: String, refusal: &Refusal) -> Result<(), Stop> {
        let words = reaction::words(refusal);
        let then = reaction::of_refusal(refusal);
        let subscribed = self.channels.iter_mut().find(|known| known.channel.as_str() == channel);
        match (then, subscribed) {
            (Then::Reposition, Some(subscribed)) if !subscribed.repositioned => {
                subscribed.repositioned = true;
                subscribed.held = Held::Nothing;
                self.status.metrics().repositioned.inc();
                tracing::error!(
                    feed = self.status.name(),
                    channel,
                    "the saved position is no longer valid, and events before the oldest retained one may be gone: \
                     starting with the oldest; compare what is missing with the org ({words})"
                );
                let ext = replay_extension(&[(&channel, Replay::All)]).map_err(|error| decide::salesforce(&error))?;
                self.client.ask(Ask::Subscribe(Subscription { channel, ext: Some(ext) }));
            }
            _ => {
                let text = format!("channel {channel}: {words}");
                self.ended = Some(Ended { then, text, remedy: None });
            }
        }
        Ok(())
    }

    fn batch(&mut self, messages: Vec<Message<Box<Data>>>, charge: Option<Box<dyn Charge>>) -> Batch {
        let mut events = Vec::with_capacity(messages.len());
        let mut positions = Positions::default();
        // The last event of each channel gives its position; events come in runs of one channel.
        let mut last: Option<(Arc<str>, ReplayId, Option<i64>)> = None;
        // The channel of the run, once one of its events is not from before its beginning: then none after it is.
        let mut past: Option<Arc<str>> = None;
        for message in messages {
            let Message::Event { channel, data, bytes } = message else { continue };
            if let Some(id) = data.replay_id.clone() {
                if let Some((before, id, time_ms)) = last.take_if(|(before, ..)| !Arc::ptr_eq(before, &channel)) {
                    positions.set(stream_of(&before), Place::After(Position::At { id, time_ms }));
                }
                last = Some((channel.clone(), id, data.time_ms));
            } else {
                tracing::warn!(feed = self.status.name(), %channel, "an event without a replay id: delivered, but no position");
            }
            if past.as_ref().is_none_or(|past| !Arc::ptr_eq(past, &channel)) {
                if self.is_from_before(&channel, data.time_ms) {
                    self.status.metrics().skipped.inc();
                    continue;
                }
                past = Some(channel.clone());
            }
            if data.change.as_ref().is_some_and(salesforce::ChangeType::is_gap) {
                self.status.metrics().gap_events.inc();
            }
            let time_ms = data.time_ms;
            events.push(Event { stream: channel, value: bytes, time_ms, origin: Origin::Salesforce(data) });
        }
        if let Some((channel, id, time_ms)) = last {
            positions.set(stream_of(&channel), Place::After(Position::At { id, time_ms }));
        }
        Batch { events, positions, charge }
    }

    /// Whether an event is older than the channel's beginning. A channel that has only begun is read from the oldest
    /// event; what came long before its subscription was never asked for. The first event that did not ends the question:
    /// a channel is in order.
    fn is_from_before(&mut self, channel: &str, time_ms: Option<i64>) -> bool {
        let Some(subscribed) =
            self.channels.iter_mut().find(|known| known.channel.without_filter() == without_filter(channel))
        else {
            return false;
        };
        let Held::Begun(date) = subscribed.held else { return false };
        let before = time_ms.is_some_and(|time_ms| time_ms < (date - BEGIN_SLACK).as_millisecond());
        if !before {
            subscribed.held = Held::Nothing;
        }
        before
    }
}

/// A filtered PushTopic's events may come under the name with the filter; its position is kept without.
fn stream_of(channel: &Arc<str>) -> Stream {
    let name = without_filter(channel);
    Stream::Channel(if name.len() == channel.len() { channel.clone() } else { Arc::from(name) })
}

fn without_filter(channel: &str) -> &str {
    channel.split_once('?').map_or(channel, |(name, _)| name)
}

/// An event's time is its commit, which comes before its publication: a busy bus may be minutes late. Rather a few events
/// from before the beginning than one lost.
const BEGIN_SLACK: SignedDuration = SignedDuration::from_mins(5);
const CLOSE_LIMIT: Duration = Duration::from_secs(6);
