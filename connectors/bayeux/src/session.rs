//! The session: Bayeux without a socket, a clock or a task.
//!
//! One session is handshaken once, asks for its channels while no connect is held (two reply streams have no mutual
//! order), and then connects until something ends it. It never handshakes again: whoever owns it opens another.

mod ack;
mod answering;
mod asking;
mod config;
mod connecting;
mod event;

use crate::advice::Advice;
use crate::failure::{Cause, Failure, Phase};
use crate::message::{Ask, Outgoing};
use crate::transport::TransportKind;
use ack::Ack;
use asking::Asking;
pub use config::Config;
use connecting::Next;
pub use event::{Deadline, Event, Exchange, Reply, Request, Wait};
use serde::Deserialize;
use std::collections::VecDeque;
use std::time::Instant;

/// A Bayeux session. `D` is what is read of each event's `data` in the walk that splits a reply.
///
/// Feed it with [`handle_reply`](Self::handle_reply) or [`handle_frame`](Self::handle_frame),
/// [`handle_failure`](Self::handle_failure), [`handle_timeout`](Self::handle_timeout) and
/// [`handle_room`](Self::handle_room); after each, take what [`poll_request`](Self::poll_request) and
/// [`poll_event`](Self::poll_event) hold. A session that has not ended always has a [`deadline`](Self::deadline).
#[derive(Debug)]
pub struct Session<D> {
    config: Config,
    state: State,
    /// What is to be asked as soon as no connect is held.
    asks: VecDeque<Ask>,
    advice: Advice,
    /// The acknowledgements that the server agreed to.
    ack: Option<Ack>,
    last_reply: Instant,
    /// Until when the server may still know the session. A guess: where it is too late, the server says so.
    kept_until: Instant,
    /// Since when there has been no room for a further reply.
    no_room_since: Option<Instant>,
    last_id: u64,
    requests: VecDeque<Request>,
    events: VecDeque<Event<D>>,
}

#[derive(Debug)]
enum State {
    Handshaking {
        exchange: Exchange,
        until: Instant,
    },
    Asking {
        client_id: String,
        asking: Asking,
        first: bool,
    },
    /// No connect is held; the next one goes out at `at`, with room. `since`: the session's time without one began.
    Waiting {
        client_id: String,
        since: Instant,
        at: Instant,
        next: Next,
    },
    Connecting {
        client_id: String,
        exchange: Exchange,
        until: Instant,
        next: Next,
    },
    Disconnecting {
        exchange: Exchange,
        until: Instant,
    },
    Ended,
}

impl<D: for<'de> Deserialize<'de>> Session<D> {
    /// A session that wants to handshake.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let exchange = Exchange(1);
        let mut session = Self {
            asks: config.subscriptions.iter().cloned().map(Ask::Subscribe).collect(),
            state: State::Handshaking { exchange, until: now + config.request_timeout },
            kept_until: now + config.expiry,
            config,
            advice: Advice::default(),
            ack: None,
            last_reply: now,
            no_room_since: None,
            last_id: exchange.0,
            requests: VecDeque::new(),
            events: VecDeque::new(),
        };
        let ext = session.config.handshake_ext.as_deref();
        let wished = if session.config.ack { ack::wished(ext) } else { None };
        let message = Outgoing {
            channel: HANDSHAKE,
            id: &exchange.0.to_string(),
            version: Some("1.0"),
            minimum_version: Some("1.0"),
            supported_connection_types: Some([session.config.transport.name()]),
            ext: wished.as_deref().or(ext),
            ..Outgoing::default()
        };
        let request = message.alone(exchange, Phase::Handshake);
        session.requests.push_back(request);
        session
    }

    /// Asks for a change of subscriptions. It goes out when no connect is held, together with what else is asked by
    /// then.
    pub fn ask(&mut self, ask: Ask) {
        self.forget(ask.channel());
        self.asks.push_back(ask);
    }

    /// Lets a refused channel be: the session goes on without it.
    pub fn forget(&mut self, channel: &str) {
        if let State::Asking { asking, .. } = &mut self.state {
            asking.decided(channel);
        }
    }

    /// Asks the server to end the session. [`Event::Ended`] follows its answer, or the lack of it.
    pub fn disconnect(&mut self, now: Instant) {
        match self.client_id().map(str::to_owned) {
            Some(client_id) => {
                self.requests.clear();
                let exchange = self.say_goodbye(&client_id);
                self.state = State::Disconnecting { exchange, until: now + self.config.goodbye_timeout };
            }
            None => self.end(Phase::Disconnect, Cause::Closed),
        }
    }

    /// The next thing to say. Its answer, or its failure, has to come back under its exchange.
    pub fn poll_request(&mut self, now: Instant) -> Option<Request> {
        self.go_on_asking(now);
        self.go_on_connecting(now);
        self.requests.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event<D>> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest, and what is waited for. `None`: it has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        if let Some(since) = self.unread_since() {
            return Some(Deadline { at: since + self.config.room_timeout, wait: Wait::Room });
        }
        let (at, wait) = match &self.state {
            State::Handshaking { until, .. } => (*until, Wait::HandshakeReply),
            State::Asking { asking, .. } => asking.deadline(),
            State::Waiting { at, .. } if self.has_room() => (*at, Wait::NextConnect),
            State::Waiting { at, since, .. } => ((*at).max(*since + self.config.room_timeout), Wait::Room),
            State::Connecting { until, .. } => (*until, Wait::ConnectReply),
            State::Disconnecting { until, .. } => (*until, Wait::DisconnectReply),
            State::Ended => return None,
        };
        Some(Deadline { at, wait })
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(deadline) = self.deadline().filter(|deadline| deadline.at <= now) else { return };
        match deadline.wait {
            Wait::NextConnect => {} // `poll_request` has it
            Wait::HandshakeReply => self.end(Phase::Handshake, Cause::TimedOut),
            Wait::SubscribeReply | Wait::Decision => self.end(Phase::Subscribe, Cause::TimedOut),
            Wait::ConnectReply => self.lose(Phase::Connect, Cause::TimedOut, now),
            Wait::DisconnectReply => self.end(Phase::Disconnect, Cause::Closed),
            Wait::Room => self.end(Phase::Connect, Cause::NoRoom),
        }
    }

    /// Whether the session lives and no connect is held: what was sent for one before may be given up.
    #[must_use]
    pub fn is_between_connects(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// Whether there is room for a further reply. Without it the next connect waits, and whoever drives the session over
    /// a WebSocket reads no further frame once it has connected.
    pub fn handle_room(&mut self, room: bool, now: Instant) {
        if !room {
            self.no_room_since.get_or_insert(now);
            return;
        }
        let unread = self.unread_since().is_some();
        self.no_room_since = None;
        if unread {
            // What is waited for may have been lying there.
            self.extend(now);
        }
    }

    /// A good piece of an answer has come: the rest gets as much time again. Whole queues come in one reply, and a slow
    /// line must not make it fail for ever.
    pub fn handle_progress(&mut self, exchange: Exchange, now: Instant) {
        if self.phase_of(exchange).is_some() {
            self.extend(now);
        }
    }

    /// A good piece of what a socket brings has come: it may stand before what is waited for.
    pub fn handle_traffic(&mut self, now: Instant) {
        self.extend(now);
    }

    /// A request could not be answered: nothing, or nothing useful, came back.
    pub fn handle_failure(&mut self, exchange: Exchange, cause: Cause, now: Instant) {
        if let Some(phase) = self.phase_of(exchange) {
            self.lose(phase, cause, now);
        }
    }

    /// The socket that carried everything is gone, or could not be opened. Where the session goes on, the next request
    /// wants a new one.
    pub fn handle_closed(&mut self, cause: Cause, now: Instant) {
        match &self.state {
            State::Handshaking { .. } => self.end(Phase::Handshake, cause),
            State::Asking { .. } => self.end(Phase::Subscribe, cause),
            State::Waiting { .. } | State::Connecting { .. } => self.lose(Phase::Connect, cause, now),
            State::Disconnecting { .. } => self.end(Phase::Disconnect, Cause::Closed),
            State::Ended => {}
        }
    }

    fn extend(&mut self, now: Instant) {
        let later = now + self.config.request_timeout;
        match &mut self.state {
            State::Connecting { until, .. } => *until = later.max(*until),
            State::Asking { asking, .. } => asking.extend(later),
            State::Handshaking { .. } | State::Waiting { .. } | State::Disconnecting { .. } | State::Ended => {}
        }
    }

    fn has_room(&self) -> bool {
        self.no_room_since.is_none()
    }

    /// Since when a socket's frames lie unread for want of room. Before the first connect they are read all the same:
    /// long polling, too, subscribes without room.
    fn unread_since(&self) -> Option<Instant> {
        let reads = match &self.state {
            State::Waiting { next, .. } | State::Connecting { next, .. } => next.is_first(),
            State::Asking { first, .. } => *first,
            State::Handshaking { .. } | State::Disconnecting { .. } | State::Ended => true,
        };
        self.no_room_since.filter(|_| self.config.transport == TransportKind::WebSocket && !reads)
    }

    /// Sends what is to be asked, one array at a time; connects once all of it is answered and decided.
    fn go_on_asking(&mut self, now: Instant) {
        let State::Asking { client_id, asking, first } = &mut self.state else { return };
        let until = now + self.config.request_timeout;
        let limit = self.config.request_limit;
        if let Some(array) = asking.next_array(&mut self.asks, client_id, limit, &mut self.last_id, until) {
            let (exchange, body) = (array.exchange, array.body);
            self.requests.push_back(Request { exchange, phase: Phase::Subscribe, body, single: array.count == 1 });
        } else if asking.is_settled() {
            let (client_id, next) = (std::mem::take(client_id), Next::new(*first));
            self.state = State::Waiting { client_id, since: self.last_reply, at: now, next };
        }
    }

    /// Which phase an exchange belongs to, or `None` where nothing waits for it any more.
    fn phase_of(&self, exchange: Exchange) -> Option<Phase> {
        match &self.state {
            State::Handshaking { exchange: open, .. } => (*open == exchange).then_some(Phase::Handshake),
            State::Asking { asking, .. } => asking.expects(exchange).then_some(Phase::Subscribe),
            State::Connecting { exchange: open, .. } => (*open == exchange).then_some(Phase::Connect),
            State::Disconnecting { exchange: open, .. } => (*open == exchange).then_some(Phase::Disconnect),
            State::Waiting { .. } | State::Ended => None,
        }
    }

    /// Ends the session. Where the server still holds it, it is told so, without waiting for an answer.
    fn end(&mut self, phase: Phase, cause: Cause) {
        if matches!(self.state, State::Ended) {
            return;
        }
        self.requests.clear();
        let reachable = !matches!(cause, Cause::Transport { sent: false, .. } | Cause::NoUpgrade { .. });
        let held = match &cause {
            // One of several of a browser is as alive as the others.
            Cause::Advised(advice) => advice.multiple_clients,
            cause => !matches!(cause, Cause::Refused(_) | Cause::Disconnected | Cause::Closed),
        };
        if let Some(client_id) = self.client_id().map(str::to_owned)
            && reachable
            && held
        {
            self.say_goodbye(&client_id);
        }
        self.state = State::Ended;
        self.events.push_back(Event::Ended(Failure { phase, cause }));
    }

    fn say_goodbye(&mut self, client_id: &str) -> Exchange {
        self.last_id += 1;
        let exchange = Exchange(self.last_id);
        let id = exchange.0.to_string();
        let message = Outgoing { channel: DISCONNECT, id: &id, client_id: Some(client_id), ..Outgoing::default() };
        self.requests.push_back(message.alone(exchange, Phase::Disconnect));
        exchange
    }

    fn client_id(&self) -> Option<&str> {
        match &self.state {
            State::Asking { client_id, .. }
            | State::Waiting { client_id, .. }
            | State::Connecting { client_id, .. } => Some(client_id),
            State::Handshaking { .. } | State::Disconnecting { .. } | State::Ended => None,
        }
    }
}

pub(crate) const HANDSHAKE: &str = "/meta/handshake";
pub(crate) const SUBSCRIBE: &str = "/meta/subscribe";
pub(crate) const UNSUBSCRIBE: &str = "/meta/unsubscribe";
pub(crate) const CONNECT: &str = "/meta/connect";
pub(crate) const DISCONNECT: &str = "/meta/disconnect";

#[cfg(test)]
mod tests;
