//! Subscribing with the replay extension, in Salesforce's words when it cannot be.

use serde_json::{Map, Value};

use super::message::{DAILY_LIMIT, Message, Refusal};
use super::refused;
use crate::bus::Bus;
use crate::event::PUSH_TOPIC_FIELDS;
use crate::fault::{Fault, Standing};
use crate::options::UnknownChannels;
use crate::org::Org;
use crate::session::{Filter, Session, Subscription};

/// Subscribes all the channels of a message, or none. Subscribing what is subscribed changes nothing.
pub(super) fn subscribe(org: &Org, session: &Session, message: &Message) -> Result<(), Refusal> {
    let mut subscriptions = Vec::new();
    for name in names(message)? {
        if session.is_subscribed(name) {
            continue;
        }
        subscriptions.push(subscription(org, session, name, message.at(["ext", "replay"]))?);
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

/// The channels that a message names, with their filters.
pub(super) fn named(message: &Message) -> Vec<&str> {
    match message.field("subscription") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A channel, and the filter of a PushTopic.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('?') {
        Some((channel, filter)) if channel.starts_with("/topic/") => (channel, Some(filter)),
        _ => (name, None),
    }
}

fn names(message: &Message) -> Result<Vec<&str>, Refusal> {
    let names = named(message);
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(Refusal::new("400::Channel name not specified"));
    }
    if names.iter().any(|name| !name.starts_with('/')) {
        return Err(Refusal::new("400::Channel subscriptions must start with a leading '/'"));
    }
    Ok(names)
}

fn subscription(org: &Org, session: &Session, name: &str, replay: Option<&Value>) -> Result<Subscription, Refusal> {
    let (channel, filter) = split(name);
    let planned = |wanted: fn(&Fault) -> bool| org.faults.of_channel(&session.client_id, channel, wanted);
    match planned(|fault| matches!(fault, Fault::Refused(_) | Fault::Channel(Standing::Denied(_)))) {
        Some(Fault::Channel(Standing::Denied(denial))) => return Err(refused::denial(denial, channel)),
        Some(fault) => refused::by(&fault).map_or(Ok(()), Err)?,
        None => {}
    }
    let stream = match (org.bus.stream(channel), org.streaming.now().unknown_channels) {
        (Some(stream), _) => stream,
        (None, UnknownChannels::Refuse) => return Err(refused::unknown(channel)),
        (None, UnknownChannels::Silent) => {
            let subscription =
                Subscription { name: name.to_owned(), stream: Bus::silent(channel), place: 0, filter: None };
            return replay_id(channel, replay).map(|_| subscription);
        }
    };
    if stream.is_metered() && org.delivered.is_spent() {
        return Err(DAILY_LIMIT);
    }
    let filter = filter.map(wanted).transpose()?;
    let place = match replay_id(channel, replay)? {
        Replay::Tip => stream.tip(),
        Replay::Earliest => stream.earliest(),
        Replay::After(id) if planned(|fault| *fault == Fault::Channel(Standing::ReplayRefused)).is_some() => {
            return Err(invalid(&id.to_string()));
        }
        Replay::After(id) => match stream.after(id) {
            Ok(place) => place,
            // Only an id that the stream once had.
            Err(_)
                if stream.had(id) && planned(|fault| *fault == Fault::Channel(Standing::ReplayAccepted)).is_some() =>
            {
                stream.earliest()
            }
            Err(_) => return Err(invalid(&id.to_string())),
        },
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
