//! An open Bayeux session with Salesforce: from messages to batches.

use super::expired::Refused;
use super::past::Past;
use super::reaction::{self, Ended, Then};
use super::retention::Tip;
use super::store_stop;
use crate::config::OnExpired;
use crate::decide;
use crate::feed::{Batch, Pace, Place, Positions, Reading, Reason, Status, Stop, Stream};
use crate::position::{Position, Store};
use async_trait::async_trait;
use bayeux::{LongPolling, Refusal};
use jiff::Timestamp;
use salesforce::{Channel, Data, Org, ReplayId, Token};
use std::collections::VecDeque;
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
    pub(super) channel: Channel,
    pub(super) held: Held,
    /// Its position was refused in this session, and it was asked for anew.
    pub(super) repositioned: bool,
    pub(super) past: Past,
}

/// The session as the feed reads it.
pub(super) struct Session {
    /// Boxed once: a message is moved a few times on its way, and `Data` has some hundred bytes.
    pub(super) client: LongPolling<Box<Data>>,
    pub(super) channels: Vec<Subscribed>,
    /// A channel without a position begins with what comes next.
    pub(super) begins: bool,
    pub(super) on_expired: OnExpired,
    pub(super) tip: Tip,
    /// Batches of our own making that come next.
    pub(super) made: VecDeque<Batch>,
    /// Channels whose positions were refused, until it is known what is to be known before they are asked for anew.
    pub(super) refused: Refused,
    pub(super) org: Org,
    pub(super) store: Arc<Store>,
    pub(super) status: Arc<Status>,
    pub(super) token: Arc<Token>,
    /// Why it ended: kept until what must be done about it is done, which may take more than one call of `next`.
    pub(super) ended: Option<Ended>,
}

impl Subscribed {
    pub(super) fn new(channel: &Channel, held: Held, past: Past) -> Self {
        Self { channel: channel.clone(), held, repositioned: false, past }
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
            if let Some(batch) = self.made.pop_front() {
                return Ok(batch);
            }
            self.reposition().await?;
            if self.ended.is_some() {
                continue;
            }
            let event = tokio::select! {
                event = self.client.next() => event,
                () = silence(self.tip.due()) => {
                    let now = Timestamp::now();
                    if let Some(batch) = self.tip.quiet(now).and_then(|until| self.quiet(until, now)) {
                        return Ok(batch);
                    }
                    continue;
                }
            };
            match event {
                bayeux::Event::Handshaken { ext } => self.handshaken(ext.as_deref())?,
                bayeux::Event::Subscribed { channel, date } => self.subscribed(&channel, date.as_deref()).await?,
                bayeux::Event::Unsubscribed { .. } => {}
                bayeux::Event::Refused { channel, refusal } => self.refused(channel, &refusal),
                bayeux::Event::Connected => {
                    self.tip.connected(Timestamp::now());
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
        let trace = &positions.trace;
        let positions: Vec<(&str, &Position)> = positions
            .iter()
            .filter_map(|(stream, place)| match (stream, place) {
                (Stream::Channel(channel), Place::After(position)) => Some((&**channel, position)),
                _ => None,
            })
            .collect();
        // A few microseconds: RocksDB's log without fsync.
        let saved = self.store.save_with(self.status.name(), &positions, trace, Timestamp::now());
        saved.map_err(|error| store_stop(&error))
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
        self.tip.subscribed(Timestamp::now());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
        if let Some(last) = subscribed.past.begins_later() {
            let name = subscribed.past.name.clone();
            let batch = self.passed_over(&name, last, date.unwrap_or_else(Timestamp::now));
            self.made.push_back(batch);
            return Ok(());
        }
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

    fn refused(&mut self, channel: String, refusal: &Refusal) {
        let words = reaction::words(refusal);
        let then = reaction::of_refusal(refusal);
        let index = self.channels.iter().position(|known| known.channel.as_str() == channel && !known.repositioned);
        match (then, index) {
            (Then::Reposition, Some(index)) => self.refused.push(index, words),
            _ => {
                let text = format!("channel {channel}: {words}");
                self.ended = Some(Ended { then, text, remedy: None });
            }
        }
    }
}

/// Ends when it is time to look whether silence tells something; never, where it cannot.
async fn silence(due: Option<Timestamp>) {
    match due {
        Some(due) => {
            let wait = Timestamp::now().duration_until(due);
            tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
        }
        None => std::future::pending().await,
    }
}

const CLOSE_LIMIT: Duration = Duration::from_secs(6);
