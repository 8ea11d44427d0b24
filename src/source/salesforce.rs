//! From Salesforce: channels of an org's event bus, over a Bayeux session.

pub(crate) mod channels;
mod events;
mod expired;
mod gap;
pub(crate) mod handshakes;
mod opening;
mod past;
pub(crate) mod reaction;
mod reading;
#[cfg(test)]
mod reopening;
mod repeats;
mod retention;
mod server;

use crate::config;
use crate::decide;
use crate::feed::{Pace, Reading, Reason, Source, Status, Stop};
use crate::position::Position;
use crate::shared::{Org, Shared};
use async_trait::async_trait;
use bayeux::{Client, TransportKind};
use reading::{Held, Session};
use std::sync::Arc;

pub(super) use opening::{Opening, Wish};
pub(crate) use reading::offers_replay;
pub(super) use server::{Other, Server, Visit};

/// An org's channels as a source.
pub(super) struct Salesforce {
    from: config::SalesforceSource,
    org: Org,
    opening: Opening,
}

impl Salesforce {
    pub(super) fn new(
        feed: &str,
        from: &config::SalesforceSource,
        org: Org,
        shared: &Shared,
        status: Arc<Status>,
    ) -> Self {
        let wishes = from.channels.iter().map(|channel| Wish {
            channel: channel.as_str().to_owned(),
            kind: Some(channel.kind()),
            retention: Some(retention::of(channel.kind(), from.retention)),
        });
        let opening = Opening::new(feed, wishes.collect(), from.start.clone(), from.on_expired, shared, status);
        Self { from: from.clone(), org, opening }
    }

    async fn session(&mut self, cluster: Option<&str>) -> Result<Session, Stop> {
        self.opening.wait_for_room().await;
        let permit = self.org.handshakes.permit().await?;
        let token = self.org.gate.token().await.map_err(|error| decide::salesforce(&error))?;
        let saved = self.opening.positions(token.org_id.as_str(), cluster)?;
        let mut channels = self.opening.channels(&saved)?;
        let subscriptions = self.opening.subscriptions(&mut channels, true)?;
        let transport = self.org.transport(&token, self.opening.reply_limit, Some(self.opening.room()));
        let transport = transport.map_err(|error| decide::salesforce(&error))?;
        // Salesforce has no other (Streaming API Developer Guide, "Clients and timeouts").
        let client = Client::open(transport, Org::session(subscriptions), TransportKind::LongPolling)
            .map_err(|error| Stop::transient(Reason::Transport, error, Pace::growing(1, 60)))?;
        let visit = Visit {
            org: self.org.clone(),
            token,
            channels: self.from.channels.clone(),
            permitted: permit.since(),
            permit: Some(permit),
            look_out: None,
        };
        Ok(self.opening.session(client, channels, Server::Org(Box::new(visit))))
    }
}

#[async_trait]
impl Source for Salesforce {
    async fn open(&mut self, cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
        Ok(Box::new(self.session(cluster).await?))
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

#[cfg(test)]
mod tests;
