//! From any CometD server: channels over long polling or a WebSocket.
//!
//! It is what Salesforce is, less the org. Where the server has the replay extension, positions are kept as Salesforce's
//! are. Where it has not, what is published while nobody is subscribed is gone, and told as a gap: until when everything was
//! had is kept in place of a position.

use super::salesforce::{Opening, Other, Server, Wish};
use crate::config::{self, Transport};
use crate::decide;
use crate::feed::{Pace, Reading, Reason, Source, Status, Stop};
use crate::shared::Shared;
use async_trait::async_trait;
use bayeux::{Client, Room, Subscription, TransportKind};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A CometD server's channels as a source.
pub(super) struct Bayeux {
    from: config::BayeuxSource,
    opening: Opening,
    /// The server has no WebSocket: remembered for as long as the feed runs.
    no_web_socket: Arc<AtomicBool>,
}

impl Bayeux {
    pub(super) fn new(feed: &str, from: &config::BayeuxSource, shared: &Shared, status: Arc<Status>) -> Self {
        let retention = SignedDuration::try_from(from.retention).ok().filter(|_| from.replay);
        let wishes = from.channels.iter().map(|channel| Wish { channel: channel.clone(), kind: None, retention });
        let opening = Opening::new(feed, wishes.collect(), from.start.clone(), from.on_expired, shared, status);
        Self { from: from.clone(), opening, no_web_socket: Arc::default() }
    }

    /// Which transport the next session speaks. Stock servers do not keep strict order over a WebSocket: where positions
    /// are kept, order counts.
    fn transport(&self) -> TransportKind {
        match self.from.transport {
            Transport::LongPolling => TransportKind::LongPolling,
            Transport::WebSocket => TransportKind::WebSocket,
            Transport::Auto if self.from.replay || self.no_web_socket.load(Ordering::Relaxed) => {
                TransportKind::LongPolling
            }
            Transport::Auto => TransportKind::WebSocket,
        }
    }
}

#[async_trait]
impl Source for Bayeux {
    async fn open(&mut self, cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
        self.opening.wait_for_room().await;
        let replay = self.from.replay;
        let (saved, since) = match replay {
            true => (self.opening.positions(self.from.url.as_str(), cluster)?, BTreeMap::new()),
            false => (Vec::new(), self.opening.heard()?),
        };
        let mut channels = self.opening.channels(&saved)?;
        let subscriptions = self.opening.subscriptions(&mut channels, replay)?;
        let (limit, room) = (self.opening.reply_limit, self.opening.room());
        let client = client(&self.from, self.transport(), subscriptions, limit, room)?;
        let server = Server::Other(Other {
            replay,
            ack: self.from.ack,
            no_web_socket: (self.from.transport == Transport::Auto).then(|| self.no_web_socket.clone()),
            since,
        });
        Ok(Box::new(self.opening.session(client, channels, server)))
    }
}

/// A session with the server that has not said anything yet.
pub(crate) fn client<D: for<'de> Deserialize<'de>>(
    from: &config::BayeuxSource,
    kind: TransportKind,
    subscriptions: Vec<Subscription>,
    reply_limit: usize,
    room: Arc<dyn Room>,
) -> Result<Client<D>, Stop> {
    let client = from.network.client().map_err(|error| decide::salesforce(&error))?;
    let transport = bayeux::Transport {
        url: from.url.clone(),
        headers: from.headers.clone(),
        client: client.user_agent(concat!("crossfeed/", env!("CARGO_PKG_VERSION"))),
        reply_limit,
        room: Some(room),
    };
    let handshake_ext = if from.replay { RawValue::from_string(r#"{"replay":true}"#.to_owned()).ok() } else { None };
    let config = bayeux::Config { handshake_ext, ack: from.ack, subscriptions, ..bayeux::Config::default() };
    Client::open(transport, config, kind)
        .map_err(|error| Stop::transient(Reason::Transport, error, Pace::growing(1, 60)))
}
