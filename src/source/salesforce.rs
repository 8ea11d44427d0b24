//! From Salesforce: channels of an org's event bus, over a Bayeux session.

pub(crate) mod reaction;
mod reading;
#[cfg(test)]
mod reopening;

use crate::config;
use crate::decide;
use crate::feed::{Pace, Reading, Reason, Seat, Source, Status, Stop};
use crate::position::{Binding, Position, Saved, Store};
use crate::shared::{Org, Shared};
use ::salesforce::{Channel, Replay, replay_extension};
use async_trait::async_trait;
use bayeux::{LongPolling, Subscription};
use jiff::{SignedDuration, Timestamp};
use reading::{Held, Session, Subscribed};
use std::sync::Arc;

/// An org's channels as a source.
pub(super) struct Salesforce {
    feed: String,
    from: config::SalesforceSource,
    org: Org,
    store: Arc<Store>,
    seat: Arc<Seat>,
    reply_limit: usize,
    status: Arc<Status>,
}

impl Salesforce {
    pub(super) fn new(
        feed: &str,
        from: &config::SalesforceSource,
        org: Org,
        shared: &Shared,
        status: Arc<Status>,
    ) -> Self {
        Self {
            feed: feed.to_owned(),
            from: from.clone(),
            org,
            store: shared.store.clone(),
            seat: Arc::new(shared.budget.seat()),
            reply_limit: shared.reply_limit,
            status,
        }
    }

    /// The feed's positions, once it is certain that they belong to this org and this cluster.
    fn positions(&self, org: &str, cluster: Option<&str>) -> Result<Vec<Saved>, Stop> {
        let binding = Binding { org: org.to_owned(), cluster: cluster.unwrap_or_default().to_owned() };
        self.store.bind(&self.feed, &binding).map_err(|error| store_stop(&error))?;
        self.store.of_feed(&self.feed).map_err(|error| store_stop(&error))
    }

    fn subscription(&self, channel: &Channel, held: &Held) -> Result<Subscription, Stop> {
        let replay = match held {
            Held::Nothing => match &self.from.start {
                config::Start::Latest => Replay::Tip,
                config::Start::Earliest => Replay::All,
                config::Start::After(id) => Replay::After(id.clone()),
            },
            // Nothing was seen yet: everything that came after the subscription is among what is retained.
            Held::Begun(_) => Replay::All,
            Held::At(id) => Replay::After(id.clone()),
        };
        tracing::info!(feed = self.feed, %channel, %replay, "subscribing");
        let ext = replay_extension(&[(channel.as_str(), replay)]).map_err(|error| decide::salesforce(&error))?;
        Ok(Subscription { channel: channel.as_str().to_owned(), ext: Some(ext) })
    }
}

#[async_trait]
impl Source for Salesforce {
    async fn open(&mut self, cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
        self.seat.may_open().await;
        let token = self.org.gate.token().await.map_err(|error| decide::salesforce(&error))?;
        let saved = self.positions(token.org_id.as_str(), cluster)?;
        let mut channels = Vec::new();
        let mut subscriptions = Vec::new();
        for channel in &self.from.channels {
            let position = saved.iter().find(|saved| saved.channel == channel.without_filter());
            if let Some(saved) = position {
                self.status.found(&saved.channel, &saved.position, saved.written);
            }
            let held = Held::from(position.map(|saved| &saved.position));
            if let Held::Begun(date) = &held
                && date.duration_until(Timestamp::now()) > SHORTEST_RETENTION
            {
                tracing::error!(feed = self.feed, %channel, begun = %date, "{BEGUN_LONG_AGO}");
            }
            subscriptions.push(self.subscription(channel, &held)?);
            channels.push(Subscribed::new(channel, held));
        }
        let transport = self.org.transport(&token, self.reply_limit, Some(self.seat.room()));
        let transport = transport.map_err(|error| decide::salesforce(&error))?;
        let client = LongPolling::new(transport, Org::session(subscriptions))
            .map_err(|error| Stop::transient(Reason::Transport, error, Pace::growing(1, 60)))?;
        let begins = self.from.start == config::Start::Latest;
        let (org, store, status) = (self.org.gate.clone(), self.store.clone(), self.status.clone());
        let seat = self.seat.clone();
        Ok(Box::new(Session { client, channels, begins, org, store, status, token, seat, ended: None }))
    }
}

impl Held {
    fn from(position: Option<&Position>) -> Self {
        match position {
            None => Self::Nothing,
            Some(Position::Begun { date }) => Self::Begun(*date),
            Some(Position::At { id, .. }) => Self::At(id.clone()),
        }
    }
}

fn store_stop(error: &crate::position::Error) -> Stop {
    match error {
        crate::position::Error::Io { .. } | crate::position::Error::Database(_) => {
            Stop::transient(Reason::Positions, decide::chain(error), Pace::growing(1, 60))
        }
        _ => Stop::fatal(Reason::Positions, error, "see `crossfeed positions list`; nothing was changed"),
    }
}

/// PushTopic and generic events are retained for a day, the others for three (Streaming API Developer Guide).
const SHORTEST_RETENTION: SignedDuration = SignedDuration::from_hours(24);
const BEGUN_LONG_AGO: &str = "the channel began, and got no event, before the oldest one that may still be retained: what \
     came between may be gone; compare with the org";
