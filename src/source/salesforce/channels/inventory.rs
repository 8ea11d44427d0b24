//! What an org has of that which channels are made of: a subscription to what does not exist may succeed, and stay silent.
//!
//! Asked are the list of objects (REST API Developer Guide, *Describe Global*), the records of PushTopics and generic
//! channels (Streaming API Developer Guide, *PushTopic*, *StreamingChannel*), and the custom channels (Tooling API,
//! *PlatformEventChannel*).

use crate::decide;
use salesforce::{Channel, Error, Kind, ObjectSummary, Org};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// A kind of thing that an org has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Objects, among them events and change events.
    Objects,
    /// PushTopics.
    Topics,
    /// Generic channels.
    Generic,
    /// Custom channels, of platform events and of change events.
    Custom,
}

impl Part {
    /// What a channel is made of, where an org's answer about it is certain. Of standard platform events, of those of
    /// real-time event monitoring, and of the channel of all changes, no list is known to be whole.
    pub(crate) fn of(channel: &Channel) -> Option<Self> {
        let name = channel.short_name();
        match channel.kind() {
            Kind::Topic => Some(Self::Topics),
            Kind::Generic => Some(Self::Generic),
            Kind::PlatformEvent | Kind::ChangeEvents if name.ends_with(CUSTOM) => Some(Self::Custom),
            Kind::PlatformEvent if name.ends_with("__e") => Some(Self::Objects),
            Kind::PlatformEvent => None,
            Kind::ChangeEvents if name == "ChangeEvents" => None,
            Kind::ChangeEvents => Some(Self::Objects),
        }
    }

    /// What it is called, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Objects => "the list of objects",
            Self::Topics => "the list of PushTopics",
            Self::Generic => "the list of generic channels",
            Self::Custom => "the list of custom channels",
        }
    }

    /// The query for its names; none where it is no query.
    pub(crate) fn query(self) -> Option<&'static str> {
        match self {
            Self::Objects => None,
            Self::Topics => Some("SELECT Name FROM PushTopic"),
            Self::Generic => Some("SELECT Name FROM StreamingChannel"),
            Self::Custom => Some("SELECT DeveloperName FROM PlatformEventChannel"),
        }
    }
}

/// What one part holds.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Objects(Vec<ObjectSummary>),
    Names(BTreeSet<String>),
}

impl Held {
    /// Asks the org for a part: one API call, or one for each page.
    ///
    /// # Errors
    /// The org does not tell, or the calls that are left are for others.
    pub(crate) async fn ask(org: &Org, part: Part) -> Result<Self, Error> {
        let Some(query) = part.query() else {
            org.spare()?;
            return Ok(Self::Objects(org.describe_global().await?));
        };
        let mut pages = if part == Part::Custom { org.tooling_query(query) } else { org.query(query) };
        let mut names = BTreeSet::new();
        while let Some(records) = pages.next().await? {
            names.extend(records.iter().filter_map(|record| Record::name(record)));
        }
        Ok(Self::Names(names))
    }

    /// The names in the records that a query found.
    pub(crate) fn of_records(records: &[Box<RawValue>]) -> Self {
        Self::Names(records.iter().filter_map(|record| Record::name(record)).collect())
    }

    /// Whether the org has what a channel of this part is made of.
    pub(crate) fn has(&self, channel: &Channel) -> bool {
        let name = channel.short_name();
        match self {
            Self::Objects(objects) => objects.iter().any(|object| object.name == name),
            Self::Names(names) => match (channel.kind(), name.strip_suffix(CUSTOM)) {
                (Kind::Generic, _) => names.contains(channel.without_filter()),
                (Kind::Topic, _) | (_, None) => names.contains(&name),
                // A developer name has no suffix, and no prefix of a namespace.
                (_, Some(custom)) => {
                    let bare = custom.rsplit("__").next().unwrap_or(custom);
                    [name.as_str(), custom, bare].iter().any(|name| names.contains(*name))
                }
            },
        }
    }
}

/// A record of a query's.
#[derive(serde::Deserialize)]
struct Record {
    #[serde(rename = "Name", alias = "DeveloperName")]
    name: String,
}

impl Record {
    fn name(record: &RawValue) -> Option<String> {
        serde_json::from_str::<Self>(record.get()).ok().map(|record| record.name)
    }
}

/// What was learnt of an org, for all its feeds. A clone is the same org's.
#[derive(Clone)]
pub(crate) struct Inventory {
    learnt: Arc<Mutex<Learnt>>,
    /// One feed asks, and the others take its answer.
    asking: Arc<Semaphore>,
}

#[derive(Default)]
struct Learnt {
    parts: BTreeMap<Part, Answer>,
    /// When each channel was first subscribed.
    subscribed: BTreeMap<String, Instant>,
}

/// What the org answered; nothing where it did not tell.
#[derive(Clone)]
struct Answer {
    held: Option<Arc<Held>>,
    asked: Instant,
}

impl Default for Inventory {
    fn default() -> Self {
        Self { learnt: Arc::default(), asking: Arc::new(Semaphore::new(1)) }
    }
}

impl Inventory {
    /// Takes down that a channel is subscribed.
    pub(super) fn subscribed(&self, channel: &Channel) {
        self.learnt().subscribed.entry(channel.without_filter().to_owned()).or_insert_with(Instant::now);
    }

    /// Whether the org has what a channel is made of; nothing where that is not known. An answer is good for an hour,
    /// also one that tells nothing; but what is lacking may have been made after the answer and before the subscription,
    /// and is asked for once more.
    pub(crate) async fn has(&self, org: &Org, channel: &Channel) -> Option<bool> {
        let part = Part::of(channel)?;
        let subscribed = self.learnt().subscribed.get(channel.without_filter()).copied();
        let answer = self.answer(org, part, None).await?;
        let has = answer.held?.has(channel);
        if has || subscribed.is_none_or(|subscribed| answer.asked >= subscribed) {
            return Some(has);
        }
        Some(self.answer(org, part, subscribed).await?.held?.has(channel))
    }

    /// A part, asked for within the hour, and after `least`.
    async fn answer(&self, org: &Org, part: Part, least: Option<Instant>) -> Option<Answer> {
        let _alone = self.asking.acquire().await.ok()?;
        let is_good =
            |answer: &&Answer| answer.asked.elapsed() < LIFE && least.is_none_or(|least| answer.asked >= least);
        if let Some(answer) = self.learnt().parts.get(&part).filter(is_good) {
            return Some(answer.clone());
        }
        let asked = Instant::now();
        let held = match Held::ask(org, part).await {
            Ok(held) => Some(Arc::new(held)),
            Err(error) => {
                let what = part.name();
                tracing::info!(
                    remedy = error.remedy(),
                    "{what} cannot be read, so channels that stay silent are not found: {}",
                    decide::chain(&error)
                );
                None
            }
        };
        let answer = Answer { held, asked };
        self.learnt().parts.insert(part, answer.clone());
        Some(answer)
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an answer is good for.
pub(super) const LIFE: Duration = Duration::from_secs(3600);

const CUSTOM: &str = "__chn";

#[cfg(test)]
mod tests;
