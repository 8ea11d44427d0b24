//! From Salesforce: channels of an org's event bus, over a Bayeux session.

pub(crate) mod channels;
mod events;
mod expired;
mod gap;
pub(crate) mod handshakes;
mod past;
pub(crate) mod reaction;
mod reading;
mod repeats;
mod retention;

use crate::config;
use crate::decide;
use crate::feed::{Budget, Pace, Reading, Reason, Source, Status, Stop};
use crate::position::{Binding, Position, Saved, Store};
use crate::shared::{Org, Shared};
use ::salesforce::Channel;
use async_trait::async_trait;
use bayeux::{LongPolling, Room};
use channels::Refused;
use expired::Expired;
use jiff::Timestamp;
use past::Past;
use reading::{Held, Session, Subscribed};
use retention::Tip;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

/// An org's channels as a source.
pub(super) struct Salesforce {
    feed: String,
    from: config::SalesforceSource,
    org: Org,
    store: Arc<Store>,
    budget: Budget,
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
        let source = Self {
            feed: feed.to_owned(),
            from: from.clone(),
            org,
            store: shared.store.clone(),
            budget: shared.budget.clone(),
            reply_limit: shared.reply_limit,
            refused: Refused::new(status.clone(), channels::PAUSE),
            status,
        };
        source.show();
        source
    }

    /// Shows where the channels stand before anything connects: the hours to loss run while an org is away, too. What
    /// cannot be read is told when the feed opens.
    fn show(&self) {
        let Ok(saved) = self.store.of_feed(&self.feed) else { return };
        for channel in &self.from.channels {
            let position = saved.iter().find(|saved| saved.channel == channel.without_filter());
            if let Some(saved) = position
                && let Ok(past) = self.past(channel, Some(&saved.position))
            {
                self.status.found(&saved.channel, &saved.position, saved.written);
                self.shown(&past);
            }
        }
        if let Ok(gaps) = self.store.gaps(Some(&self.feed)) {
            self.status.gaps_found(&gaps);
        }
        self.status.refresh(Timestamp::now());
    }

    fn past(&self, channel: &Channel, position: Option<&Position>) -> Result<Past, crate::position::Error> {
        let retention = retention::of(channel.kind(), self.from.retention);
        Past::found(&self.store, &self.feed, channel.without_filter(), position, retention, Timestamp::now())
    }

    fn shown(&self, past: &Past) {
        let (retention, seen_until) = past.retained();
        self.status.retained(&past.name, retention, seen_until);
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
            let past = self.past(channel, position.map(|saved| &saved.position)).map_err(|error| store_stop(&error))?;
            self.shown(&past);
            if past.is_doubtful() {
                tracing::error!(feed = self.feed, %channel, "{LONG_AGO}");
            }
            self.status.channel_waits(channel.without_filter());
            channels.push(Subscribed::new(channel, held, past));
        }
        let subscriptions = self.refused.choose(&mut channels, Instant::now());
        let subscriptions = subscriptions.map(|channel| channel.subscription(&self.feed, &self.from.start));
        let subscriptions = subscriptions.collect::<Result<_, _>>()?;
        let room: Arc<dyn Room> = Arc::new(self.budget.clone());
        let transport = self.org.transport(&token, self.reply_limit, Some(room));
        let transport = transport.map_err(|error| decide::salesforce(&error))?;
        let client = LongPolling::new(transport, Org::session(subscriptions))
            .map_err(|error| Stop::transient(Reason::Transport, error, Pace::growing(1, 60)))?;
        Ok(Session {
            client,
            channels,
            start: self.from.start.clone(),
            on_expired: self.from.on_expired,
            tip: Tip::new(Timestamp::now()),
            made: VecDeque::new(),
            expired: Expired::default(),
            refused: self.refused.clone(),
            permitted: permit.since(),
            permit: Some(permit),
            look_out: None,
            org: self.org.clone(),
            store: self.store.clone(),
            status: self.status.clone(),
            token,
            over: false,
            ended: None,
        })
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

const LONG_AGO: &str = "the saved position is older than what Salesforce retains: what came after it may be gone, and is \
     recorded as a gap once the first event tells what is left";

#[cfg(test)]
mod tests;
