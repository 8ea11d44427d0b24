//! The connect: when the next one goes out, what its answer means, and whether a lost one may be repeated.

use super::asking::Asking;
use super::{CONNECT, Event, Exchange, Session, State};
use crate::advice::Reconnect;
use crate::failure::{Cause, Phase};
use crate::message::{Outgoing, TimeoutAdvice};
use crate::split::Meta;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// How the next connect goes out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    /// Nothing of this session has connected yet.
    first: bool,
    /// How many connects in a row have had no answer, and are repeated.
    lost: u32,
}

impl Next {
    pub(super) fn new(first: bool) -> Self {
        Self { first, lost: 0 }
    }

    pub(super) fn is_first(self) -> bool {
        self.first
    }

    /// The first connect, and the first after a failure, ask for an answer at once: it proves the session alive.
    fn at_once(self) -> bool {
        self.first || self.lost > 0
    }
}

impl<D: for<'de> Deserialize<'de>> Session<D> {
    /// Sends the next connect, if it is time and there is room.
    pub(super) fn go_on_connecting(&mut self, now: Instant) {
        let room = self.has_room();
        let State::Waiting { client_id, at, next, .. } = &mut self.state else { return };
        if *at > now || !room {
            return;
        }
        let (client_id, next) = (std::mem::take(client_id), *next);
        self.last_id += 1;
        let exchange = Exchange(self.last_id);
        let ext = self.ack.as_ref().and_then(super::ack::Ack::ext);
        let hold = if next.at_once() { Duration::ZERO } else { self.advice.hold(self.config.hold, MOST_HOLD) };
        if !next.at_once() {
            // The server's clock does not run while it holds a connect, even one whose line is cut.
            self.kept_until = now + hold + self.expiry();
        }
        let message = Outgoing {
            channel: CONNECT,
            id: &exchange.0.to_string(),
            client_id: Some(&client_id),
            connection_type: Some(self.config.transport.name()),
            advice: next.at_once().then_some(TimeoutAdvice { timeout: 0 }),
            ext: ext.as_deref(),
            ..Outgoing::default()
        };
        let request = message.alone(exchange, Phase::Connect);
        self.requests.push_back(request);
        self.state = State::Connecting { client_id, exchange, until: now + hold + self.config.request_timeout, next };
    }

    /// The outstanding connect was answered.
    pub(super) fn connected(&mut self, meta: Meta, now: Instant) {
        if !meta.successful {
            return self.end(Phase::Connect, Cause::Refused(self.refusal(meta)));
        }
        let State::Connecting { client_id, next, .. } = &mut self.state else { return };
        let (client_id, next) = (std::mem::take(client_id), *next);
        if let Some(ack) = &mut self.ack {
            ack.answered(meta.ext.as_deref());
        }
        if self.asks.is_empty() {
            let at = now + self.advice.interval(MOST_INTERVAL);
            self.state = State::Waiting { client_id, since: now, at, next: Next::new(false) };
        } else {
            let asking = Asking::new(now + self.config.request_timeout);
            self.state = State::Asking { client_id, asking, first: false };
        }
        // A reply may be successful and yet advise the end (measured on CometD 8 when the server disconnects a session).
        // And of several sessions of one browser only one is served as it should be, even after the others are gone.
        let advised = matches!(self.advice.reconnect(), Some(Reconnect::Handshake | Reconnect::None));
        if advised || self.advice.multiple_clients {
            return self.end(Phase::Connect, Cause::Advised(self.advice.clone()));
        }
        if next.first {
            self.events.push_back(Event::Connected);
        }
    }

    /// An answer will not come. A connect is repeated where nothing can be lost by it, anything else is the end.
    pub(super) fn lose(&mut self, phase: Phase, cause: Cause, now: Instant) {
        let repeats = self.repeats(&cause, now);
        let delay = self.config.repeat_delay;
        match &mut self.state {
            State::Connecting { client_id, next, .. } | State::Waiting { client_id, next, .. } if repeats => {
                let delay = delay.saturating_mul(1 << next.lost.min(8)).min(MOST_REPEAT_DELAY);
                let next = Next { lost: next.lost + 1, ..*next };
                let client_id = std::mem::take(client_id);
                self.state = State::Waiting { client_id, since: now, at: now + delay, next };
            }
            _ => self.end(phase, cause),
        }
    }

    /// Whether a connect that failed so may go out again in this session.
    fn repeats(&self, cause: &Cause, now: Instant) -> bool {
        match (cause, &self.ack) {
            // The server sends again what was not acknowledged, as long as it knows the session.
            (Cause::Transport { .. } | Cause::TimedOut, Some(_)) => now < self.kept_until,
            (Cause::Status { status, .. }, Some(_)) => passes(*status) && now < self.kept_until,
            // It never left this machine, so no event can have been written into its answer.
            (Cause::Transport { sent: false, .. }, None) => now < self.last_reply + self.expiry(),
            _ => false,
        }
    }

    pub(super) fn expiry(&self) -> Duration {
        self.advice.expiry().unwrap_or(self.config.expiry)
    }
}

/// Whether the same request may be answered otherwise in a while (RFC 9110, RFC 6585). Others would be refused for ever.
fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// A server may slow us down, but not out of the session: some servers forget it 40 s after their last answer.
const MOST_INTERVAL: Duration = Duration::from_secs(30);
/// The longest hold that we believe: beyond it a dead connection would go unnoticed.
pub(super) const MOST_HOLD: Duration = Duration::from_secs(600);
const MOST_REPEAT_DELAY: Duration = Duration::from_secs(30);
