//! A session played with by a server, a network and an owner who may do anything at any time.

use crate::failure::{Cause, Phase};
use crate::message::{Ask, Subscription};
use crate::session::{Config, Event, Exchange, Reply, Request, Session};
use crate::split::{Message, split};
use crate::transport::TransportKind;
use arbitrary::{Result as Drawn, Unstructured};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Plays what `input` says, and then lets the server fall silent.
///
/// # Errors
/// One of these does not hold: a live session always has a deadline, and something comes of it; a connect is alone, and no
/// subscribe goes beside it; each event of an answer that is waited for is handed on once and in order, and no other ever;
/// nothing comes after the end, and a silent server is the end.
pub fn session(input: &[u8]) -> Result<(), String> {
    let mut input = Unstructured::new(input);
    let (socket, ack) = (input.arbitrary().unwrap_or_default(), input.arbitrary().unwrap_or_default());
    let mut play = Play::new(if socket { TransportKind::WebSocket } else { TransportKind::LongPolling }, ack);
    play.settle()?;
    while !input.is_empty() {
        match play.step(&mut input) {
            Ok(outcome) => outcome?,
            Err(_) => break,
        }
        play.settle()?;
    }
    play.fall_silent()
}

struct Play {
    session: Session<u64>,
    transport: TransportKind,
    now: Instant,
    /// Requests that wait for an answer, as far as we know.
    open: Vec<Said>,
    /// Exchanges that were answered before.
    past: Vec<Exchange>,
    /// Events that have to be handed on next.
    due: VecDeque<u64>,
    events: u64,
    handshakes: u32,
    disconnecting: bool,
    ended: bool,
}

struct Said {
    exchange: Exchange,
    phase: Phase,
    messages: Vec<Value>,
}

impl Play {
    fn new(transport: TransportKind, ack: bool) -> Self {
        let subscriptions = ["/a", "/b"].map(|channel| Subscription { channel: channel.to_owned(), ext: None }).into();
        let now = Instant::now();
        Self {
            session: Session::new(Config { transport, ack, subscriptions, ..Config::default() }, now),
            transport,
            now,
            open: Vec::new(),
            past: Vec::new(),
            due: VecDeque::new(),
            events: 0,
            handshakes: 0,
            disconnecting: false,
            ended: false,
        }
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Drawn<Result<(), String>> {
        match input.int_in_range(0..=15)? {
            // Mostly, servers answer.
            0..=7 => {
                if let Some(index) = self.choose(input)? {
                    let said = self.open.swap_remove(index);
                    let body = self.answer(&said, input)?;
                    self.reply(&said, body);
                }
            }
            8 => {
                if let Some(index) = self.choose(input)? {
                    let said = self.open.swap_remove(index);
                    let length = input.int_in_range(0..=40)?;
                    let body = Bytes::copy_from_slice(input.bytes(length.min(input.len()))?);
                    self.reply(&said, body);
                }
            }
            9 if self.transport == TransportKind::WebSocket => {
                let cause = Cause::Transport { sent: input.arbitrary()?, text: String::new(), error: None };
                self.past.extend(self.open.drain(..).map(|said| said.exchange));
                self.session.handle_closed(cause, self.now);
            }
            9 => {
                if let Some(index) = self.choose(input)? {
                    let said = self.open.swap_remove(index);
                    let cause = match input.int_in_range(0..=3)? {
                        0 => Cause::Transport { sent: false, text: String::new(), error: None },
                        1 => Cause::Transport { sent: true, text: String::new(), error: None },
                        2 => Cause::Status { status: 503, text: String::new() },
                        _ => Cause::TooLarge { limit: 1 },
                    };
                    self.past.push(said.exchange);
                    self.session.handle_failure(said.exchange, cause, self.now);
                }
            }
            10 => {
                // An answer that came too late, or a second time.
                if let (Some(exchange), TransportKind::LongPolling) = (self.past.last().copied(), self.transport) {
                    self.events += 1;
                    let body = json!([{"channel": "/a", "data": self.events}, {"channel": "/meta/connect", "successful": true}]);
                    self.session.handle_reply(exchange, Reply { body: body.to_string().into(), date: None }, self.now);
                }
            }
            11 => {
                self.now += Duration::from_millis(u64::from(input.arbitrary::<u16>()?));
                self.session.handle_timeout(self.now);
            }
            12 => return Ok(self.let_time_pass()),
            13 => self.session.handle_room(input.arbitrary()?, self.now),
            14 => {
                let channel = (*input.choose(&["/a", "/b", "/c"])?).to_owned();
                match input.int_in_range(0..=3)? {
                    0 => self.session.ask(Ask::Subscribe(Subscription { channel, ext: None })),
                    1 => self.session.ask(Ask::Unsubscribe(channel)),
                    2 => self.session.forget(&channel),
                    _ => {
                        if let Some(said) = self.open.last() {
                            self.session.handle_progress(said.exchange, self.now);
                        }
                    }
                }
            }
            _ => {
                if input.ratio(1, 8)? && !self.ended {
                    // What was asked before is not waited for any more.
                    self.past.extend(self.open.drain(..).map(|said| said.exchange));
                    self.disconnecting = true;
                    self.session.disconnect(self.now);
                }
            }
        }
        Ok(Ok(()))
    }

    fn choose(&self, input: &mut Unstructured<'_>) -> Drawn<Option<usize>> {
        if self.open.is_empty() { Ok(None) } else { input.choose_index(self.open.len()).map(Some) }
    }

    fn reply(&mut self, said: &Said, body: Bytes) {
        self.past.push(said.exchange);
        // A goodbye's answer may bring events, which are not wanted any more; an ended session waits for nothing.
        if !self.disconnecting
            && !self.ended
            && let Ok(messages) = split::<u64>(&body)
        {
            let events = messages.iter().filter_map(|message| match message {
                Message::Event { data, .. } => Some(*data),
                Message::Meta(_) => None,
            });
            self.due.extend(events);
        }
        match self.transport {
            TransportKind::LongPolling => {
                self.session.handle_reply(said.exchange, Reply { body, date: None }, self.now);
            }
            TransportKind::WebSocket => self.session.handle_frame(&body, self.now),
        }
    }

    /// An answer as a server might give it: rightly, or beside the point.
    fn answer(&mut self, said: &Said, input: &mut Unstructured<'_>) -> Drawn<Bytes> {
        let mut messages = Vec::new();
        for asked in &said.messages {
            if input.ratio(15, 16)? {
                messages.push(meta(asked, input)?);
            }
            if input.ratio(1, 16)? {
                messages.push(meta(asked, input)?); // a second time
            }
        }
        for _ in 0..input.int_in_range(0..=3)? {
            let extra = match input.int_in_range(0..=12)? {
                0 => json!({"channel": "/meta/disconnect"}),
                1 => {
                    json!({"channel": "/meta/connect", "id": "999", "successful": false, "error": "402::Unknown client"})
                }
                2 => json!({"channel": "/meta/subscribe", "subscription": "/z", "successful": true}),
                _ => {
                    self.events += 1;
                    json!({"channel": "/a", "data": self.events, "unknown": [1]})
                }
            };
            let place = input.int_in_range(0..=messages.len())?;
            messages.insert(place, extra);
        }
        // Spaces where a parser that counts on none would slip.
        Ok(Value::Array(messages).to_string().replace(",\"", " ,\n\"").into())
    }

    /// Everything that is to be said and told, checked.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..MOST_STEPS {
            if self.session.is_between_connects() {
                // One that had no answer in time, and is to be repeated.
                let given_up = self.open.extract_if(.., |said| said.phase == Phase::Connect);
                self.past.extend(given_up.map(|said| said.exchange));
            }
            let mut idle = true;
            while let Some(request) = self.session.poll_request(self.now) {
                idle = false;
                self.said(request)?;
            }
            while let Some(event) = self.session.poll_event() {
                idle = false;
                self.told(event)?;
            }
            if idle {
                return self.at_rest();
            }
        }
        Err("the session talks without end".to_owned())
    }

    fn at_rest(&self) -> Result<(), String> {
        if let Some(event) = self.due.front() {
            return Err(format!("event {event} was not handed on"));
        }
        match (self.ended, self.session.deadline()) {
            (false, None) => Err("a live session has no deadline".to_owned()),
            (true, Some(deadline)) => Err(format!("an ended session waits for {:?}", deadline.wait)),
            _ => Ok(()),
        }
    }

    fn said(&mut self, request: Request) -> Result<(), String> {
        let messages: Vec<Value> = serde_json::from_str(&request.body).map_err(|error| error.to_string())?;
        let is_open = |phase| self.open.iter().any(|said| said.phase == phase);
        match request.phase {
            _ if self.ended && request.phase != Phase::Disconnect => return Err("an ended session speaks".to_owned()),
            Phase::Handshake => self.handshakes += 1,
            Phase::Connect if is_open(Phase::Connect) => return Err("two connects at once".to_owned()),
            Phase::Connect if is_open(Phase::Subscribe) => return Err("a connect beside a subscribe".to_owned()),
            Phase::Subscribe if is_open(Phase::Connect) => return Err("a subscribe beside a held connect".to_owned()),
            Phase::Connect | Phase::Subscribe | Phase::Disconnect => {}
        }
        if self.handshakes != 1 {
            return Err(format!("{} handshakes", self.handshakes));
        }
        self.open.push(Said { exchange: request.exchange, phase: request.phase, messages });
        Ok(())
    }

    fn told(&mut self, event: Event<u64>) -> Result<(), String> {
        if self.ended {
            return Err(format!("{event:?} after the end"));
        }
        match event {
            Event::Messages { messages, .. } => {
                for message in messages {
                    let Message::Event { data, bytes, .. } = message else { continue };
                    if bytes != data.to_string() {
                        return Err(format!("event {data} as {bytes:?}"));
                    }
                    if self.due.pop_front() != Some(data) {
                        return Err(format!("event {data} out of its turn"));
                    }
                }
            }
            Event::Ended(_) => self.ended = true,
            // An owner who lets a refused channel be.
            Event::Refused { channel, .. } => self.session.forget(&channel),
            Event::Handshaken { .. } | Event::Subscribed { .. } | Event::Unsubscribed { .. } | Event::Connected => {}
        }
        Ok(())
    }

    fn let_time_pass(&mut self) -> Result<(), String> {
        let Some(deadline) = self.session.deadline() else { return Ok(()) };
        self.now = self.now.max(deadline.at);
        self.session.handle_timeout(self.now);
        let spoken = self.open.len();
        self.settle()?;
        let waits = self.session.deadline().is_some_and(|later| later.at > self.now);
        if waits || self.ended || self.open.len() > spoken {
            Ok(())
        } else {
            Err(format!("nothing came of the deadline for {:?}", deadline.wait))
        }
    }

    /// Without a word from anybody, a session ends.
    fn fall_silent(mut self) -> Result<(), String> {
        for _ in 0..MOST_STEPS {
            if self.ended {
                return Ok(());
            }
            self.let_time_pass()?;
        }
        Err("a silent server is not the end".to_owned())
    }
}

/// The answer to one message: rightly or not, with or without what servers leave out.
fn meta(asked: &Value, input: &mut Unstructured<'_>) -> Drawn<Value> {
    let channel = asked.get("channel").cloned().unwrap_or_default();
    let is_handshake = channel == "/meta/handshake";
    let successful = input.ratio(11, 12)?;
    let mut answer = json!({"channel": channel, "successful": successful});
    let Some(fields) = answer.as_object_mut() else { return Ok(answer) };
    for (name, odds) in [("id", 15), ("subscription", 12)] {
        if let Some(value) = asked.get(name)
            && input.ratio(odds, 16)?
        {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    if is_handshake && input.ratio(31, 32)? {
        fields.insert("clientId".to_owned(), json!("c1"));
        fields.insert("ext".to_owned(), json!({"ack": true}));
    }
    if !successful {
        fields.insert("error".to_owned(), json!(*input.choose(&["402::Unknown client", "403::no", "", "x"])?));
    }
    if input.ratio(1, 4)? {
        let advice = match input.int_in_range(0..=9)? {
            0 => json!({"reconnect": "none"}),
            1 => json!({"reconnect": "handshake"}),
            2 => json!({"interval": -1}),
            3 => json!("odd"),
            4 => json!({"interval": 1e99, "timeout": "x", "maxInterval": null}),
            5 => json!({"interval": 5000, "timeout": 600_000_000_000_000_u64}),
            _ => json!({"reconnect": "retry", "interval": 0, "timeout": 110_000}),
        };
        fields.insert("advice".to_owned(), advice);
    }
    Ok(answer)
}

/// More than any of it may take.
const MOST_STEPS: usize = 64;
