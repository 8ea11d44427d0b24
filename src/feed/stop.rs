//! Why a feed stopped, and what is done about it.

use std::fmt;
use std::time::Duration;

/// The end of an open feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// What kind of end it was, for metrics: a closed set.
    pub reason: Reason,
    /// What happened, in the words of whoever said it.
    pub text: String,
    /// What a person can do, where something is known.
    pub remedy: Option<String>,
    /// What is done about it.
    pub decision: Decision,
}

/// What a feed does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Wait, and open again.
    Transient(Pace),
    /// A person must act.
    Fatal,
}

/// How fast a feed may open again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The wait after the first failure.
    pub first: Duration,
    /// The wait after the second, growing from there …
    pub from: Duration,
    /// … to this.
    pub to: Duration,
}

impl Pace {
    /// At once the first time, then from `from` to `to` seconds.
    #[must_use]
    pub const fn at_once(from: u64, to: u64) -> Self {
        Self { first: Duration::ZERO, from: Duration::from_secs(from), to: Duration::from_secs(to) }
    }

    /// From `from` to `to` seconds.
    #[must_use]
    pub const fn growing(from: u64, to: u64) -> Self {
        let from = Duration::from_secs(from);
        Self { first: from, from, to: Duration::from_secs(to) }
    }
}

/// A closed set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation; docs/operations.md has the table")]
pub enum Reason {
    Login,
    Unauthorized,
    Busy,
    Limit,
    UnknownClient,
    Refused,
    Channel,
    Transport,
    Malformed,
    TooLarge,
    NoRoom,
    Salesforce,
    Rejected,
    Kafka,
    Topic,
    Receipt,
    Positions,
    Bug,
}

impl Reason {
    /// The label's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Unauthorized => "unauthorized",
            Self::Busy => "busy",
            Self::Limit => "limit",
            Self::UnknownClient => "unknown_client",
            Self::Refused => "refused",
            Self::Channel => "channel",
            Self::Transport => "transport",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::NoRoom => "no_room",
            Self::Salesforce => "salesforce",
            Self::Rejected => "rejected",
            Self::Kafka => "kafka",
            Self::Topic => "topic",
            Self::Receipt => "receipt",
            Self::Positions => "positions",
            Self::Bug => "bug",
        }
    }
}

impl Stop {
    /// An end after which the feed opens again.
    #[must_use]
    pub fn transient(reason: Reason, text: impl fmt::Display, pace: Pace) -> Self {
        Self { reason, text: text.to_string(), remedy: None, decision: Decision::Transient(pace) }
    }

    /// An end after which a person must act.
    #[must_use]
    pub fn fatal(reason: Reason, text: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { reason, text: text.to_string(), remedy: Some(remedy.into()), decision: Decision::Fatal }
    }

    /// With what a person can do about it.
    #[must_use]
    pub fn advising(self, remedy: Option<impl Into<String>>) -> Self {
        Self { remedy: remedy.map(Into::into), ..self }
    }

    pub(super) fn receipt_lost() -> Self {
        Self::transient(Reason::Receipt, "a receipt was lost", Pace::at_once(1, 60))
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Stop {}
