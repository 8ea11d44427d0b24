//! From Salesforce: channels of an org's event bus, over a Bayeux session.

pub(crate) mod channels;
pub(crate) mod handshakes;
pub(crate) mod reaction;
mod reading;

use crate::config;
use crate::decide;
use crate::feed::{Pace, Reading, Reason, Seat, Source, Status, Stop};
use crate::position::{Binding, Position, Saved, Store};
use crate::shared::{Org, Shared};
use async_trait::async_trait;
use bayeux::LongPolling;
use channels::Refused;
use jiff::{SignedDuration, Timestamp};
use reading::{Held, Session, Subscribed};
use std::sync::Arc;
use tokio::time::Instant;

/// An org's channels as a source.
pub(super) struct Salesforce {
    feed: String,
    from: config::SalesforceSource,
    org: Org,
    store: Arc<Store>,
    seat: Arc<Seat>,
    reply_limit: usize,
    status: Arc<Status>,
    refused: Refused,
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
            refused: Refused::new(status.clone(), channels::PAUSE),
            status,
        }
    }

    /// The feed's positions, once it is certain that they belong to this org and this cluster.
    fn positions(&self, org: &str, cluster: Option<&str>) -> Result<Vec<Saved>, Stop> {
        let binding = Binding { org: org.to_owned(), cluster: cluster.unwrap_or_default().to_owned() };
        self.store.bind(&self.feed, &binding).map_err(|error| store_stop(&error))?;
        self.store.of_feed(&self.feed).map_err(|error| store_stop(&error))
    }
}

#[async_trait]
impl Source for Salesforce {
    async fn open(&mut self, cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
        // Subscribing brings the first events at once.
        if !self.seat.is_free() {
            tracing::info!(feed = self.feed, "waiting for room before it opens");
            self.seat.may_ask().await;
        }
        Ok(Box::new(self.session(cluster).await?))
    }
}

impl Salesforce {
    async fn session(&mut self, cluster: Option<&str>) -> Result<Session, Stop> {
        let permit = self.org.handshakes.permit().await?;
        let token = self.org.gate.token().await.map_err(|error| decide::salesforce(&error))?;
        let saved = self.positions(token.org_id.as_str(), cluster)?;
        let mut channels = Vec::new();
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
            self.status.channel_waits(channel.without_filter());
            channels.push(Subscribed::new(channel, held));
        }
        let subscriptions = self.refused.choose(&mut channels, Instant::now());
        let subscriptions = subscriptions.map(|channel| channel.subscription(&self.feed, &self.from.start));
        let subscriptions = subscriptions.collect::<Result<_, _>>()?;
        let transport = self.org.transport(&token, self.reply_limit, Some(self.seat.room()));
        let transport = transport.map_err(|error| decide::salesforce(&error))?;
        let client = LongPolling::new(transport, Org::session(subscriptions))
            .map_err(|error| Stop::transient(Reason::Transport, error, Pace::growing(1, 60)))?;
        Ok(Session {
            client,
            channels,
            start: self.from.start.clone(),
            refused: self.refused.clone(),
            permitted: permit.since(),
            permit: Some(permit),
            look_out: None,
            org: self.org.clone(),
            store: self.store.clone(),
            status: self.status.clone(),
            token,
            seat: self.seat.clone(),
            over: false,
            ended: None,
        })
    }
}

impl Held {
    fn from(position: Option<&Position>) -> Self {
        match position {
            None => Self::Nothing,
            Some(Position::Earliest) => Self::Earliest,
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

#[cfg(test)]
mod tests;
