//! What a program does about an error.

use std::time::Duration;

use super::{Error, codes};

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may work later: wait, then try again.
    Transient,
    /// It will not work until a person has acted.
    Fatal,
    /// It is about what was sent: other records may go through.
    Rejected,
}

impl Error {
    /// What to do about it. Tried again are only network errors, 5xx, 429, limits, and the few codes for which
    /// Salesforce's guides say so: a code that is not known is for a person.
    ///
    /// [`Error::NotFound`] is for a person, too, since a wrong name looks the same: whoever asked for one record knows
    /// whether it may be missing.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Interrupted | Self::FreshTokens { .. } => Disposition::Transient,
            Self::Throttled { .. } | Self::Server { .. } => Disposition::Transient,
            Self::Transport { .. } | Self::Redirected { .. } | Self::Reserved { .. } => Disposition::Transient,
            // It may be mended at the other end, and no login was seen there that could count against the user.
            Self::Certificate { .. } | Self::Proxy { .. } => Disposition::Transient,
            Self::Unauthorized { message, .. } if codes::session_never_valid(message) => Disposition::Fatal,
            Self::Unauthorized { .. } | Self::Credential { passes: true, .. } => Disposition::Transient,
            Self::Login { refusal, .. } if !refusal.is_final() => Disposition::Transient,
            Self::Rejected { code, message, .. } | Self::NotFound { code, message, .. } => {
                codes::of_call(code, message)
            }
            Self::Record { .. } | Self::SeveralMatch { .. } => Disposition::Rejected,
            Self::Unexpected { status, content_type, .. } => of_unexpected(*status, content_type),
            Self::Login { .. } | Self::Remembered { .. } => Disposition::Fatal,
            Self::Credential { passes: false, .. } => Disposition::Fatal,
            Self::Configuration { .. } | Self::Channel { .. } => Disposition::Fatal,
            Self::OrgId { .. } | Self::ReplayId { .. } | Self::Ambiguous { .. } => Disposition::Fatal,
            Self::TooMany { .. } | Self::TooLarge { .. } | Self::RowCount { .. } => Disposition::Fatal,
        }
    }

    /// Whether it will not work until a person has acted.
    pub fn is_fatal(&self) -> bool {
        self.disposition() == Disposition::Fatal
    }

    /// Whether a call that failed so may have been applied all the same, so that to repeat it may do it twice.
    pub fn uncertain(&self) -> bool {
        match self {
            Self::Transport { sent, .. } => *sent,
            // Below 500 it was turned away at the door.
            Self::Server { status, .. } => *status >= 500,
            Self::TooLarge { .. } | Self::RowCount { .. } => true,
            Self::Unexpected { status, .. } => *status < 300 || *status >= 500,
            Self::Rejected { code, .. } => codes::may_have_been_applied(code),
            _ => false,
        }
    }

    /// How long to wait at least before the next try, where that is known.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Server { retry_after, .. } => *retry_after,
            Self::Unexpected { retry_after, .. } => *retry_after,
            Self::Reserved { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

/// A page of HTML, an empty 200 or a failed gateway passes; an API's JSON of another shape, or a plain 4xx, does not.
fn of_unexpected(status: u16, content_type: &str) -> Disposition {
    let for_good = match status {
        408 | 429 => false,
        400..500 => !content_type.contains("html"),
        200..300 => content_type.contains("json"),
        _ => false,
    };
    if for_good { Disposition::Fatal } else { Disposition::Transient }
}
