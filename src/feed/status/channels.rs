//! How each channel of a feed does.

use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// A channel's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// It is not asked for now: the feed has no session, or has not come to it.
    Waiting,
    /// Its events come, or would.
    Subscribed,
    /// The org refused it. The others go on, and it is tried again.
    Refused,
    /// The org took the subscription, but has nothing of that name: no event will come.
    Silent,
}

/// What is known of a channel, as `/status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelStatus {
    /// How it does.
    pub state: ChannelState,
    /// Since when.
    pub since: Timestamp,
    /// What is wrong, in the words of whoever said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What a person can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// What changed by something that happened to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing that a person has not been told.
    None,
    /// It is well again.
    Mended,
    /// Something is wrong that was not wrong before.
    Broken,
    /// It is as wrong as before, in other words.
    Reworded,
}

/// The channels of a feed, by name.
#[derive(Debug, Default)]
pub(super) struct Channels(BTreeMap<String, ChannelStatus>);

impl Channels {
    pub(super) fn all(&self) -> &BTreeMap<String, ChannelStatus> {
        &self.0
    }

    /// The session is to have this channel.
    pub(super) fn waits(&mut self, channel: &str, now: Timestamp) {
        self.0.entry(channel.to_owned()).or_insert_with(|| ChannelStatus::well(ChannelState::Waiting, now));
    }

    /// There is no session. What was wrong stays visible until it is known to be right again.
    pub(super) fn all_wait(&mut self, now: Timestamp) {
        for known in self.0.values_mut().filter(|known| known.state == ChannelState::Subscribed) {
            *known = ChannelStatus::well(ChannelState::Waiting, now);
        }
    }

    /// The org took the subscription. One that is known to be silent is no less so.
    pub(super) fn subscribed(&mut self, channel: &str, now: Timestamp) -> Change {
        let was = self.0.get(channel).map(|known| known.state);
        match was {
            Some(ChannelState::Subscribed | ChannelState::Silent) => Change::None,
            Some(ChannelState::Refused) => {
                self.set(channel, ChannelStatus::well(ChannelState::Subscribed, now));
                Change::Mended
            }
            Some(ChannelState::Waiting) | None => {
                self.set(channel, ChannelStatus::well(ChannelState::Subscribed, now));
                Change::None
            }
        }
    }

    /// The org refused it.
    pub(super) fn refused(
        &mut self,
        channel: &str,
        problem: &str,
        remedy: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Change {
        self.broken(channel, ChannelState::Refused, problem, remedy, retry_at, now)
    }

    /// The org has nothing of its name.
    pub(super) fn silent(&mut self, channel: &str, problem: &str, remedy: &str, now: Timestamp) -> Change {
        // A refusal says more, and stands until the channel is subscribed.
        if self.0.get(channel).is_some_and(|known| known.state == ChannelState::Refused) {
            return Change::None;
        }
        self.broken(channel, ChannelState::Silent, problem, remedy, None, now)
    }

    /// The org has something of its name.
    pub(super) fn found(&mut self, channel: &str, now: Timestamp) -> Change {
        if self.0.get(channel).is_none_or(|known| known.state != ChannelState::Silent) {
            return Change::None;
        }
        self.set(channel, ChannelStatus::well(ChannelState::Subscribed, now));
        Change::Mended
    }

    fn broken(
        &mut self,
        channel: &str,
        state: ChannelState,
        problem: &str,
        remedy: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Change {
        let known = self.0.get(channel).filter(|known| known.state == state);
        let (since, change) = match known {
            Some(known) if known.problem.as_deref() == Some(problem) => (known.since, Change::None),
            Some(known) => (known.since, Change::Reworded),
            None => (now, Change::Broken),
        };
        let (problem, remedy) = (Some(problem.to_owned()), Some(remedy.to_owned()));
        self.set(channel, ChannelStatus { state, since, problem, remedy, retry_at });
        change
    }

    fn set(&mut self, channel: &str, status: ChannelStatus) {
        self.0.insert(channel.to_owned(), status);
    }
}

impl ChannelStatus {
    fn well(state: ChannelState, since: Timestamp) -> Self {
        Self { state, since, problem: None, remedy: None, retry_at: None }
    }
}
