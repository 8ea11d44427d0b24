//! What is done about each way in which a session can fail: a table, read from top to bottom.
//!
//! The words are Salesforce's (Streaming API Developer Guide, "Message reliability" and "Streaming API error codes", and
//! replies seen in the field). Where a reply carries `ext.sfdc.failureReason`, that is the reason, and `error` may be a
//! disguise: a server that is too busy says 401 or 403 there.

mod sign;
mod table;

use crate::decide;
use crate::feed::{Pace, Reason, Stop};
use bayeux::{Advice, Cause, Failure, Lost, Phase, Reconnect, Refusal};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Then {
    /// Open again, with the token at hand.
    Reopen(Reason, Pace),
    /// The same, but first after the interval that the server's advice gives.
    AsAdvised(Reason, Pace),
    /// The same, and until then no feed of the org opens a session; and what a person can do.
    Rest(Reason, Pace, &'static str),
    /// Get a new token, then open again.
    Renew(Pace),
    /// The saved position is refused: subscribe from the oldest event that is retained.
    Reposition,
    /// The channel was not found among the positions sent with it: ask once more, with them made anew.
    AskAgain,
    /// This channel is refused and tried again slowly; the others go on.
    LetBe(&'static str),
    /// A channel was refused in words that nobody knows: open again; where they come again, it is [let
    /// be](Self::LetBe), so that the others go on.
    Doubt(Reason, Pace, &'static str),
    /// A person must act.
    Fail(Reason, &'static str),
}

impl Then {
    /// The same with a server that is not Salesforce: it has nothing to log in to, and no org that rests as one.
    pub(super) fn elsewhere(self) -> Self {
        match self {
            Self::Renew(_) => Self::Rest(Reason::Unauthorized, Pace::growing(10, 300), HEADERS),
            Self::Rest(reason, pace, _) => Self::Reopen(reason, pace),
            Self::LetBe(_) => Self::LetBe(CHANNEL),
            Self::Doubt(reason, pace, _) => Self::Doubt(reason, pace, CHANNEL),
            then => then,
        }
    }
}

/// What to do about the end of a session.
fn of_failure(failure: &Failure) -> Then {
    look_up(failure.phase, &failure.cause)
}

/// What to do about a refused channel.
pub(super) fn of_refusal(refusal: &Refusal) -> Then {
    look_up(Phase::Subscribe, &Cause::Refused(refusal.clone()))
}

/// What Salesforce said, with the reason that it hides in `ext`.
pub(super) fn words(refusal: &Refusal) -> String {
    match sign::reason(refusal) {
        Some(reason) if reason != refusal.error => format!("{reason} ({refusal})"),
        _ => refusal.to_string(),
    }
}

/// A session that ended, or a channel that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(super) then: Then,
    /// What happened.
    pub(super) text: String,
    /// What a person can do, where waiting may not be enough.
    pub(super) remedy: Option<String>,
}

impl Ended {
    /// A channel was refused.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        Self { then: of_refusal(refusal), text: words(refusal), remedy: None }
    }

    /// The same with a server that is not Salesforce.
    pub(crate) fn of_refusal_elsewhere(refusal: &Refusal) -> Self {
        let ended = Self::of_refusal(refusal);
        Self { then: ended.then.elsewhere(), ..ended }
    }

    /// The session ended.
    pub(crate) fn of(failure: &Failure) -> Self {
        let then = of_failure(failure);
        let phase = failure.phase;
        match &failure.cause {
            Cause::Refused(refusal) => Self { then, text: format!("{phase}: {}", words(refusal)), remedy: None },
            Cause::Transport { error: Some(Lost(error)), .. } => {
                let host = error.url().and_then(reqwest::Url::host_str).unwrap_or_default();
                let error = salesforce::Error::of_network(host, error.clone());
                let text = format!("{phase}: {}", decide::chain(&error));
                Self { then, text, remedy: error.remedy().map(str::to_owned) }
            }
            _ => Self { then, text: failure.to_string(), remedy: None },
        }
    }

    /// The session with a server that is not Salesforce ended: where it asks not to be asked again, it means it (CometD
    /// reference, "advice").
    pub(crate) fn elsewhere(failure: &Failure) -> Self {
        let mut ended = Self::of(failure);
        let none = sign::advice(&failure.cause).and_then(Advice::reconnect) == Some(Reconnect::None);
        let then = match ended.then {
            Then::Reopen(Reason::Refused, _) if none => Then::Fail(Reason::Refused, ASKED_NOT_TO),
            then => then.elsewhere(),
        };
        if matches!(failure.cause, Cause::NoUpgrade { .. }) {
            ended.remedy = Some(NO_WEB_SOCKET.to_owned());
        }
        Self { then, ..ended }
    }

    /// The feed's end that follows.
    pub(crate) fn stop(self) -> Stop {
        let Self { then, text, remedy } = self;
        match then {
            Then::Reopen(reason, pace) | Then::AsAdvised(reason, pace) => {
                Stop::transient(reason, text, pace).advising(remedy)
            }
            Then::Rest(reason, pace, known) => {
                Stop::transient(reason, text, pace).advising(remedy.or_else(|| Some(known.to_owned())))
            }
            Then::Renew(pace) => Stop::transient(Reason::Unauthorized, text, pace).advising(remedy),
            Then::Reposition => Stop::transient(Reason::Refused, text, Pace::growing(1, 60)).advising(remedy),
            Then::AskAgain => Stop::transient(Reason::Channel, text, Pace::growing(1, 60)).advising(remedy),
            Then::LetBe(remedy) | Then::Doubt(_, _, remedy) => Stop::fatal(Reason::Channel, text, remedy),
            Then::Fail(reason, remedy) => Stop::fatal(reason, text, remedy),
        }
    }
}

fn look_up(phase: Phase, cause: &Cause) -> Then {
    let row = table::TABLE
        .iter()
        .find(|row| row.phase.is_none_or(|its| its == phase) && row.any.iter().any(|sign| sign.applies(cause)));
    match row.map_or(table::LAST, |row| row.then) {
        Then::AsAdvised(reason, pace) => {
            let first = sign::advice(cause).map(|advice: &Advice| advice.interval(pace.to)).unwrap_or(pace.first);
            Then::AsAdvised(reason, Pace { first, ..pace })
        }
        then => then,
    }
}

const HEADERS: &str = "check what `headers` sends: the server does not let it in";
const NO_WEB_SOCKET: &str = "write transport = \"auto\" or \"long-polling\"; or see that the server, and what stands before it, let a WebSocket \
     through";
const CHANNEL: &str = "check the channel's spelling (case counts), and what the server lets you subscribe";
const ASKED_NOT_TO: &str =
    "the server asks not to be asked again by itself: see to its reason, then `crossfeed resume FEED`";

#[cfg(test)]
mod tests;
