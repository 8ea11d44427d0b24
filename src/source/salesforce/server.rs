//! What a session is spoken with: an org, or another CometD server, which has no logins, limits or lists of channels.

use super::channels::silence::LookOut;
use super::handshakes::Permit;
use super::reaction::{Ended, Then};
use crate::decide;
use crate::feed::{Origin, Pace, Reason, Status, Stop};
use crate::shared::Org;
use bayeux::{Cause, Failure};
use jiff::Timestamp;
use salesforce::{Channel, Data, Token};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// The other end of a session.
pub(in crate::source) enum Server {
    /// An org.
    Org(Box<Visit>),
    /// Another CometD server.
    Other(Other),
}

/// An org, as one session visits it.
pub(in crate::source) struct Visit {
    pub(super) org: Org,
    pub(super) token: Arc<Token>,
    /// What is asked for.
    pub(super) channels: Vec<Channel>,
    /// When the session was let in, and the right to handshake until it has.
    pub(super) permitted: Instant,
    pub(super) permit: Option<Permit>,
    /// Looks for channels that stay silent, from the first connect on.
    pub(super) look_out: Option<LookOut>,
}

/// Another CometD server.
#[derive(Clone)]
pub(in crate::source) struct Other {
    /// Whether it has the replay extension: positions are kept.
    pub(in crate::source) replay: bool,
    /// Whether acknowledgements were asked for.
    pub(in crate::source) ack: bool,
    /// Set once it is known to have no WebSocket, where that may be left to us.
    pub(in crate::source) no_web_socket: Option<Arc<AtomicBool>>,
    /// Where positions are not kept: since when each channel was not listened to, as far as anybody did. What was published
    /// there since is gone.
    pub(in crate::source) since: BTreeMap<String, Timestamp>,
}

impl Server {
    /// Whether what was missed can be had again.
    pub(super) fn replays(&self) -> bool {
        match self {
            Self::Org(_) => true,
            Self::Other(other) => other.replay,
        }
    }

    /// The org's id; nothing where there is none.
    pub(super) fn org_id(&self) -> &str {
        match self {
            Self::Org(visit) => visit.token.org_id.as_str(),
            Self::Other(_) => "",
        }
    }

    pub(super) fn org(&self) -> Option<&salesforce::Org> {
        match self {
            Self::Org(visit) => Some(&visit.org.gate),
            Self::Other(_) => None,
        }
    }

    pub(super) fn origin(&self, data: Box<Data>) -> Origin {
        match self {
            Self::Org(_) => Origin::Salesforce(data),
            Self::Other(_) => Origin::Bayeux(data),
        }
    }

    /// Gets a new token, where there are tokens.
    pub(super) async fn renew(&self) -> Result<(), Stop> {
        match self {
            Self::Org(visit) => match visit.org.gate.replace(&visit.token).await {
                Ok(_) => Ok(()),
                Err(error) => Err(decide::salesforce(&error)),
            },
            Self::Other(_) => Ok(()),
        }
    }

    /// The server knows us; `ack`: and acknowledges.
    pub(super) fn handshaken(&mut self, feed: &str, ack: bool) {
        match self {
            Self::Org(visit) => visit.permit = None,
            Self::Other(other) if other.ack && !ack && !other.replay => tracing::warn!(feed, "{NO_ACK}"),
            Self::Other(_) => tracing::info!(feed, acknowledgements = ack, "handshaken"),
        }
    }

    /// The session is alive; `let_be` are the channels that it goes without.
    pub(super) fn connected(&mut self, status: &Arc<Status>, let_be: &[&str]) {
        let Self::Org(visit) = self else { return };
        visit.org.handshakes.well(visit.permitted);
        let subscribed = visit.channels.iter().filter(|channel| !let_be.contains(&channel.as_str())).cloned();
        let (org, inventory) = (visit.org.gate.clone(), visit.org.inventory.clone());
        visit.look_out = Some(LookOut::begin(org, inventory, status.clone(), subscribed.collect()));
    }

    /// Since when what was published on a channel is gone, because nobody listened and nothing is kept.
    pub(super) fn interrupted(&self, channel: &str) -> Option<Timestamp> {
        match self {
            Self::Other(other) => other.since.get(channel).copied(),
            Self::Org(_) => None,
        }
    }

    /// What follows from a session's end.
    pub(super) fn ended(&self, failure: &Failure) -> Ended {
        let Self::Other(other) = self else { return Ended::of(failure) };
        let ended = Ended::elsewhere(failure);
        match (&failure.cause, &other.no_web_socket) {
            // Who is not let in, or a gateway whose server is away, learns nothing about what that server has.
            (Cause::NoUpgrade { status: 401 | 407 | 408 | 429 | 502..=504, .. }, _) => ended,
            (Cause::NoUpgrade { .. } | Cause::NoTransport(_), Some(known)) if !known.swap(true, Ordering::Relaxed) => {
                Ended { then: Then::Reopen(Reason::Transport, Pace::at_once(1, 30)), remedy: None, ..ended }
            }
            _ => ended,
        }
    }

    /// What is done about a refused channel.
    pub(super) fn then(&self, then: Then) -> Then {
        match self {
            Self::Org(_) => then,
            Self::Other(_) => then.elsewhere(),
        }
    }

    /// The session goes to its end.
    pub(super) fn end(&mut self, ended: &Ended) {
        let Self::Org(visit) = self else { return };
        if let Then::Rest(_, pace, _) = ended.then {
            visit.org.handshakes.rest(pace, &ended.clone().stop());
        }
        visit.permit = None;
    }
}

const NO_ACK: &str = "the server does not acknowledge: events in a reply that is lost are lost, and are told as a gap";

#[cfg(test)]
mod tests {
    use super::*;
    use bayeux::Phase;

    #[test]
    fn a_lack_of_web_sockets_is_known_by_an_answer_of_the_server_itself() {
        let check = |cause: Cause, expected| {
            let known = Arc::new(AtomicBool::new(false));
            let other = Other { replay: false, ack: true, no_web_socket: Some(known.clone()), since: BTreeMap::new() };
            let ended = Server::Other(other).ended(&Failure { phase: Phase::Handshake, cause });
            let at_once = matches!(ended.then, Then::Reopen(_, pace) if pace.first.is_zero());
            assert_eq!((known.load(Ordering::Relaxed), at_once), (expected, expected), "{}", ended.text);
        };
        let no_upgrade = |status| Cause::NoUpgrade { status, text: String::new() };
        for status in [200, 400, 404, 405, 426, 500, 501] {
            check(no_upgrade(status), true);
        }
        for status in [502, 503, 504] {
            check(no_upgrade(status), false);
        }
        check(Cause::NoTransport(vec!["long-polling".to_owned()]), true);
        check(Cause::TimedOut, false);
    }
}
