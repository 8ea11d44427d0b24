//! The feeds and channels whose positions may be looked at and moved: those of the file, and those that have positions.

use super::{Error, Saved, Store, Target};
use crate::config::{Feed, From, Start};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the file says about a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// How long Salesforce keeps its events.
    pub retention: SignedDuration,
    /// Where it starts without a position.
    pub start: Target,
}

/// What is known of feeds and channels, by their names.
#[derive(Debug, Default)]
pub struct Known {
    channels: BTreeMap<String, BTreeSet<String>>,
    starts: BTreeMap<String, Target>,
    /// As far as the file names them.
    retentions: BTreeMap<String, SignedDuration>,
    groups: BTreeMap<String, String>,
}

/// A name that nothing is known by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// No feed of the file, and none that has positions.
    #[error("there is no feed `{feed}`; known: {known}")]
    Feed {
        /// What was asked for.
        feed: String,
        /// What there is.
        known: String,
    },
    /// No channel of this feed's.
    #[error("feed `{feed}` has no channel `{channel}`; known: {known}")]
    Channel {
        /// The feed.
        feed: String,
        /// What was asked for.
        channel: String,
        /// What there is.
        known: String,
    },
    /// A feed whose positions are elsewhere.
    #[error(
        "feed `{feed}` reads from Kafka: its positions are the offsets of the consumer group `{group}`; see and move them \
         with `kafka-consumer-groups.sh --group {group}`"
    )]
    FromKafka {
        /// The feed.
        feed: String,
        /// Its group.
        group: String,
    },
}

impl Known {
    /// From the file's feeds, and from what [`Store::list`] gives.
    #[must_use]
    pub fn new(feeds: &[Feed], saved: &[Result<Saved, Error>]) -> Self {
        let mut known = Self::default();
        for feed in feeds {
            match &feed.from {
                From::Salesforce(from) => {
                    let names = from.channels.iter().map(|channel| channel.without_filter().to_owned());
                    known.channels.entry(feed.name.clone()).or_default().extend(names);
                    known.starts.insert(feed.name.clone(), target(&from.start));
                    known.retained(&feed.name, from.retention);
                }
                From::Bayeux(from) if from.replay => {
                    known.channels.entry(feed.name.clone()).or_default().extend(from.channels.iter().cloned());
                    known.starts.insert(feed.name.clone(), target(&from.start));
                    known.retained(&feed.name, Some(from.retention));
                }
                // It keeps no positions.
                From::Bayeux(_) => drop(known.channels.entry(feed.name.clone()).or_default()),
                From::Kafka(from) => {
                    known.groups.insert(feed.name.clone(), from.group.clone());
                }
            }
        }
        for saved in saved {
            let (feed, channel) = match saved {
                Ok(saved) => (&saved.feed, &saved.channel),
                Err(Error::Unreadable { feed, channel, .. }) => (feed, channel),
                Err(_) => continue,
            };
            known.channels.entry(feed.clone()).or_default().insert(channel.clone());
        }
        known
    }

    /// From the file's feeds, and from what a store has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn of(feeds: &[Feed], store: &Store) -> Result<Self, Error> {
        Ok(Self::new(feeds, &store.list()?))
    }

    /// The channels of a feed.
    ///
    /// # Errors
    /// There is no such feed, or it has no channels.
    pub fn channels(&self, feed: &str) -> Result<&BTreeSet<String>, Unknown> {
        let unknown = || match self.groups.get(feed) {
            Some(group) => Unknown::FromKafka { feed: feed.to_owned(), group: group.clone() },
            None => Unknown::Feed { feed: feed.to_owned(), known: listed(self.channels.keys()) },
        };
        self.channels.get(feed).ok_or_else(unknown)
    }

    /// The name under which a channel's position is kept: without a filter.
    ///
    /// # Errors
    /// There is no such feed, or it has no such channel.
    pub fn channel<'c>(&self, feed: &str, channel: &'c str) -> Result<&'c str, Unknown> {
        let name = channel.split_once('?').map_or(channel, |(name, _)| name);
        let channels = self.channels(feed)?;
        if channels.contains(name) {
            return Ok(name);
        }
        Err(Unknown::Channel { feed: feed.to_owned(), channel: channel.to_owned(), known: listed(channels) })
    }

    /// What the file says about a channel; for a feed that it does not describe, what it says where it says nothing.
    #[must_use]
    pub fn configured(&self, feed: &str, channel: &str) -> Configured {
        let start = self.starts.get(feed).cloned().unwrap_or(Target::Latest);
        let retention = self.retentions.get(feed).copied().unwrap_or_else(|| retention(channel));
        Configured { retention, start }
    }

    fn retained(&mut self, feed: &str, retention: Option<Duration>) {
        if let Some(retention) = retention.and_then(|retention| SignedDuration::try_from(retention).ok()) {
            self.retentions.insert(feed.to_owned(), retention);
        }
    }
}

/// How long Salesforce keeps the events of a channel: PushTopic and generic events for a day, the others for three
/// (Streaming API Developer Guide, "Message Durability"; Platform Events Developer Guide).
fn retention(channel: &str) -> SignedDuration {
    let hours = if channel.starts_with("/topic/") || channel.starts_with("/u/") { 24 } else { 72 };
    SignedDuration::from_hours(hours)
}

fn target(start: &Start) -> Target {
    match start {
        Start::Latest => Target::Latest,
        Start::Earliest => Target::Earliest,
        Start::After(id) => Target::After(id.clone()),
    }
}

fn listed<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
