//! Whether channels can be read: a session that subscribes them, reads nothing, and says goodbye.

use crate::decide;
use crate::feed::{Pace, Reason, Stop};
use crate::shared;
use crate::source::salesforce::reaction::Ended;
use bayeux::{Charge, Client, Event, Failure, Refusal, Room, Subscription, TransportKind};
use salesforce::{Channel, Replay, Token, replay_extension};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What the org said.
pub(super) enum Answers {
    /// There was no session at all.
    None(Stop),
    /// For each channel.
    Each(BTreeMap<String, Answer>),
}

pub(super) enum Answer {
    Subscribed,
    Refused(Stop),
}

pub(super) async fn subscribe(
    org: &shared::Org,
    token: &Token,
    channels: &[(String, Channel)],
    reply_limit: usize,
) -> Answers {
    if channels.is_empty() {
        return Answers::Each(BTreeMap::new());
    }
    let mut names: Vec<&str> = channels.iter().map(|(_, channel)| channel.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let subscriptions = names.iter().map(|name| Subscription {
        channel: (*name).to_owned(),
        // From the tip: nothing is sent that would count as delivered.
        ext: replay_extension(&[(name, Replay::Tip)]).ok(),
    });
    let config = shared::Org::session(subscriptions.collect());
    let transport = match org.transport(token, reply_limit, Some(Arc::new(NoRoom))) {
        Ok(transport) => transport,
        Err(error) => return Answers::None(decide::salesforce(&error)),
    };
    let client = match Client::open(transport, config, TransportKind::LongPolling) {
        Ok(client) => client,
        Err(error) => return Answers::None(Stop::transient(Reason::Transport, error, Pace::at_once(1, 60))),
    };
    let heard = converse(client, names.len()).await;
    if let Some(failure) = heard.ended {
        return Answers::None(Ended::of(&failure).stop());
    }
    let answers = heard.channels.into_iter().map(|(channel, refusal)| match refusal {
        None => (channel, Answer::Subscribed),
        Some(refusal) => (channel, Answer::Refused(Ended::of_refusal(&refusal).stop())),
    });
    Answers::Each(answers.collect())
}

/// What a server told in one short session.
#[derive(Default)]
pub(super) struct Heard {
    /// The extensions of its handshake, and whether it acknowledges; `None`: there was no handshake.
    pub(super) handshake: Option<(Option<Box<RawValue>>, bool)>,
    /// For each channel that was answered, the refusal, if it is one.
    pub(super) channels: BTreeMap<String, Option<Refusal>>,
    /// Why the session ended before all were.
    pub(super) ended: Option<Failure>,
}

/// Waits until so many channels are answered, and says goodbye.
pub(super) async fn converse(mut client: Client<IgnoredAny>, count: usize) -> Heard {
    let mut heard = Heard::default();
    let all = async {
        while heard.channels.len() < count {
            match client.next().await {
                Event::Handshaken { ext, ack } => heard.handshake = Some((ext, ack)),
                Event::Subscribed { channel, .. } => drop(heard.channels.insert(channel, None)),
                Event::Refused { channel, refusal } => drop(heard.channels.insert(channel, Some(refusal))),
                Event::Ended(failure) => {
                    heard.ended = Some(failure);
                    return;
                }
                Event::Unsubscribed { .. } | Event::Connected | Event::Messages { .. } => {}
            }
        }
        client.disconnect();
        while !matches!(client.next().await, Event::Ended(_)) {}
    };
    let _late = tokio::time::timeout(LIMIT, all).await;
    heard
}

/// No room for events, so that the session never asks for any.
pub(super) struct NoRoom;

impl Room for NoRoom {
    fn open(&self) -> Box<dyn Charge> {
        Box::new(Self)
    }

    fn changes(&self) -> watch::Receiver<bool> {
        // Nobody ever says otherwise.
        watch::channel(false).1
    }
}

impl Charge for NoRoom {
    fn grow(&mut self, _: usize) {}
}

const LIMIT: Duration = Duration::from_secs(45);
