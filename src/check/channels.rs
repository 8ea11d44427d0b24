//! Whether channels can be read: a session that subscribes them, reads nothing, and says goodbye.

use crate::decide;
use crate::feed::{Pace, Reason, Stop};
use crate::shared;
use crate::source::salesforce::reaction::Ended;
use bayeux::{Charge, Event, LongPolling, Room, Subscription};
use salesforce::{Channel, Replay, Token, replay_extension};
use serde::de::IgnoredAny;
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
    let mut answers = BTreeMap::new();
    if channels.is_empty() {
        return Answers::Each(answers);
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
    let mut client: LongPolling<IgnoredAny> = match LongPolling::new(transport, config) {
        Ok(client) => client,
        Err(error) => return Answers::None(Stop::transient(Reason::Transport, error, Pace::at_once(1, 60))),
    };
    let all = async {
        while answers.len() < names.len() {
            match client.next().await {
                Event::Subscribed { channel, .. } => {
                    answers.insert(channel, Answer::Subscribed);
                }
                Event::Refused { channel, refusal } => {
                    answers.insert(channel, Answer::Refused(Ended::of_refusal(&refusal).stop()));
                }
                Event::Ended(failure) => return Some(Ended::of(&failure).stop()),
                Event::Handshaken { .. } | Event::Unsubscribed { .. } | Event::Connected | Event::Messages { .. } => {}
            }
        }
        client.disconnect();
        while !matches!(client.next().await, Event::Ended(_)) {}
        None
    };
    match tokio::time::timeout(LIMIT, all).await {
        Ok(Some(stop)) => Answers::None(stop),
        Ok(None) | Err(_) => Answers::Each(answers),
    }
}

/// No room for events, so that the session never asks for any.
struct NoRoom;

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
