//! The refusals that faults ask for, in Salesforce's words: "Streaming API Developer Guide", error codes, and what
//! clients have seen.

use super::message::{BUSY, DAILY_LIMIT, Refusal, TOO_BUSY, UNAUTHENTICATED};
use crate::channel::{self, Kind};
use crate::fault::{Advised, Denial, Fault, Refused};

/// The refusal of every message; none where the fault is of another kind.
pub(super) fn by(fault: &Fault) -> Option<Refusal> {
    match fault {
        Fault::Unauthorized => Some(UNAUTHENTICATED),
        Fault::Unavailable => Some(TOO_BUSY),
        Fault::Refused(refused) => Some(refusal(*refused)),
        _ => None,
    }
}

fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::Unauthorized => Refusal::veiled(INVALID, INVALID).advising("none"),
        Refused::BusyAs401 => Refusal::veiled(INVALID, BUSY).bare().advising("none"),
        Refused::BusyAs403 => Refusal::veiled("403::Unknown client", BUSY).advising("none"),
        Refused::Connections => Refusal::denied(CONNECTIONS).advising("none"),
        Refused::Clients => Refusal::denied("403::Organization concurrent user limit exceeded").advising("none"),
        Refused::DailyLimit => DAILY_LIMIT,
        Refused::Subscriptions => Refusal::new("403::Subscription limit exceeded for this topic"),
        Refused::HandshakeDenied => Refusal::new("403::Handshake denied").advising("none"),
        Refused::UnknownClient(advised) => {
            let unknown = Refusal::new("403::Unknown client").ending();
            match advised {
                Advised::Handshake => unknown.advising("handshake"),
                Advised::None => unknown.advising("none"),
                Advised::Absent => unknown,
            }
        }
    }
}

/// Why a channel is denied.
pub(super) fn denial(denial: Denial, channel: &str) -> Refusal {
    Refusal::new(match denial {
        Denial::NoRights => match channel::kind(channel) {
            Some(Kind::Change) => "403::User not allowed to subscribe CDC without View All Data permissions".to_owned(),
            Some(Kind::PushTopic) => "403::Subscriber does not have access to the entity in this topic".to_owned(),
            Some(Kind::Platform | Kind::Generic) | None => "403::No access on channel".to_owned(),
        },
        Denial::DoesNotExist => not_there(channel),
        Denial::NotEnabled => "403::User not enabled for streaming".to_owned(),
        Denial::Restricted => "403::Restricted channel".to_owned(),
        Denial::CreateDenied => CREATE_DENIED.to_owned(),
        Denial::Unknown => "404::Unknown channel".to_owned(),
    })
}

/// A channel that the org does not have.
pub(super) fn unknown(channel: &str) -> Refusal {
    Refusal::new(match channel::kind(channel) {
        Some(Kind::PushTopic) => CREATE_DENIED.to_owned(),
        Some(Kind::Generic) => format!("403::Cannot create channel {{{channel}}}"),
        Some(Kind::Change | Kind::Platform) | None => not_there(channel),
    })
}

fn not_there(channel: &str) -> String {
    format!("400::The channel you requested to subscribe to does not exist {{{channel}}}")
}

const INVALID: &str = "401::Authentication invalid";
const CREATE_DENIED: &str = "403:denied_by_security_policy:create_denied";
const CONNECTIONS: &str = "403::To protect all customers from excessive use and Denial of Service attacks, we limit the number of simultaneous connections per server. Your request has been denied because this limit has been exceeded. Please try your request again later.";
