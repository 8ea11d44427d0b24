//! Moving positions by hand: what is asked, what it would do, and doing it.
//!
//! Replay ids have no order, so whether a change repeats or skips events is told by the times of the events there, in
//! hours, and never more exactly than *up to*. Where no time is known that is said.

use super::known::Configured;
use super::record::digits;
use super::store::{Entry, Error, Saved, Store};
use super::{Known, Position};
use jiff::{SignedDuration, Timestamp};
use salesforce::ReplayId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Where a person wants a channel to go on. As JSON: `"earliest"`, `"latest"`, `{"after":"42"}`, `{"exactly":{…}}` with a
/// [`Position`], `"absent"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// With the oldest event that is retained. Kept as [`Position::Earliest`], so that it holds against any configured
    /// start.
    Earliest,
    /// With what comes from now on. Kept as [`Position::Begun`] now, not as no position or as a tip that is asked for when
    /// the feed opens: what comes between this moment and that one is not lost, however long the feed stays stopped. The
    /// price is that of every beginning: all that is retained is fetched once, and what is older is skipped, all but the
    /// last five minutes before now.
    Latest,
    /// With the first event after this one.
    After(#[serde(with = "digits")] ReplayId),
    /// At a position that was kept elsewhere.
    Exactly(Position),
    /// Nowhere: the position is removed, and the configured start holds again.
    Absent,
}

/// One change that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The feed.
    pub feed: String,
    /// The channel, without a filter.
    pub channel: String,
    /// Where to.
    pub to: Target,
}

/// What changes would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made: the *now* of its figures, and of `latest`.
    pub made: Timestamp,
    /// A row a channel, in the order in which they were asked for.
    pub rows: Vec<Row>,
}

/// What one change would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The feed.
    pub feed: String,
    /// The channel.
    pub channel: String,
    /// Where it stands; absent: nowhere, or nobody can read it.
    pub from: Option<Position>,
    /// Where to.
    pub to: Target,
    /// What that means for its events.
    pub effect: Effect,
}

/// What a change means for the events of a channel. Hours are upper bounds: of what is retained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing changes.
    Unchanged,
    /// Events come again.
    Repeats {
        /// Up to so many hours of them.
        hours: f64,
        /// The time of the first.
        since: Timestamp,
    },
    /// Events never come.
    Skips {
        /// Up to so many hours of them.
        hours: f64,
        /// The time of the first.
        since: Timestamp,
    },
    /// There was no position to repeat from, or to skip from.
    Begins {
        /// The time of the first event that comes, where it is known.
        since: Option<Timestamp>,
    },
    /// One of both: the time of the replay id is not known.
    Unknown {
        /// Up to so many hours of events come again.
        repeats: f64,
        /// Or up to so many hours of them never come.
        skips: f64,
    },
    /// The configured start holds again.
    Anew {
        /// That start.
        start: Target,
        /// What it means today.
        effect: Box<Effect>,
    },
}

/// A channel is named twice among changes: which one is meant?
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the channel {channel} of feed `{feed}` is named twice")]
pub struct Twice {
    /// The feed.
    pub feed: String,
    /// The channel.
    pub channel: String,
}

/// What changes would do to the positions as [`Store::list`] gives them. A position that cannot be read may be moved, too.
///
/// # Errors
/// A channel is named twice.
pub fn plan(
    current: &[Result<Saved, Error>],
    changes: &[Change],
    known: &Known,
    now: Timestamp,
) -> Result<Plan, Twice> {
    let mut named = BTreeSet::new();
    let mut rows = Vec::new();
    for Change { feed, channel, to } in changes {
        if !named.insert((feed, channel)) {
            return Err(Twice { feed: feed.clone(), channel: channel.clone() });
        }
        let stands = Stands::of(current, feed, channel);
        let effect = effect(&stands, to, &known.configured(feed, channel), now);
        rows.push(Row {
            feed: feed.clone(),
            channel: channel.clone(),
            from: stands.position(),
            to: to.clone(),
            effect,
        });
    }
    Ok(Plan { made: now, rows })
}

/// Does what a plan says, in one write, and keeps it in the history. Nobody else may write these feeds' positions since the
/// plan was made. Blocks for the disk.
///
/// # Errors
/// The store cannot be written: then nothing was changed.
pub fn apply(store: &Store, plan: &Plan, by: &str, reason: Option<&str>, now: Timestamp) -> Result<(), Error> {
    let changed = plan.rows.iter().filter(|row| row.effect != Effect::Unchanged);
    let entries: Vec<Entry> = changed
        .map(|row| Entry {
            feed: row.feed.clone(),
            channel: row.channel.clone(),
            at: now,
            by: plain(by),
            reason: reason.map(plain),
            from: row.from.clone(),
            to: row.position(plan.made),
        })
        .collect();
    if entries.is_empty() {
        return Ok(());
    }
    store.change_by_hand(&entries)
}

impl Plan {
    /// Whether it changes anything.
    #[must_use]
    pub fn changes_something(&self) -> bool {
        self.rows.iter().any(|row| row.effect != Effect::Unchanged)
    }

    /// What a person confirms: so many hours of events, at most, come again or never.
    #[must_use]
    pub fn summary(&self) -> String {
        let most = |hours: fn(&Effect) -> f64| self.rows.iter().map(|row| hours(&row.effect)).fold(0.0, f64::max);
        let (repeats, skips) = (most(Effect::repeats), most(Effect::skips));
        let channels = self.rows.iter().filter(|row| row.effect != Effect::Unchanged).count();
        let channels = if channels == 1 { "1 channel".to_owned() } else { format!("{channels} channels") };
        match (repeats > 0.0, skips > 0.0) {
            (false, false) => format!("{channels}; repeats and skips nothing that is known to be retained"),
            (true, false) => format!("{channels}; repeats up to {repeats:.1} h of events"),
            (false, true) => {
                format!("{channels}; SKIPS up to {skips:.1} h of events, which are then lost to this feed")
            }
            (true, true) => format!("{channels}; repeats up to {repeats:.1} h and SKIPS up to {skips:.1} h of events"),
        }
    }
}

impl Row {
    /// Where the channel stands once the plan, which was made then, is done.
    #[must_use]
    pub fn position(&self, made: Timestamp) -> Option<Position> {
        if self.effect == Effect::Unchanged { self.from.clone() } else { self.to.position(made) }
    }
}

impl Effect {
    fn repeats(&self) -> f64 {
        match self {
            Self::Repeats { hours, .. } => *hours,
            Self::Unknown { repeats, .. } => *repeats,
            Self::Anew { effect, .. } => effect.repeats(),
            Self::Unchanged | Self::Skips { .. } | Self::Begins { .. } => 0.0,
        }
    }

    fn skips(&self) -> f64 {
        match self {
            Self::Skips { hours, .. } => *hours,
            Self::Unknown { skips, .. } => *skips,
            Self::Anew { effect, .. } => effect.skips(),
            Self::Unchanged | Self::Repeats { .. } | Self::Begins { .. } => 0.0,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("stays as it is"),
            Self::Repeats { hours, since } => {
                write!(f, "repeats up to {hours:.1} h of events (everything since {})", seconds(*since))
            }
            Self::Skips { hours, since } => {
                write!(f, "skips up to {hours:.1} h of events (everything since {})", seconds(*since))
            }
            Self::Begins { since: Some(since) } => write!(f, "begins with everything since {}", seconds(*since)),
            Self::Begins { since: None } => f.write_str("begins after an event whose time is not known"),
            Self::Unknown { repeats, skips } => write!(
                f,
                "the time of that event is not known: repeats up to {repeats:.1} h of events, or skips up to {skips:.1} h"
            ),
            Self::Anew { start, effect } => {
                write!(f, "starts anew at the configured start, {start}: {effect}")?;
                if *start == Target::Latest {
                    f.write_str(", and skips what comes until the feed opens")
                } else {
                    Ok(())
                }
            }
        }
    }
}

impl Target {
    /// The position that stands for it; `None`: there is none.
    fn position(&self, now: Timestamp) -> Option<Position> {
        match self {
            Self::Earliest => Some(Position::Earliest),
            Self::Latest => Some(Position::Begun { date: now }),
            Self::After(id) => Some(Position::At { id: id.clone(), time_ms: None }),
            Self::Exactly(position) => Some(position.clone()),
            Self::Absent => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest | Self::Exactly(Position::Earliest) => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::After(id) | Self::Exactly(Position::At { id, .. }) => write!(f, "after {id}"),
            Self::Exactly(Position::Begun { date }) => write!(f, "begun {}", seconds(*date)),
            Self::Absent => f.write_str("no position"),
        }
    }
}

impl std::str::FromStr for Target {
    type Err = String;

    /// `earliest`, `latest`, or a replay id.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            id => id.parse().map(Self::After).map_err(|error: salesforce::Error| {
                format!("{error}: write `earliest`, `latest`, or the replay id of the last event not to come again")
            }),
        }
    }
}

/// Where a channel stands before a change.
enum Stands {
    Nowhere,
    Unreadable,
    At(Position),
}

impl Stands {
    fn of(current: &[Result<Saved, Error>], feed: &str, channel: &str) -> Self {
        let mut found = current.iter().filter_map(|it| match it {
            Ok(saved) => (saved.feed == feed && saved.channel == channel).then(|| Self::At(saved.position.clone())),
            Err(Error::Unreadable { feed: f, channel: c, .. }) => {
                (f == feed && c == channel).then_some(Self::Unreadable)
            }
            Err(_) => None,
        });
        found.next().unwrap_or(Self::Nowhere)
    }

    fn position(&self) -> Option<Position> {
        match self {
            Self::At(position) => Some(position.clone()),
            Self::Nowhere | Self::Unreadable => None,
        }
    }
}

fn effect(stands: &Stands, to: &Target, configured: &Configured, now: Timestamp) -> Effect {
    let moved = |to: &Target| to.position(now).map(|to| moved(stands, &to, configured.retention, now));
    match (to, stands) {
        (Target::Absent, Stands::Nowhere) => Effect::Unchanged,
        (Target::Absent, _) => {
            let effect = moved(&configured.start).unwrap_or(Effect::Unchanged);
            Effect::Anew { start: configured.start.clone(), effect: Box::new(effect) }
        }
        (to, _) => moved(to).unwrap_or(Effect::Unchanged),
    }
}

/// What a move to a position means.
fn moved(stands: &Stands, to: &Position, retention: SignedDuration, now: Timestamp) -> Effect {
    let oldest = now.checked_sub(retention).unwrap_or(Timestamp::UNIX_EPOCH);
    let from = match stands {
        Stands::Nowhere => return Effect::Begins { since: time(to, oldest, now) },
        Stands::At(from) if same(from, to) => return Effect::Unchanged,
        Stands::At(from) => time(from, oldest, now),
        Stands::Unreadable => None,
    };
    match (from, time(to, oldest, now)) {
        (Some(from), Some(to)) if to <= from => Effect::Repeats { hours: hours(to, from), since: to },
        (Some(from), Some(to)) => Effect::Skips { hours: hours(from, to), since: from },
        (None, Some(to)) if to == oldest => Effect::Repeats { hours: hours(oldest, now), since: oldest },
        (None, Some(to)) if to == now => Effect::Skips { hours: hours(oldest, now), since: oldest },
        (from, _) => {
            Effect::Unknown { repeats: hours(oldest, from.unwrap_or(now)), skips: hours(from.unwrap_or(oldest), now) }
        }
    }
}

/// The time that a position stands for, among those of the events that are retained.
fn time(position: &Position, oldest: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let time = match position {
        Position::Earliest => oldest,
        Position::Begun { date } => *date,
        Position::At { time_ms, .. } => Timestamp::from_millisecond((*time_ms)?).ok()?,
    };
    Some(time.clamp(oldest, now))
}

/// Whether two positions are one place: of an event that is known by its id the time may not be.
fn same(one: &Position, other: &Position) -> bool {
    match (one, other) {
        (Position::At { id, .. }, Position::At { id: other, .. }) => id == other,
        (one, other) => one == other,
    }
}

/// Hours, rounded up to a tenth: they are said as *up to*.
fn hours(from: Timestamp, to: Timestamp) -> f64 {
    let span: SignedDuration = to.duration_since(from);
    (span.as_secs_f64().max(0.0) / 360.0).ceil() / 10.0
}

/// A moment, to the second.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Words from outside, fit for a terminal: of a bounded length, on one line.
fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(MOST_WORDS).collect()
}

/// Characters of a reason, or of a name.
const MOST_WORDS: usize = 300;

#[cfg(test)]
mod tests;
