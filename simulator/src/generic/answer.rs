//! Answers to the messages of a request or a frame, in their order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::hub::{Caller, Hold, Hub};
use super::message::{Message, Odd};
use super::pattern::{self, Pattern, Wrong};
use super::session::{Link, Queued, Session};
use crate::bus::Stream;
use crate::counters::add;
use crate::event::Template;
use crate::lock::lock;
use crate::org::Org;
use crate::session::Interrupt;

/// What is to be said.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) events: Vec<Queued>,
    pub(super) replies: Vec<Value>,
    /// A connect to be held; its reply comes last.
    pub(super) held: Option<Held>,
    /// The last session that was spoken of.
    pub(super) client_id: Option<String>,
    /// The cookie of a new session.
    pub(super) cookie: Option<String>,
}

/// A connect that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) hold: Hold,
    pub(super) until: Instant,
    pub(super) message: Message,
    has_advice: bool,
}

enum Begun {
    Over(Map<String, Value>),
    Held(Held),
}

/// Why a subscription is none.
enum Refusal {
    Odd(Odd),
    Error(String),
}

impl Held {
    /// What is said when the session ends.
    pub(super) fn ended(&self, why: Interrupt) -> Vec<Value> {
        let mut reply = self.message.succeeded();
        reply.insert("advice".to_owned(), json!({"reconnect": "none"}));
        let unasked =
            (why == Interrupt::ServerDisconnect).then(|| json!({"channel": "/meta/disconnect", "successful": true}));
        unasked.into_iter().chain([reply.into()]).collect()
    }
}

impl Hub {
    /// Answers messages.
    pub(super) fn converse(&self, org: &Org, messages: &[Message], caller: &Caller) -> Result<Outcome, Odd> {
        let mut outcome = Outcome::default();
        for message in messages {
            match message.channel() {
                "/meta/handshake" if messages.len() > 1 => return Err(Odd::Violation),
                "/meta/handshake" if message.has_good_id() => self.handshake(org, message, caller, &mut outcome),
                "/meta/connect" if message.has_good_id() => {
                    let may_hold = messages.len() == 1 || matches!(caller, Caller::Socket(_));
                    match self.connect(message, caller, may_hold, &mut outcome) {
                        Begun::Over(reply) => outcome.replies.push(reply.into()),
                        Begun::Held(held) => outcome.held = Some(held),
                    }
                }
                _ => {
                    let reply = self.answer(org, message, caller, &mut outcome)?;
                    outcome.replies.push(reply.into());
                }
            }
            if let Some(client_id) = message.text("clientId").filter(|_| message.channel() != "/meta/handshake") {
                outcome.client_id = Some(client_id.to_owned());
            }
        }
        // Whatever is asked, the answer brings what waits.
        let mut state = lock(&self.state);
        let client_id = outcome.client_id.as_deref().filter(|_| outcome.held.is_none());
        if let Some(session) = state.find(client_id, caller, self.expiry) {
            outcome.events.extend(session.take());
        }
        drop(state);
        Ok(outcome)
    }

    fn handshake(&self, org: &Org, message: &Message, caller: &Caller, outcome: &mut Outcome) {
        let browser = match caller {
            Caller::Request { browser: Some(browser) } => Some(browser.clone()),
            Caller::Request { browser: None } => {
                let browser = Uuid::new_v4().simple().to_string();
                outcome.cookie = Some(browser.clone());
                Some(browser)
            }
            Caller::Socket(_) => None,
        };
        let acknowledges = message.at(["ext", "ack"]) == Some(&Value::Bool(true));
        let client_id = Uuid::new_v4().simple().to_string();
        let mut ext = Map::new();
        if acknowledges {
            ext.insert("ack".to_owned(), true.into());
        }
        if self.replays {
            ext.extend([("replay".to_owned(), true.into()), ("payload.format".to_owned(), true.into())]);
        }
        let mut reply = message.succeeded();
        if !ext.is_empty() {
            reply.insert("ext".to_owned(), ext.into());
        }
        reply.extend([
            ("minimumVersion".to_owned(), "1.0".into()),
            ("version".to_owned(), "1.0".into()),
            ("clientId".to_owned(), client_id.as_str().into()),
            ("supportedConnectionTypes".to_owned(), json!(["websocket", "long-polling"])),
            ("advice".to_owned(), self.advice(Duration::ZERO)),
        ]);
        add(&org.counters.opened, 1);
        tracing::info!(client = client_id, "session opened");
        lock(&self.state).sessions.insert(client_id, Session::new(browser, acknowledges));
        outcome.replies.push(reply.into());
    }

    /// Answers a connect, or takes the right to do so later.
    fn connect(&self, message: &Message, caller: &Caller, may_hold: bool, outcome: &mut Outcome) -> Begun {
        let client_id = message.text("clientId").unwrap_or_default();
        let mut state = lock(&self.state);
        let Some(session) = state.find(Some(client_id), caller, self.expiry) else {
            return Begun::Over(message.unknown());
        };
        let mut is_repeated = false;
        if let Some(number) = message.at(["ext", "ack"]).and_then(Value::as_u64).filter(|_| session.acknowledges) {
            session.acknowledge(number);
            // What it did not acknowledge it has not got: it is not made to wait for more.
            is_repeated = session.has_any() && !session.has_fresh();
        }
        session.interval = Duration::from_millis(message.advised("interval").unwrap_or(0));
        let is_first = !std::mem::replace(&mut session.is_connected, true);
        let timeout = message.advised("timeout").map_or(self.hold, Duration::from_millis);
        let mut has_advice = message.field("advice").is_some_and(Value::is_object);
        // A socket's events need no connect, but for those to be acknowledged.
        let ends_by_events = session.acknowledges || matches!(caller, Caller::Request { .. });
        let is_fresh = session.has_fresh() && ends_by_events;
        match caller {
            // Whatever comes of the new one, an older request is given up.
            Caller::Request { .. } => session.interrupt(Interrupt::Newer),
            Caller::Socket(number) => session.link = Link::Socket(*number),
        }
        has_advice |= is_repeated;
        if may_hold && !is_fresh && !is_repeated && state.is_crowded(client_id) {
            let mut reply = self.connected(message, has_advice, Duration::ZERO, None);
            let mut advice = match reply.remove("advice") {
                Some(Value::Object(advice)) => advice,
                _ => Map::new(),
            };
            advice.insert("multiple-clients".to_owned(), true.into());
            advice.insert("interval".to_owned(), CROWDED_INTERVAL.into());
            advice.insert("reconnect".to_owned(), "retry".into());
            reply.insert("advice".to_owned(), advice.into());
            return Begun::Over(reply);
        }
        let may_hold = may_hold && !is_first && !is_fresh && !is_repeated && timeout > Duration::ZERO;
        let Some(session) = state.sessions.get_mut(client_id) else { return Begun::Over(message.unknown()) };
        if may_hold {
            let number = self.number();
            let hold = Hold::new(client_id, number, Arc::clone(&session.news), session.hold(number));
            let until = Instant::now() + timeout;
            return Begun::Held(Held { hold, until, message: message.clone(), has_advice });
        }
        let (events, number) = session.take_for_connect();
        outcome.events.extend(events);
        Begun::Over(self.connected(message, has_advice, session.interval, number))
    }

    /// The events and the reply of a held connect, where there are some or its time is over. None where it is to go on.
    pub(super) fn resume(&self, held: &Held) -> Option<(Vec<Queued>, Value)> {
        let is_over = Instant::now() >= held.until;
        let mut state = lock(&self.state);
        let session = state.sessions.get_mut(&held.hold.client_id);
        // Silently gone: the client learns it with its next connect.
        let Some(session) = session.filter(|session| session.is_held_by(held.hold.number)) else {
            return is_over.then(|| (Vec::new(), held.message.succeeded().into()));
        };
        let ends_by_events = session.acknowledges || !matches!(session.link, Link::Socket(_));
        if !(is_over || session.has_fresh() && ends_by_events) {
            return None;
        }
        session.release();
        let (events, number) = session.take_for_connect();
        let reply = self.connected(&held.message, held.has_advice, session.interval, number);
        Some((events, reply.into()))
    }

    fn connected(
        &self,
        message: &Message,
        has_advice: bool,
        interval: Duration,
        batch: Option<u64>,
    ) -> Map<String, Value> {
        let mut reply = message.succeeded();
        if let Some(batch) = batch {
            reply.insert("ext".to_owned(), json!({"ack": batch}));
        }
        if has_advice {
            reply.insert("advice".to_owned(), self.advice(interval));
        }
        reply
    }

    fn advice(&self, interval: Duration) -> Value {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        json!({"interval": millis(interval), "timeout": millis(self.hold), "reconnect": "retry"})
    }

    /// The reply to a message that is neither handshake nor connect, or that has a bad id.
    fn answer(
        &self,
        org: &Org,
        message: &Message,
        caller: &Caller,
        outcome: &mut Outcome,
    ) -> Result<Map<String, Value>, Odd> {
        let channel = message.channel();
        if channel.is_empty() {
            return Ok(message.refused("400::channel_missing"));
        }
        match pattern::check(channel) {
            Err(Wrong::Violation) => return Err(Odd::Violation),
            Err(Wrong::Invalid) => return Ok(message.refused("405::channel_invalid")),
            Ok(()) => {}
        }
        if !message.has_good_id() {
            return Ok(message.refused("405::message_id_invalid"));
        }
        let client_id = message.text("clientId");
        let mut state = lock(&self.state);
        let Some(session) = state.find(client_id, caller, self.expiry) else { return Ok(message.unknown()) };
        let acknowledges = session.acknowledges;
        let mut reply = match channel {
            "/meta/subscribe" => {
                let names = names(message);
                let done = names.map_err(Refusal::from).and_then(|names| self.subscribe(org, session, message, &names));
                match done {
                    Ok(patterns) => {
                        state.subscribed.extend(patterns);
                        message.succeeded()
                    }
                    Err(Refusal::Odd(odd)) => return Err(odd),
                    Err(Refusal::Error(error)) => message.refused(&error),
                }
            }
            "/meta/unsubscribe" => match names(message) {
                Err(error) => message.refused(error),
                Ok(names) => {
                    session.subscriptions.retain(|pattern| !names.contains(&pattern.0.as_str()));
                    let is_known = |name: &&str| state.subscribed.contains(*name) || org.bus.has(name);
                    if names.iter().all(is_known) {
                        message.succeeded()
                    } else {
                        message.refused("400::channel_missing")
                    }
                }
            },
            "/meta/disconnect" => {
                outcome.events.extend(session.take());
                session.interrupt(Interrupt::Disconnected);
                state.sessions.remove(client_id.unwrap_or_default());
                add(&org.counters.disconnected, 1);
                tracing::info!(client = client_id, "client disconnected");
                message.succeeded()
            }
            _ if channel.starts_with("/meta/") => {
                return Ok(message.refused("403:denied_by_security_policy:channel_create_denied"));
            }
            _ => {
                // The bus delivers by way of the hub.
                drop(state);
                publish(self, org, message);
                return Ok(message.succeeded());
            }
        };
        if acknowledges {
            // The extension touches every reply of the session, and has nothing to say in this one.
            reply.insert("ext".to_owned(), json!({}));
        }
        Ok(reply)
    }

    /// Subscribes all of a message or nothing, and queues what is replayed.
    fn subscribe(
        &self,
        org: &Org,
        session: &mut Session,
        message: &Message,
        names: &[&str],
    ) -> Result<Vec<String>, Refusal> {
        let mut replayed = Vec::new();
        for name in names {
            match pattern::check(name) {
                Err(Wrong::Violation) => return Err(Refusal::Odd(Odd::Violation)),
                Err(Wrong::Invalid) => return Err("403::subscription_invalid".into()),
                Ok(()) => {}
            }
            let pattern = Pattern((*name).to_owned());
            if name.starts_with("/meta/") {
                let what = if pattern.is_wild() { "create_denied" } else { "subscribe_denied" };
                return Err(Refusal::Error(format!("403:denied_by_security_policy:{what}")));
            }
            let is_new = !session.subscriptions.contains(&pattern);
            if let Some(map) = message.at(["ext", "replay"]).filter(|_| self.replays && is_new) {
                replayed.extend(replay(org, &pattern, map)?);
            }
        }
        for name in names.iter().filter(|name| !name.starts_with("/service/")) {
            let pattern = Pattern((*name).to_owned());
            if !session.subscriptions.contains(&pattern) {
                session.subscriptions.push(pattern);
            }
        }
        for (stream, mut place) in replayed {
            let mut events = Vec::new();
            let mut out = Vec::new();
            // One event at a time: each is a message of its own.
            while stream.deliver(&mut place, &stream.channel, &mut out, 1, |_| true) > 0 {
                out.pop();
                events.push(Bytes::from(std::mem::take(&mut out)));
            }
            session.deliver(&stream, &events);
        }
        Ok(names.iter().map(|name| (*name).to_owned()).collect())
    }
}

/// The streams that a replay id asks for, each from its place.
fn replay(org: &Org, pattern: &Pattern, map: &Value) -> Result<Vec<(Arc<Stream>, u64)>, Refusal> {
    let Some(id) = map.get(&pattern.0) else {
        return Err(Refusal::Error(format!("400::The replayId for channel {{{}}} wasn't found", pattern.0)));
    };
    let invalid = || Refusal::Error(format!("400::The replayId {{{id}}} you provided was invalid"));
    let streams = org.bus.streams().into_iter().filter(|stream| pattern.matches(&stream.channel));
    match id.as_i64() {
        Some(-1) => Ok(Vec::new()),
        Some(-2) => Ok(streams.map(|stream| (Arc::clone(&stream), stream.earliest())).collect()),
        // Ids of several channels have no common order.
        Some(after) if !pattern.is_wild() => {
            let place = |stream: Arc<Stream>| stream.after(after).map(|place| (stream, place)).map_err(|_| invalid());
            let places: Vec<_> = streams.map(place).collect::<Result<_, _>>()?;
            if places.is_empty() { Err(invalid()) } else { Ok(places) }
        }
        _ => Err(invalid()),
    }
}

fn names(message: &Message) -> Result<Vec<&str>, &'static str> {
    let names: Vec<Option<&str>> = match message.field("subscription") {
        None | Some(Value::Null) => return Err("403::subscription_missing"),
        Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
        Some(name) => vec![name.as_str()],
    };
    let names: Option<Vec<&str>> = names.into_iter().collect();
    let is_name = |name: &&str| name.len() > 1 && name.starts_with('/');
    names.filter(|names| names.iter().all(is_name)).ok_or("403::subscription_invalid")
}

/// Publishes a client's data for all subscribers, itself among them.
fn publish(hub: &Hub, org: &Org, message: &Message) {
    let Some(stream) = org.bus.stream(message.channel()) else { return };
    let text = message.data.as_ref().map_or("null", |data| data.get());
    let template = match serde_json::from_str(text) {
        // A replay id needs an object to be in.
        Ok(Value::Object(data)) if hub.replays => Template::explicit(data),
        _ => Template::verbatim(text),
    };
    org.bus.publish(&stream, &template, 1);
}

impl From<&str> for Refusal {
    fn from(error: &str) -> Self {
        Self::Error(error.to_owned())
    }
}

/// `multiSessionInterval`, in milliseconds.
const CROWDED_INTERVAL: u64 = 2000;
