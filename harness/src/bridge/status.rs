//! What `/status` says.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Every feed's state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Status {
    /// In the order of their names.
    pub feeds: Vec<FeedStatus>,
}

/// One feed's state.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FeedStatus {
    /// Its name.
    pub feed: String,
    /// `opening`, `running`, `draining`, `waiting`, `stopped`, `paused` or `done`.
    pub state: String,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Who paused it.
    pub paused: Option<Paused>,
    /// Events whose receipt has come, in this run.
    pub events: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Batches whose receipt has come.
    pub batches: u64,
    /// How often it opened again.
    pub reopens: u64,
    /// Saved positions, by stream: a channel, or `topic/partition`.
    pub positions: BTreeMap<String, StreamStatus>,
}

/// What is wrong with a feed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Problem {
    /// One of a closed set of words.
    pub reason: String,
    /// For people.
    pub text: String,
    /// What a person should do.
    pub remedy: Option<String>,
}

/// That a feed is paused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Paused {
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Where a stream stands.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StreamStatus {
    /// The replay id of the last durable event, `begun`, or the offset of the first record that is not done.
    pub position: String,
}

impl Status {
    /// A feed by its name.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&FeedStatus> {
        self.feeds.iter().find(|feed| feed.feed == name)
    }

    /// Whether a stream of a feed stands there.
    #[must_use]
    pub fn is_at(&self, feed: &str, stream: &str, position: &str) -> bool {
        self.feed(feed).and_then(|feed| feed.positions.get(stream)).is_some_and(|at| at.position == position)
    }

    /// Whether every feed runs.
    #[must_use]
    pub fn all_run(&self) -> bool {
        self.feeds.iter().all(|feed| feed.state == "running")
    }
}
