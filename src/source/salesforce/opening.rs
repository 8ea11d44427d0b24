//! What opens a session that is read from saved positions, whoever the server is.

use super::channels::{self, Refused};
use super::expired::Expired;
use super::gap;
use super::past::Past;
use super::reading::{Held, Session, Subscribed, without_filter};
use super::retention::Tip;
use super::server::Server;
use super::store_stop;
use crate::config::{OnExpired, Start};
use crate::feed::{Seat, Status, Stop};
use crate::position::{Binding, Position, Saved, Store};
use crate::shared::Shared;
use ::salesforce::{Data, Kind};
use bayeux::{Client, Room, Subscription};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;

/// What outlives the sessions of a source.
pub(in crate::source) struct Opening {
    feed: String,
    channels: Vec<Wish>,
    start: Start,
    on_expired: OnExpired,
    store: Arc<Store>,
    seat: Arc<Seat>,
    status: Arc<Status>,
    pub(super) refused: Refused,
    /// The largest reply in bytes.
    pub(in crate::source) reply_limit: usize,
}

/// A channel that is to be subscribed.
pub(in crate::source) struct Wish {
    /// As it is asked for, with its filter.
    pub(in crate::source) channel: String,
    /// What it carries, where it is Salesforce's.
    pub(in crate::source) kind: Option<Kind>,
    /// How long its events are retained; `None`: no position is kept.
    pub(in crate::source) retention: Option<SignedDuration>,
}

impl Opening {
    pub(in crate::source) fn new(
        feed: &str,
        channels: Vec<Wish>,
        start: Start,
        on_expired: OnExpired,
        shared: &Shared,
        status: Arc<Status>,
    ) -> Self {
        let opening = Self {
            feed: feed.to_owned(),
            channels,
            start,
            on_expired,
            store: shared.store.clone(),
            seat: Arc::new(shared.budget.seat()),
            refused: Refused::new(status.clone(), channels::PAUSE),
            reply_limit: shared.reply_limit,
            status,
        };
        opening.show();
        opening
    }

    /// Shows where the channels stand before anything connects: the hours to loss run while a server is away, too. What
    /// cannot be read is told when the feed opens.
    fn show(&self) {
        let Ok(saved) = self.store.of_feed(&self.feed) else { return };
        for wish in &self.channels {
            let position = saved.iter().find(|saved| saved.channel == without_filter(&wish.channel));
            if let Some(saved) = position
                && let Ok(past) = self.past(wish, Some(&saved.position))
            {
                self.status.found(&saved.channel, &saved.position, saved.written);
                self.shown(wish, &past);
            }
        }
        if let Ok(gaps) = self.store.gaps(Some(&self.feed)) {
            self.status.gaps_found(&gaps);
        }
        self.status.refresh(Timestamp::now());
    }

    fn past(&self, wish: &Wish, position: Option<&Position>) -> Result<Past, crate::position::Error> {
        let retention = wish.retention.unwrap_or(SignedDuration::MAX);
        Past::found(&self.store, &self.feed, without_filter(&wish.channel), position, retention, Timestamp::now())
    }

    fn shown(&self, wish: &Wish, past: &Past) {
        if wish.retention.is_some() {
            let (retention, seen_until) = past.retained();
            self.status.retained(&past.name, retention, seen_until);
        }
    }

    /// Waits until there is room for what subscribing brings at once.
    pub(in crate::source) async fn wait_for_room(&self) {
        self.seat.may_open().await;
    }

    /// Where replies are charged to.
    pub(in crate::source) fn room(&self) -> Arc<dyn Room> {
        self.seat.room()
    }

    /// The feed's positions, once it is certain that they belong to this org or server and this cluster.
    pub(in crate::source) fn positions(&self, org: &str, cluster: Option<&str>) -> Result<Vec<Saved>, Stop> {
        let binding = Binding { org: org.to_owned(), cluster: cluster.unwrap_or_default().to_owned() };
        self.store.bind(&self.feed, &binding).map_err(|error| store_stop(&error))?;
        self.store.of_feed(&self.feed).map_err(|error| store_stop(&error))
    }

    /// Until when everything was had of channels whose server keeps nothing: whose it is does not matter then.
    pub(in crate::source) fn heard(&self) -> Result<BTreeMap<String, Timestamp>, Stop> {
        let saved = self.store.of_feed(&self.feed).map_err(|error| store_stop(&error))?;
        let heard = saved.into_iter().filter_map(|saved| Some((saved.channel, gap::time_of(&saved.position)?)));
        Ok(heard.collect())
    }

    /// The channels, each where it stands.
    pub(in crate::source) fn channels(&self, saved: &[Saved]) -> Result<Vec<Subscribed>, Stop> {
        let mut channels = Vec::with_capacity(self.channels.len());
        for wish in &self.channels {
            let (channel, name) = (&wish.channel, without_filter(&wish.channel));
            let saved = saved.iter().find(|saved| saved.channel == name);
            if let Some(saved) = saved {
                self.status.found(&saved.channel, &saved.position, saved.written);
            }
            let position = saved.map(|saved| &saved.position);
            let past = self.past(wish, position).map_err(|error| store_stop(&error))?;
            self.shown(wish, &past);
            if past.is_doubtful() {
                tracing::error!(feed = self.feed, channel, "{LONG_AGO}");
            }
            self.status.channel_waits(name);
            channels.push(Subscribed::new(channel, wish.kind, Held::from(position), past));
        }
        Ok(channels)
    }

    /// What is asked for first; `replays`: from positions.
    pub(in crate::source) fn subscriptions(
        &self,
        channels: &mut [Subscribed],
        replays: bool,
    ) -> Result<Vec<Subscription>, Stop> {
        let chosen = self.refused.choose(channels, Instant::now());
        chosen.map(|channel| channel.subscription(&self.feed, &self.start, replays)).collect()
    }

    pub(in crate::source) fn session(
        &self,
        client: Client<Box<Data>>,
        channels: Vec<Subscribed>,
        server: Server,
    ) -> Session {
        Session {
            client,
            channels,
            start: self.start.clone(),
            on_expired: self.on_expired,
            tip: Tip::new(Timestamp::now()),
            made: VecDeque::new(),
            expired: Expired::default(),
            refused: self.refused.clone(),
            server,
            store: self.store.clone(),
            status: self.status.clone(),
            seat: self.seat.clone(),
            over: false,
            ended: None,
        }
    }
}

const LONG_AGO: &str = "the saved position is older than what is retained: what came after it may be gone, and is recorded as \
     a gap once the first event tells what is left";
