//! What is done about each way in which a session can fail: a table, read from top to bottom.
//!
//! The words are Salesforce's (Streaming API Developer Guide, "Message reliability" and "Streaming API error codes", and
//! replies seen in the field). Where a reply carries `ext.sfdc.failureReason`, that is the reason, and `error` may be a
//! disguise: a server that is too busy says 401 or 403 there.

use crate::decide;
use crate::feed::{Pace, Reason, Stop};
use bayeux::{Cause, Failure, Lost, Phase, Refusal};
use salesforce::failure_reason;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Then {
    /// Open again, with the token at hand.
    Reopen(Reason, Pace),
    /// Get a new token, then open again.
    Renew(Pace),
    /// The saved position is refused: subscribe from the oldest event that is retained.
    Reposition,
    /// A person must act.
    Fail(Reason, &'static str),
}

/// One row of the table.
struct Row {
    /// Where it applies; `None`: anywhere.
    phase: Option<Phase>,
    /// It applies if any of these does.
    any: &'static [Sign],
    then: Then,
}

/// How a failure is recognised.
enum Sign {
    /// The code before the first colon, of the failure reason or of the error; or the HTTP status.
    Code(u16),
    /// Every one of these, in small letters.
    Says(&'static [&'static str]),
    /// The server ended the session by itself.
    Disconnected,
    /// Below or beside Bayeux: the connection, the time, the HTTP status, the body.
    Transport,
    /// The body was no Bayeux reply.
    Malformed,
    TooLarge,
    NoRoom,
    Always,
}

const TABLE: &[Row] = &[
    Row {
        phase: None,
        any: &[Sign::TooLarge],
        then: Then::Fail(Reason::TooLarge, "raise `reply_limit` above the size of one reply; then restart"),
    },
    Row { phase: None, any: &[Sign::NoRoom], then: Then::Reopen(Reason::NoRoom, Pace::at_once(1, 60)) },
    Row {
        phase: None,
        any: &[
            Sign::Code(503),
            Sign::Says(&["too busy"]),
            Sign::Says(&["limit the number of simultaneous connections"]),
        ],
        then: Then::Reopen(Reason::Busy, Pace::growing(60, 300)),
    },
    Row {
        phase: None,
        any: &[Sign::Says(&["total events daily limit exceeded"])],
        then: Then::Reopen(Reason::Limit, Pace::growing(300, 3600)),
    },
    Row {
        phase: None,
        any: &[Sign::Says(&["concurrent user limit exceeded"]), Sign::Says(&["subscription limit exceeded"])],
        then: Then::Reopen(Reason::Limit, Pace::growing(60, 600)),
    },
    Row {
        phase: None,
        any: &[
            Sign::Code(401),
            Sign::Says(&["authentication invalid"]),
            Sign::Says(&["request requires authentication"]),
            Sign::Says(&["authenticated user id does not match"]),
        ],
        then: Then::Renew(Pace::at_once(1, 60)),
    },
    Row { phase: Some(Phase::Subscribe), any: &[Sign::Says(&["replayid", "invalid"])], then: Then::Reposition },
    Row {
        phase: None,
        any: &[
            Sign::Disconnected,
            Sign::Says(&["unknown client"]),
            Sign::Says(&["has not completed handshake"]),
            Sign::Says(&["no ", "cookie present"]),
        ],
        then: Then::Reopen(Reason::UnknownClient, Pace::at_once(1, 60)),
    },
    Row { phase: None, any: &[Sign::Malformed], then: Then::Reopen(Reason::Malformed, Pace::growing(1, 30)) },
    Row { phase: None, any: &[Sign::Transport], then: Then::Reopen(Reason::Transport, Pace::growing(1, 30)) },
    Row {
        phase: Some(Phase::Subscribe),
        any: &[Sign::Always],
        then: Then::Fail(
            Reason::Channel,
            "check the channel's spelling (case counts), that the object is selected for Change Data Capture or the \
             event exists, and that the user may read it; then restart",
        ),
    },
    Row { phase: None, any: &[Sign::Always], then: Then::Reopen(Reason::Refused, Pace::growing(1, 60)) },
];

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
    match reason(refusal) {
        Some(reason) if reason != refusal.error => format!("{reason} ({refusal})"),
        _ => refusal.to_string(),
    }
}

/// A session that ended, or a channel that was refused.
#[derive(Clone)]
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

    /// The feed's end that follows.
    pub(crate) fn stop(self) -> Stop {
        let Self { then, text, remedy } = self;
        match then {
            Then::Reopen(reason, pace) => Stop::transient(reason, text, pace).advising(remedy),
            Then::Renew(pace) => Stop::transient(Reason::Unauthorized, text, pace).advising(remedy),
            Then::Reposition => Stop::transient(Reason::Refused, text, Pace::growing(1, 60)).advising(remedy),
            Then::Fail(reason, remedy) => Stop::fatal(reason, text, remedy),
        }
    }
}

fn look_up(phase: Phase, cause: &Cause) -> Then {
    let row = TABLE
        .iter()
        .find(|row| row.phase.is_none_or(|its| its == phase) && row.any.iter().any(|sign| sign.applies(cause)));
    row.map_or(Then::Reopen(Reason::Refused, Pace::growing(1, 60)), |row| row.then)
}

impl Sign {
    fn applies(&self, cause: &Cause) -> bool {
        match self {
            Self::Code(code) => match cause {
                Cause::Refused(refusal) => {
                    refusal.code() == Some(*code) || reason(refusal).is_some_and(|reason| has_code(&reason, *code))
                }
                // An HTTP 503 is a proxy's or a balancer's word and short-lived; a 401 is Salesforce's.
                Cause::Status { status, .. } => status == code && *code != 503,
                _ => false,
            },
            Self::Says(words) => match cause {
                Cause::Refused(refusal) => {
                    let said = reason(refusal).unwrap_or_else(|| refusal.error.clone()).to_lowercase();
                    words.iter().all(|word| said.contains(word))
                }
                _ => false,
            },
            Self::Disconnected => matches!(cause, Cause::Disconnected),
            Self::Transport => {
                matches!(cause, Cause::Transport { .. } | Cause::Status { .. } | Cause::TimedOut)
            }
            Self::Malformed => matches!(cause, Cause::Malformed(_) | Cause::Empty | Cause::Unanswered),
            Self::TooLarge => matches!(cause, Cause::TooLarge { .. }),
            Self::NoRoom => matches!(cause, Cause::NoRoom),
            Self::Always => true,
        }
    }
}

fn reason(refusal: &Refusal) -> Option<String> {
    refusal.ext.as_deref().and_then(failure_reason)
}

fn has_code(reason: &str, code: u16) -> bool {
    reason.split(':').next().and_then(|digits| digits.trim().parse().ok()) == Some(code)
}

#[cfg(test)]
mod tests;
