//! What comes: events, answers to what was said, and the server's own word that the session is over.

use super::asking::Asking;
use super::{CONNECT, DISCONNECT, Event, Exchange, HANDSHAKE, Reply, SUBSCRIBE, Session, State, UNSUBSCRIBE};
use crate::advice::Advice;
use crate::failure::{Cause, Phase, Refusal};
use crate::message::Ask;
use crate::session::ack::Ack;
use crate::split::{Message, Meta, split};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Instant;

impl<D: for<'de> Deserialize<'de>> Session<D> {
    /// The body of a 200 answer. What was asked must be answered in it.
    pub fn handle_reply(&mut self, exchange: Exchange, reply: Reply, now: Instant) {
        let Some(phase) = self.phase_of(exchange) else { return };
        if reply.body.is_empty() {
            return self.end(phase, Cause::Empty);
        }
        let Some(answers) = self.read(phase, &reply.body, now) else { return };
        for meta in answers {
            self.handle_answer(meta, reply.date.as_deref(), now);
        }
        let unanswered = match &self.state {
            State::Asking { asking, .. } => asking.expects(exchange) && asking.is_open(),
            State::Handshaking { .. } | State::Connecting { .. } | State::Disconnecting { .. } => {
                self.phase_of(exchange).is_some()
            }
            State::Waiting { .. } | State::Ended => false,
        };
        if unanswered {
            return self.end(phase, Cause::Unanswered);
        }
        self.close_answered(now);
    }

    /// A message of a WebSocket. It may answer anything that was said, and bring events at any time.
    pub fn handle_frame(&mut self, body: &Bytes, now: Instant) {
        let phase = match &self.state {
            State::Handshaking { .. } => Phase::Handshake,
            State::Asking { .. } => Phase::Subscribe,
            State::Waiting { .. } | State::Connecting { .. } => Phase::Connect,
            State::Disconnecting { .. } => Phase::Disconnect,
            State::Ended => return,
        };
        let Some(answers) = self.read(phase, body, now) else { return };
        for meta in answers {
            self.handle_answer(meta, None, now);
        }
        self.close_answered(now);
    }

    /// Hands on the events, and returns the answers, unless that was the end.
    fn read(&mut self, phase: Phase, body: &Bytes, now: Instant) -> Option<Vec<Meta>> {
        let messages = match split::<D>(body) {
            Ok(messages) => messages,
            Err(error) => {
                self.end(phase, Cause::Malformed(error.to_string()));
                return None;
            }
        };
        self.last_reply = now;
        let mut answers = Vec::new();
        let mut events = Vec::with_capacity(messages.len());
        for message in messages {
            match message {
                Message::Meta(meta) => answers.push(*meta),
                event @ Message::Event { .. } => events.push(event),
            }
        }
        if phase == Phase::Disconnect {
            return Some(answers);
        }
        // Events first: whatever an answer beside them says, they have arrived.
        if !events.is_empty() {
            self.events.push_back(Event::Messages { messages: events, charge: None });
        }
        if answers.iter().any(|meta| &*meta.channel == DISCONNECT) {
            self.end(phase, Cause::Disconnected);
            return None;
        }
        Some(answers)
    }

    /// Takes an answer that belongs to something said; whatever else there is has no say.
    fn handle_answer(&mut self, mut meta: Meta, date: Option<&str>, now: Instant) {
        let id = meta.id.take();
        let ours = |exchange: &Exchange| id.as_ref().is_none_or(|id| *id == exchange.0.to_string());
        match (&*meta.channel, &mut self.state) {
            (HANDSHAKE, State::Handshaking { exchange, .. }) if ours(exchange) => {
                self.take_advice(&meta);
                self.handshaken(meta, now);
            }
            (SUBSCRIBE | UNSUBSCRIBE, State::Asking { asking, .. }) => {
                if let Some(ask) = asking.answered(&meta.channel, id.as_deref(), meta.subscription.as_deref()) {
                    self.take_advice(&meta);
                    self.asked(&ask, meta, date, now);
                }
            }
            // An id that is not the one outstanding is a stale answer: its events count, its verdict does not.
            (CONNECT, State::Connecting { exchange, .. }) if ours(exchange) => {
                self.take_advice(&meta);
                self.connected(meta, now);
            }
            (DISCONNECT, State::Disconnecting { .. }) => self.end(Phase::Disconnect, Cause::Closed),
            _ => {}
        }
        self.kept_until = self.kept_until.max(now + self.expiry());
    }

    fn handshaken(&mut self, meta: Meta, now: Instant) {
        if !meta.successful {
            return self.end(Phase::Handshake, Cause::Refused(self.refusal(meta)));
        }
        let ours = self.config.transport.name();
        let offered = meta.supported_connection_types;
        if !offered.is_empty() && !offered.iter().any(|theirs| theirs == ours) {
            return self.end(Phase::Handshake, Cause::NoTransport(offered));
        }
        let Some(client_id) = meta.client_id.filter(|id| !id.is_empty()) else {
            let text = "a handshake was agreed to without a clientId";
            return self.end(Phase::Handshake, Cause::Malformed(text.to_owned()));
        };
        self.ack = if self.config.ack { Ack::offered(meta.ext.as_deref()) } else { None };
        self.events.push_back(Event::Handshaken { ext: meta.ext, ack: self.ack.is_some() });
        let asking = Asking::new(now + self.config.request_timeout);
        self.state = State::Asking { client_id, asking, first: true };
    }

    /// A subscribe or unsubscribe was answered.
    fn asked(&mut self, ask: &Ask, meta: Meta, date: Option<&str>, now: Instant) {
        let channel = ask.channel().to_owned();
        if meta.successful {
            self.events.push_back(match ask {
                Ask::Subscribe(_) => Event::Subscribed { channel, date: date.map(str::to_owned) },
                Ask::Unsubscribe(_) => Event::Unsubscribed { channel },
            });
            return;
        }
        let refusal = self.refusal(meta);
        if refusal.code() == Some(UNKNOWN_CLIENT) {
            // Not the channel is refused but the session: the next one would be, too.
            return self.end(Phase::Subscribe, Cause::Refused(refusal));
        }
        if let State::Asking { asking, .. } = &mut self.state {
            asking.refused(&channel, now + self.config.request_timeout);
        }
        self.events.push_back(Event::Refused { channel, refusal });
    }

    /// The array of asks that is answered makes way for the next.
    fn close_answered(&mut self, now: Instant) {
        if let State::Asking { asking, .. } = &mut self.state
            && !asking.is_open()
        {
            asking.close(now + self.config.request_timeout);
        }
    }

    fn take_advice(&mut self, meta: &Meta) {
        if meta.successful
            && let Some(advice) = self.read_advice(meta.advice.as_deref())
        {
            self.advice = advice;
        }
    }

    fn read_advice(&self, raw: Option<&RawValue>) -> Option<Advice> {
        raw.and_then(|raw| Advice::read(raw, self.config.transport.name()))
    }

    pub(super) fn refusal(&self, meta: Meta) -> Refusal {
        let advice = self.read_advice(meta.advice.as_deref());
        Refusal { error: meta.error.unwrap_or_default(), ext: meta.ext, advice }
    }
}

/// "Unknown client" (Bayeux 1.0, "error").
const UNKNOWN_CLIENT: u16 = 402;
