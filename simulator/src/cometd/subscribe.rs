//! Subscribing with the replay extension, in Salesforce's words when it cannot be.

use serde_json::{Map, Value};

use super::message::{Message, Refusal};
use crate::channel::{self, Kind};
use crate::event::PUSH_TOPIC_FIELDS;
use crate::org::Org;
use crate::session::{Filter, Session, Subscription};

/// Subscribes all the channels of a message, or none. Subscribing what is subscribed changes nothing.
pub(super) fn subscribe(org: &Org, session: &Session, message: &Message) -> Result<(), Refusal> {
    let mut subscriptions = Vec::new();
    for name in names(message)? {
        if session.is_subscribed(name) {
            continue;
        }
        subscriptions.push(subscription(org, name, message.at(["ext", "replay"]))?);
    }
    for subscription in &subscriptions {
        tracing::info!(client = session.client_id, channel = subscription.name, "subscribed");
    }
    session.subscribe(subscriptions);
    Ok(())
}

/// Ends the subscriptions of a message.
pub(super) fn unsubscribe(session: &Session, message: &Message) -> Result<(), Refusal> {
    for name in names(message)? {
        session.unsubscribe(name);
    }
    Ok(())
}

fn names(message: &Message) -> Result<Vec<&str>, Refusal> {
    let unnamed = || Refusal::new("400::Channel name not specified");
    let names: Vec<&str> = match message.field("subscription") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(unnamed());
    }
    if names.iter().any(|name| !name.starts_with('/')) {
        return Err(Refusal::new("400::Channel subscriptions must start with a leading '/'"));
    }
    Ok(names)
}

fn subscription(org: &Org, name: &str, replay: Option<&Value>) -> Result<Subscription, Refusal> {
    let (channel, filter) = match name.split_once('?') {
        Some((channel, filter)) if channel.starts_with("/topic/") => (channel, Some(filter)),
        _ => (name, None),
    };
    let Some(stream) = org.bus.stream(channel) else {
        return Err(Refusal::new(match channel::kind(channel) {
            Some(Kind::PushTopic) => "403:denied_by_security_policy:create_denied".to_owned(),
            Some(Kind::Generic) => format!("403::Cannot create channel {{{channel}}}"),
            _ => format!("400::The channel you requested to subscribe to does not exist {{{channel}}}"),
        }));
    };
    let filter = filter.map(wanted).transpose()?;
    let place = match replay_id(channel, replay)? {
        Replay::Tip => stream.tip(),
        Replay::Earliest => stream.earliest(),
        Replay::After(id) => stream.after(id).map_err(|_| invalid(&id.to_string()))?,
    };
    Ok(Subscription { name: name.to_owned(), stream, place, filter })
}

fn wanted(text: &str) -> Result<Filter, Refusal> {
    let unknown = |names: &str| Refusal::new(format!("400::Query fields {{{names}}} do not exist on the topic entity"));
    let filter = Filter::parse(text).ok_or_else(|| unknown(text))?;
    let strangers: Vec<&str> =
        filter.fields.iter().map(String::as_str).filter(|field| !PUSH_TOPIC_FIELDS.contains(field)).collect();
    if strangers.is_empty() { Ok(filter) } else { Err(unknown(&strangers.join(", "))) }
}

enum Replay {
    Tip,
    Earliest,
    After(i64),
}

/// The channel's entry in the replay map; without the extension only new events are wanted.
fn replay_id(channel: &str, replay: Option<&Value>) -> Result<Replay, Refusal> {
    let Some(replay) = replay else { return Ok(Replay::Tip) };
    let empty = Map::new();
    let map = replay.as_object().unwrap_or(&empty);
    let Some(value) = map.get(channel) else {
        // Salesforce shows the map as Java prints it, in braces of the message's own.
        let shown: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return Err(Refusal::new(format!(
            "400::The replayId for channel {{{channel}}} wasn't found using the provided replay ID map {{{{{}}}}}. Ensure that the channel name you provided in the replay map is valid and matches the channel name used for subscribing.",
            shown.join(", ")
        )));
    };
    match value.as_i64() {
        Some(-1) => Ok(Replay::Tip),
        Some(-2) => Ok(Replay::Earliest),
        Some(id) => Ok(Replay::After(id)),
        None => Err(invalid(&value.to_string())),
    }
}

fn invalid(id: &str) -> Refusal {
    Refusal::new(format!(
        "400::The replayId {{{id}}} you provided was invalid. Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."
    ))
}
