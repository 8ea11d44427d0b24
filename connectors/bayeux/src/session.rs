//! The session: Bayeux without a socket, a clock or a task.
//!
//! One session is handshaken once, asks for its channels while no connect is held (two reply streams have no mutual
//! order), and then connects until something ends it. It never handshakes again: whoever owns it opens another.

mod asking;
mod config;
mod event;

use crate::advice::{Advice, Reconnect};
use crate::failure::{Cause, Failure, Phase, Refusal};
use crate::message::{Ask, Outgoing, TimeoutAdvice};
use crate::split::{Message, Meta, split};
use asking::Asking;
pub use config::Config;
pub use event::{Deadline, Event, Exchange, Reply, Request, Wait};
use serde::Deserialize;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A Bayeux session. `D` is what is read of each event's `data` in the walk that splits a reply.
///
/// Feed it with [`handle_reply`](Self::handle_reply), [`handle_failure`](Self::handle_failure),
/// [`handle_timeout`](Self::handle_timeout) and [`handle_room`](Self::handle_room); after each, take what
/// [`poll_request`](Self::poll_request) and [`poll_event`](Self::poll_event) hold. A session that has not ended always
/// has a [`deadline`](Self::deadline).
#[derive(Debug)]
pub struct Session<D> {
    config: Config,
    state: State,
    /// What is to be asked as soon as no connect is held.
    asks: VecDeque<Ask>,
    advice: Advice,
    last_reply: Instant,
    room: bool,
    last_id: u64,
    requests: VecDeque<Request>,
    events: VecDeque<Event<D>>,
}

#[derive(Debug)]
enum State {
    Handshaking { exchange: Exchange, until: Instant },
    Asking { client_id: String, asking: Asking, first: bool },
    Waiting { client_id: String, at: Instant, next: Next },
    Connecting { client_id: String, exchange: Exchange, until: Instant, next: Next },
    Disconnecting { exchange: Exchange, until: Instant },
    Ended,
}

/// How the next connect goes out.
#[derive(Debug, Clone, Copy)]
struct Next {
    /// Nothing of this session has connected yet.
    first: bool,
    /// How often in a row a connect could not leave this machine.
    unsent: u32,
}

impl Next {
    /// The first connect, and the first after a failure, ask for an answer at once: it proves the session alive.
    fn at_once(self) -> bool {
        self.first || self.unsent > 0
    }
}

impl<D: for<'de> Deserialize<'de>> Session<D> {
    /// A session that wants to handshake.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let exchange = Exchange(0);
        let mut session = Self {
            asks: config.subscriptions.iter().cloned().map(Ask::Subscribe).collect(),
            state: State::Handshaking { exchange, until: now + config.request_timeout },
            config,
            advice: Advice::default(),
            last_reply: now,
            room: true,
            last_id: 0,
            requests: VecDeque::new(),
            events: VecDeque::new(),
        };
        let id = session.next_id();
        let body = Outgoing {
            channel: HANDSHAKE,
            id: &id,
            version: Some("1.0"),
            minimum_version: Some("1.0"),
            supported_connection_types: Some([session.config.connection_type]),
            ext: session.config.handshake_ext.as_deref(),
            ..Outgoing::default()
        }
        .json();
        session.requests.push_back(Request {
            exchange,
            phase: Phase::Handshake,
            body: format!("[{body}]"),
            single: true,
        });
        session
    }

    /// Asks for a change of subscriptions. It goes out when no connect is held.
    pub fn ask(&mut self, ask: Ask, now: Instant) {
        if let State::Asking { asking, .. } = &mut self.state {
            asking.decided(ask.channel());
        }
        self.asks.push_back(ask);
        self.go_on_asking(now);
    }

    /// Lets a refused channel be: the session goes on without it.
    pub fn forget(&mut self, channel: &str, now: Instant) {
        if let State::Asking { asking, .. } = &mut self.state {
            asking.decided(channel);
        }
        self.go_on_asking(now);
    }

    /// Asks the server to end the session. [`Event::Ended`] follows its answer, or the lack of it.
    pub fn disconnect(&mut self, now: Instant) {
        match self.client_id().map(str::to_owned) {
            Some(client_id) => {
                let exchange = self.say_goodbye(&client_id);
                self.state = State::Disconnecting { exchange, until: now + self.config.goodbye_timeout };
            }
            None => self.end(Phase::Disconnect, Cause::Closed),
        }
    }

    /// The next thing to say. Its answer, or its failure, has to come back under its exchange.
    pub fn poll_request(&mut self, now: Instant) -> Option<Request> {
        if let State::Waiting { client_id, at, next } = &self.state
            && self.room
            && *at <= now
        {
            let (client_id, next) = (client_id.clone(), *next);
            self.connect(client_id, next, now);
        }
        self.requests.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event<D>> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest, and what is waited for. `None`: it has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        let (at, wait) = match &self.state {
            State::Waiting { .. } if cfg!(feature = "planted-deaf") && !self.room => return None,
            State::Handshaking { until, .. } => (*until, Wait::HandshakeReply),
            State::Asking { asking, .. } => asking.deadline(),
            State::Waiting { at, .. } if self.room => (*at, Wait::NextConnect),
            State::Waiting { at, .. } => ((*at).max(self.last_reply + self.config.room_timeout), Wait::Room),
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
            Wait::ConnectReply => self.end(Phase::Connect, Cause::TimedOut),
            Wait::DisconnectReply => self.end(Phase::Disconnect, Cause::Closed),
            Wait::Room => self.end(Phase::Connect, Cause::NoRoom),
        }
    }

    /// Whether there is room for a further reply. Without it the next connect waits.
    pub fn handle_room(&mut self, room: bool) {
        self.room = room;
    }

    /// A good piece of an answer has come: the rest gets as much time again. Whole queues come in one reply, and a slow
    /// line must not make it fail for ever.
    pub fn handle_progress(&mut self, exchange: Exchange, now: Instant) {
        let later = now + self.config.request_timeout;
        match &mut self.state {
            State::Connecting { exchange: open, until, .. } if *open == exchange => *until = later.max(*until),
            State::Asking { asking, .. } => asking.progress(exchange, later),
            _ => {}
        }
    }

    /// A request could not be answered: nothing, or nothing useful, came back.
    pub fn handle_failure(&mut self, exchange: Exchange, cause: Cause, now: Instant) {
        let Some(phase) = self.phase_of(exchange) else { return };
        if let State::Connecting { client_id, next, .. } = &self.state
            && matches!(cause, Cause::Transport { sent: false, .. })
            && now < self.last_reply + self.advice.expiry().unwrap_or(self.config.expiry)
        {
            // It never left this machine, so no event can have been written into its answer: the session may go on.
            let delay = self.config.unsent_delay.saturating_mul(1 << next.unsent.min(8)).min(MOST_UNSENT_DELAY);
            let next = Next { unsent: next.unsent + 1, ..*next };
            self.state = State::Waiting { client_id: client_id.clone(), at: now + delay, next };
            return;
        }
        self.end(phase, cause);
    }

    /// The body of a 200 answer.
    pub fn handle_reply(&mut self, exchange: Exchange, reply: Reply, now: Instant) {
        let Some(phase) = self.phase_of(exchange) else { return };
        if reply.body.is_empty() {
            return self.end(phase, Cause::Empty);
        }
        let messages = match split::<D>(&reply.body) {
            Ok(messages) => messages,
            Err(error) => return self.end(phase, Cause::Malformed(error.to_string())),
        };
        self.last_reply = now;
        let mut answers = Vec::new();
        let mut events = Vec::with_capacity(messages.len());
        for message in messages {
            match message {
                Message::Meta(meta) => answers.push(meta),
                event @ Message::Event { .. } => events.push(event),
            }
        }
        // Events first: whatever an answer beside them says, they have arrived.
        if !events.is_empty() && phase != Phase::Disconnect {
            self.events.push_back(Event::Messages { messages: events, charge: None });
        }
        if phase != Phase::Disconnect && answers.iter().any(|meta| &*meta.channel == DISCONNECT) {
            return self.end(phase, Cause::Disconnected);
        }
        for meta in answers {
            self.handle_answer(*meta, &reply, now);
        }
        self.close_exchange(exchange, phase, now);
    }

    fn handle_answer(&mut self, meta: Meta, reply: &Reply, now: Instant) {
        if let Some(advice) = meta.advice.clone().filter(|_| meta.successful) {
            self.advice = advice;
        }
        match (&*meta.channel, &mut self.state) {
            (HANDSHAKE, State::Handshaking { .. }) => self.handshaken(meta, now),
            (SUBSCRIBE | UNSUBSCRIBE, State::Asking { asking, .. }) => {
                let until = now + self.config.request_timeout;
                let Some(ask) = asking.answered(meta.id.as_deref(), meta.subscription.as_deref()) else { return };
                let channel = ask.channel().to_owned();
                self.events.push_back(if meta.successful {
                    match ask {
                        Ask::Subscribe(_) => Event::Subscribed { channel, date: reply.date.clone() },
                        Ask::Unsubscribe(_) => Event::Unsubscribed { channel },
                    }
                } else {
                    asking.refused(&channel, until);
                    Event::Refused { channel, refusal: refusal(meta) }
                });
            }
            (CONNECT, State::Connecting { next, client_id, exchange, .. }) => {
                // An id that is not the one outstanding is a stale answer: its events count, its verdict does not.
                if meta.id.as_deref().is_some_and(|id| id != exchange.0.to_string()) {
                    return;
                }
                let (next, client_id) = (*next, client_id.clone());
                self.connected(meta, client_id, next, now);
            }
            (DISCONNECT, State::Disconnecting { .. }) => self.end(Phase::Disconnect, Cause::Closed),
            _ => {}
        }
    }

    fn handshaken(&mut self, meta: Meta, now: Instant) {
        let ours = self.config.connection_type;
        let offered = &meta.supported_connection_types;
        match meta.client_id.clone() {
            Some(_) if !offered.is_empty() && !offered.iter().any(|theirs| theirs == ours) => {
                self.end(Phase::Handshake, Cause::NoTransport(offered.clone()));
            }
            Some(client_id) if meta.successful => {
                self.events.push_back(Event::Handshaken { ext: meta.ext });
                self.state =
                    State::Asking { client_id, asking: Asking::new(now + self.config.request_timeout), first: true };
                self.go_on_asking(now);
            }
            _ => self.end(Phase::Handshake, Cause::Refused(refusal(meta))),
        }
    }

    fn connected(&mut self, meta: Meta, client_id: String, next: Next, now: Instant) {
        if !meta.successful {
            return self.end(Phase::Connect, Cause::Refused(refusal(meta)));
        }
        // A reply may be successful and yet advise the end (measured on CometD 8 when the server disconnects a session).
        if matches!(self.advice.reconnect(), Some(Reconnect::Handshake | Reconnect::None)) {
            return self.end(Phase::Connect, Cause::Advised(self.advice.clone()));
        }
        if next.first {
            self.events.push_back(Event::Connected);
        }
        if self.asks.is_empty() {
            let at = now + self.advice.interval(MOST_INTERVAL);
            self.state = State::Waiting { client_id, at, next: Next { first: false, unsent: 0 } };
        } else {
            self.state =
                State::Asking { client_id, asking: Asking::new(now + self.config.request_timeout), first: false };
            self.go_on_asking(now);
        }
    }

    /// Sends what is to be asked; connects once all of it is answered and decided.
    fn go_on_asking(&mut self, now: Instant) {
        let State::Asking { client_id, asking, first } = &mut self.state else { return };
        while let Some(ask) = self.asks.pop_front() {
            self.last_id += 1;
            asking.add(self.last_id.to_string(), ask);
        }
        let (client_id, first) = (client_id.clone(), *first);
        let until = now + self.config.request_timeout;
        while let State::Asking { asking, .. } = &mut self.state
            && let Some((body, count)) = asking.take_request(&client_id, self.config.request_limit)
        {
            self.last_id += 1;
            let exchange = Exchange(self.last_id);
            asking.sent(exchange, until);
            self.requests.push_back(Request { exchange, phase: Phase::Subscribe, body, single: count == 1 });
        }
        if let State::Asking { asking, .. } = &self.state
            && asking.is_done()
        {
            self.state = State::Waiting { client_id, at: now, next: Next { first, unsent: 0 } };
        }
    }

    fn connect(&mut self, client_id: String, next: Next, now: Instant) {
        let id = self.next_id();
        let exchange = Exchange(self.last_id);
        let advice = next.at_once().then_some(TimeoutAdvice { timeout: 0 });
        let hold = if advice.is_some() { Duration::ZERO } else { self.advice.hold(self.config.hold, MOST_HOLD) };
        let body = Outgoing {
            channel: CONNECT,
            id: &id,
            client_id: Some(&client_id),
            connection_type: Some(self.config.connection_type),
            advice,
            ..Outgoing::default()
        }
        .json();
        self.requests.push_back(Request { exchange, phase: Phase::Connect, body: format!("[{body}]"), single: true });
        self.state = State::Connecting { client_id, exchange, until: now + hold + self.config.request_timeout, next };
    }

    /// The whole answer of an exchange has been read: what it should have answered must be answered now.
    fn close_exchange(&mut self, exchange: Exchange, phase: Phase, now: Instant) {
        let unanswered = match &self.state {
            State::Handshaking { exchange: open, .. }
            | State::Connecting { exchange: open, .. }
            | State::Disconnecting { exchange: open, .. } => *open == exchange,
            State::Asking { asking, .. } => asking.is_open(exchange),
            State::Waiting { .. } | State::Ended => false,
        };
        if unanswered {
            self.end(phase, Cause::Unanswered);
        } else if let State::Asking { asking, .. } = &mut self.state {
            asking.close(exchange);
            self.go_on_asking(now);
        }
    }

    /// Which phase an exchange belongs to, or `None` where nothing waits for it any more.
    fn phase_of(&self, exchange: Exchange) -> Option<Phase> {
        match &self.state {
            State::Handshaking { exchange: open, .. } => (*open == exchange).then_some(Phase::Handshake),
            State::Asking { asking, .. } => asking.expects(exchange).then_some(Phase::Subscribe),
            State::Connecting { exchange: open, .. } => (*open == exchange).then_some(Phase::Connect),
            State::Disconnecting { exchange: open, .. } => (*open == exchange).then_some(Phase::Disconnect),
            State::Waiting { .. } | State::Ended if cfg!(feature = "planted-ghost") => Some(Phase::Connect),
            State::Waiting { .. } | State::Ended => None,
        }
    }

    /// Ends the session. Where the server still holds it, it is told so, without waiting for an answer.
    fn end(&mut self, phase: Phase, cause: Cause) {
        if matches!(self.state, State::Ended) {
            return;
        }
        self.requests.clear();
        let reachable = !matches!(cause, Cause::Transport { sent: false, .. });
        let held = !matches!(cause, Cause::Refused(_) | Cause::Advised(_) | Cause::Disconnected | Cause::Closed);
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
        let id = self.next_id();
        let exchange = Exchange(self.last_id);
        let body = Outgoing { channel: DISCONNECT, id: &id, client_id: Some(client_id), ..Outgoing::default() }.json();
        self.requests.push_back(Request {
            exchange,
            phase: Phase::Disconnect,
            body: format!("[{body}]"),
            single: true,
        });
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

    fn next_id(&mut self) -> String {
        self.last_id += 1;
        self.last_id.to_string()
    }
}

fn refusal(meta: Meta) -> Refusal {
    Refusal { error: meta.error.unwrap_or_default(), ext: meta.ext, advice: meta.advice }
}

pub(crate) const HANDSHAKE: &str = "/meta/handshake";
pub(crate) const SUBSCRIBE: &str = "/meta/subscribe";
pub(crate) const UNSUBSCRIBE: &str = "/meta/unsubscribe";
pub(crate) const CONNECT: &str = "/meta/connect";
pub(crate) const DISCONNECT: &str = "/meta/disconnect";

/// A server may slow us down, but not out of the session: some servers forget it 40 s after their last answer.
const MOST_INTERVAL: Duration = Duration::from_secs(30);
/// The longest hold that we believe: beyond it a dead connection would go unnoticed.
const MOST_HOLD: Duration = Duration::from_secs(600);
const MOST_UNSENT_DELAY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
