//! How a failure is recognised.

use bayeux::{Advice, Cause, Reconnect, Refusal};
use salesforce::failure_reason;

/// One mark of a failure.
pub(super) enum Sign {
    /// The code before the first colon of what the server said.
    Code(u16),
    /// The code of a reply's `error`, whatever reason stands beside it.
    Disguised(u16),
    /// The server said every one of these, in small letters.
    Says(&'static [&'static str]),
    /// The answer was an HTTP failure with this status.
    Status(u16),
    /// The answer was an HTTP failure whose page says this, in small letters.
    Page(&'static str),
    /// The server's advice, on whatever reply the session ended with.
    Advises(Reconnect),
    /// The server ended the session by itself.
    Disconnected,
    /// Below or beside Bayeux: the connection, the time, the HTTP status.
    Transport,
    /// The body was no Bayeux reply.
    Malformed,
    TooLarge,
    NoRoom,
    /// The server refused something, in whatever words.
    Refused,
    Always,
}

impl Sign {
    pub(super) fn applies(&self, cause: &Cause) -> bool {
        match (self, cause) {
            (Self::Code(code), Cause::Refused(refusal)) => code_of(refusal) == Some(*code),
            (Self::Disguised(code), Cause::Refused(refusal)) => refusal.code() == Some(*code),
            (Self::Says(words), Cause::Refused(refusal)) => {
                let said = said(refusal).to_lowercase();
                words.iter().all(|word| said.contains(word))
            }
            (Self::Status(wanted), Cause::Status { status, .. } | Cause::NoUpgrade { status, .. }) => status == wanted,
            (Self::Page(word), Cause::Status { text, .. }) => text.to_lowercase().contains(word),
            (Self::Advises(wanted), cause) => advice(cause).and_then(Advice::reconnect) == Some(*wanted),
            (Self::Disconnected, Cause::Disconnected) => true,
            (Self::Transport, Cause::Transport { .. } | Cause::Status { .. } | Cause::TimedOut) => true,
            (Self::Malformed, Cause::Malformed(_) | Cause::Empty | Cause::Unanswered) => true,
            (Self::TooLarge, Cause::TooLarge { .. }) => true,
            (Self::NoRoom, Cause::NoRoom) => true,
            (Self::Refused, Cause::Refused(_)) => true,
            (Self::Always, _) => true,
            _ => false,
        }
    }
}

/// The advice that came with the end.
pub(super) fn advice(cause: &Cause) -> Option<&Advice> {
    match cause {
        Cause::Refused(refusal) => refusal.advice.as_ref(),
        Cause::Advised(advice) => Some(advice),
        _ => None,
    }
}

/// The reason in a refusal's `ext`, where there is one.
pub(super) fn reason(refusal: &Refusal) -> Option<String> {
    refusal.ext.as_deref().and_then(failure_reason)
}

fn said(refusal: &Refusal) -> String {
    reason(refusal).unwrap_or_else(|| refusal.error.clone())
}

/// The code of the reason; where that has none, of the error that it stands beside.
fn code_of(refusal: &Refusal) -> Option<u16> {
    let code = |text: &str| text.split(':').next().and_then(|digits| digits.trim().parse().ok());
    reason(refusal).as_deref().and_then(code).or_else(|| refusal.code())
}
