//! An open Bayeux session with Salesforce: from messages to batches.

use super::channels::Refused;
use super::expired::Expired;
use super::past::Past;
use super::reaction::{self, Ended, Then};
use super::retention::Tip;
use super::server::Server;
use super::store_stop;
use crate::config::{OnExpired, Start};
use crate::decide;
use crate::feed::{Batch, Pace, Place, Positions, Reading, Reason, Seat, Status, Stop, Stream};
use crate::position::{Position, Store};
use async_trait::async_trait;
use bayeux::{Ask, Client, Refusal, Subscription};
use jiff::Timestamp;
use salesforce::{Data, Kind, Replay, ReplayId, replay_extension};
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is known of a channel's position.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// Nothing: the configured start holds.
    Nothing,
    /// A person asked for everything that is retained.
    Earliest,
    /// Subscribed then, and no event was saved since.
    Begun(Timestamp),
    /// Everything up to and including this event is durable.
    At(ReplayId),
    /// The position was refused, and this is asked for in its place.
    Refused(Replay),
}

/// A channel of the session.
pub(in crate::source) struct Subscribed {
    /// As it is asked for, with its filter.
    pub(super) channel: String,
    /// What it carries, where it is Salesforce's.
    pub(super) kind: Option<Kind>,
    pub(super) held: Held,
    /// Its position was refused in this session, and it was asked for anew.
    pub(super) repositioned: bool,
    pub(super) past: Past,
    /// Subscribed in this session at a server that keeps nothing, and the batch that says so was made.
    pub(super) listens: bool,
    /// It was refused, in this session or shortly before, and is not asked for now.
    pub(super) let_be: bool,
    /// It was not found among the positions sent with it, and was asked for once more.
    asked_again: bool,
}

/// The session as the feed reads it.
pub(in crate::source) struct Session {
    /// Boxed once: a message is moved a few times on its way, and `Data` has some hundred bytes.
    pub(super) client: Client<Box<Data>>,
    pub(super) channels: Vec<Subscribed>,
    /// Where a channel without a position begins.
    pub(super) start: Start,
    pub(super) on_expired: OnExpired,
    pub(super) tip: Tip,
    /// Batches of our own making that come next.
    pub(super) made: VecDeque<Batch>,
    /// Channels whose positions were refused, until it is known what is to be known before they are asked for anew.
    pub(super) expired: Expired,
    /// Channels that were refused altogether.
    pub(super) refused: Refused,
    pub(super) server: Server,
    pub(super) store: Arc<Store>,
    pub(super) status: Arc<Status>,
    pub(super) seat: Arc<Seat>,
    /// Nothing comes of it any more.
    pub(super) over: bool,
    /// Why it ended: kept until what must be done about it is done, which may take more than one call of `next`.
    pub(super) ended: Option<Ended>,
}

impl Subscribed {
    pub(super) fn new(channel: &str, kind: Option<Kind>, held: Held, past: Past) -> Self {
        Self {
            channel: channel.to_owned(),
            kind,
            held,
            repositioned: false,
            past,
            listens: false,
            let_be: false,
            asked_again: false,
        }
    }

    /// The name that its positions and its state go by.
    pub(super) fn name(&self) -> &str {
        without_filter(&self.channel)
    }

    /// What the server is asked for: what comes after the position held, or, where it `replays` nothing, what comes next.
    pub(super) fn subscription(&self, feed: &str, start: &Start, replays: bool) -> Result<Subscription, Stop> {
        let channel = &self.channel;
        if !replays {
            tracing::info!(feed, channel, "subscribing");
            return Ok(Subscription { channel: channel.clone(), ext: None });
        }
        let replay = match &self.held {
            Held::Nothing => match start {
                Start::Latest => Replay::Tip,
                Start::Earliest => Replay::All,
                Start::After(id) => Replay::After(id.clone()),
            },
            // Nothing was seen yet: everything that came after the subscription is among what is retained.
            Held::Begun(_) | Held::Earliest => Replay::All,
            Held::At(id) => Replay::After(id.clone()),
            Held::Refused(instead) => instead.clone(),
        };
        tracing::info!(feed, channel, %replay, "subscribing");
        let ext = replay_extension(&[(channel, replay)]).map_err(|error| decide::salesforce(&error))?;
        Ok(Subscription { channel: channel.clone(), ext: Some(ext) })
    }
}

#[async_trait]
impl Reading for Session {
    async fn next(&mut self) -> Result<Batch, Stop> {
        loop {
            if let Some(ended) = self.ended.clone() {
                if let Then::Renew(_) = ended.then {
                    self.server.renew().await?;
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
            let due = self.refused.next();
            let event = tokio::select! {
                biased;
                event = self.client.next() => event,
                () = at(due) => {
                    self.ask_again()?;
                    continue;
                }
                () = silence(self.tip.due()) => {
                    let now = Timestamp::now();
                    if let Some(batch) = self.tip.quiet(now).and_then(|until| self.quiet(until, now)) {
                        return Ok(batch);
                    }
                    continue;
                }
            };
            match event {
                bayeux::Event::Handshaken { ext, ack } => {
                    self.server.handshaken(self.status.name(), ack);
                    self.handshaken(ext.as_deref())?;
                }
                bayeux::Event::Subscribed { channel, date } => self.subscribed(&channel, date.as_deref()).await?,
                bayeux::Event::Unsubscribed { .. } => {}
                bayeux::Event::Refused { channel, refusal } => self.refused(channel, &refusal)?,
                bayeux::Event::Connected => self.connected(),
                bayeux::Event::Messages { messages, charge } => return Ok(self.batch(messages, charge)),
                bayeux::Event::Ended(failure) => {
                    self.over = true;
                    self.end(self.server.ended(&failure));
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
        if self.over {
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
    fn handshaken(&self, ext: Option<&RawValue>) -> Result<(), Stop> {
        if !self.server.replays() || offers_replay(ext) {
            return Ok(());
        }
        let remedy = match self.server {
            Server::Org(_) => "use an API version of 37.0 or later, and the org's own host",
            Server::Other(_) => "write replay = false in the feed's `from.bayeux`: the server has no such extension",
        };
        Err(Stop::fatal(Reason::Salesforce, "the server does not offer the replay of events", remedy))
    }

    /// Keeps the moment at which a channel without a position began, so that a crash before its first event loses nothing.
    /// It is on the disk before anything else happens: this is the oldest position that a machine without power may fall
    /// back to.
    async fn subscribed(&mut self, channel: &str, date: Option<&str>) -> Result<(), Stop> {
        let feed = self.status.name();
        tracing::info!(feed, channel, "subscribed");
        let Some(subscribed) = self.channels.iter_mut().find(|known| known.channel == channel) else {
            return Ok(());
        };
        subscribed.let_be = false;
        self.refused.subscribed(subscribed.name());
        self.tip.subscribed(Timestamp::now());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
        if let Some(last) = subscribed.past.begins_later() {
            let name = subscribed.past.name.clone();
            let batch = self.passed_over(&name, last, date.unwrap_or_else(Timestamp::now));
            self.made.push_back(batch);
            return Ok(());
        }
        let (name, repositioned) = (subscribed.past.name.clone(), subscribed.repositioned);
        if !self.server.replays() {
            subscribed.listens = true;
            let batch = self.listens(&name, self.server.interrupted(&name));
            self.made.push_back(batch);
            return Ok(());
        }
        // A refused position stays until an event takes its place: a beginning now would pass over what is still retained.
        if self.start != Start::Latest || repositioned {
            return Ok(());
        }
        // Events that came before this answer, and are not durable yet, are no position.
        let saved = self.store.of_feed(feed).map_err(|error| store_stop(&error))?;
        if saved.iter().any(|saved| *saved.channel == *name) {
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

    fn refused(&mut self, channel: String, refusal: &Refusal) -> Result<(), Stop> {
        let words = reaction::words(refusal);
        let then = self.server.then(reaction::of_refusal(refusal));
        let index = self.channels.iter().position(|known| known.channel == channel);
        let subscribed = index.and_then(|index| Some((index, self.channels.get_mut(index)?)));
        match (then, subscribed) {
            (Then::Reposition, Some((index, subscribed))) if !subscribed.repositioned => {
                self.expired.push(index, words);
            }
            (Then::AskAgain, Some((_, subscribed))) if !subscribed.asked_again => {
                subscribed.asked_again = true;
                let subscription = subscribed.subscription(self.status.name(), &self.start, self.server.replays())?;
                tracing::warn!(feed = self.status.name(), channel, "asking once more: {words}");
                self.client.ask(Ask::Subscribe(subscription));
            }
            (Then::AskAgain, Some(_)) => self.let_be(&channel, &words, ASKED_IN_VAIN),
            (Then::LetBe(remedy), Some(_)) => self.let_be(&channel, &words, remedy),
            (Then::Doubt(_, _, remedy), Some((_, subscribed))) if self.refused.again(subscribed.name()) => {
                self.let_be(&channel, &words, remedy);
            }
            (Then::Doubt(reason, pace, _), _) => self.end(Ended {
                then: Then::Reopen(reason, pace),
                text: format!("channel {channel}: {words}"),
                remedy: None,
            }),
            _ => self.end(Ended { then, text: format!("channel {channel}: {words}"), remedy: None }),
        }
        Ok(())
    }

    /// Goes on without a channel. Where none is left there is nothing to go on for: an empty session would hold one of the
    /// org's places.
    fn let_be(&mut self, channel: &str, words: &str, remedy: &'static str) {
        let Some(subscribed) = self.channels.iter_mut().find(|known| known.channel == channel) else {
            return;
        };
        subscribed.let_be = true;
        self.refused.refused(subscribed.name(), words, remedy, Instant::now());
        if self.channels.iter().any(|known| !known.let_be) {
            return self.client.forget(channel);
        }
        let pause = self.refused.pause().as_secs();
        self.end(Ended {
            then: Then::Reopen(Reason::Channel, Pace::growing(pause, pause)),
            text: format!("every channel is refused, channel {channel} last: {words}"),
            remedy: Some(remedy.to_owned()),
        });
    }

    /// Asks once more for the channels that were let be long enough. What a session asks goes out when no connect is held.
    fn ask_again(&mut self) -> Result<(), Stop> {
        for name in self.refused.take_due(Instant::now()) {
            if let Some(subscribed) = self.channels.iter_mut().find(|known| known.name() == name) {
                // It may have waited for days.
                subscribed.past.look_again(Timestamp::now());
                self.client.ask(Ask::Subscribe(subscribed.subscription(
                    self.status.name(),
                    &self.start,
                    self.server.replays(),
                )?));
            }
        }
        Ok(())
    }

    fn connected(&mut self) {
        self.seat.is_quiet();
        self.tip.connected(Timestamp::now());
        let let_be: Vec<&str> =
            self.channels.iter().filter(|known| known.let_be).map(|known| &*known.channel).collect();
        self.server.connected(&self.status, &let_be);
        self.status.running();
    }

    pub(super) fn end(&mut self, ended: Ended) {
        self.server.end(&ended);
        self.ended = Some(ended);
    }
}

/// Whether a handshake's `ext` offers the replay of events.
pub(crate) fn offers_replay(ext: Option<&RawValue>) -> bool {
    #[derive(serde::Deserialize)]
    struct Ext {
        #[serde(default)]
        replay: bool,
    }
    ext.and_then(|ext| serde_json::from_str::<Ext>(ext.get()).ok()).is_some_and(|ext| ext.replay)
}

/// A channel's name without the filter of a PushTopic.
pub(super) fn without_filter(channel: &str) -> &str {
    channel.split_once('?').map_or(channel, |(name, _)| name)
}

/// Ends at a time, or never where there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
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

const ASKED_IN_VAIN: &str = "please report this, with the log: the position was sent with the channel";
const CLOSE_LIMIT: Duration = Duration::from_secs(6);
