//! What objects there are, with their fields: platform events, change events, and objects with records.

mod field;

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use serde_json::{Value, json};

use super::answer::Answer;
use super::ask::Ask;
use super::error;
use super::work::Work;
use crate::channel;
use crate::identifier;
use crate::object::{Definition, Sort};
use crate::org::Org;

/// `GET /sobjects/`.
pub(super) fn all(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let objects: Vec<Value> = entities(work.org).iter().map(|of| summary(of, ask)).collect();
    Ok(Answer::ok(json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})))
}

/// `GET /sobjects/X/describe`.
pub(super) fn one(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let of = entity(work.org, ask.segment(1)).ok_or_else(error::not_found)?;
    let mut description = summary(&of, ask);
    if let Some(fields) = description.as_object_mut() {
        fields.insert("fields".to_owned(), field::all(&of).into());
    }
    Ok(unless_known(ask, of.since, description))
}

/// Everything that can be described: what is defined, and the events of Salesforce's own that have a channel.
pub(super) fn entities(org: &Org) -> Vec<Arc<Definition>> {
    let mut all = org.definitions.all();
    let streams = org.bus.streams();
    all.extend(streams.iter().filter_map(|stream| event(org, &stream.channel)));
    all
}

/// What is described under this name.
pub(super) fn entity(org: &Org, name: &str) -> Option<Arc<Definition>> {
    org.definitions.find(name).or_else(|| {
        let channels = [format!("/data/{name}"), format!("/event/{name}")];
        let stream = channels.iter().find_map(|channel| org.bus.stream(channel))?;
        event(org, &stream.channel)
    })
}

/// The change event, or the event of Salesforce's own, that a channel carries.
fn event(org: &Org, channel: &str) -> Option<Arc<Definition>> {
    if channel::standard_event(channel).is_some() {
        return Some(Arc::new(Definition { since: org.since, ..Definition::standard(channel) }));
    }
    channel::entity(channel)?;
    let name = channel.strip_prefix("/data/")?;
    Some(Arc::new(Definition { since: org.since, ..Definition::standard_change(name) }))
}

/// 304 for a caller that has what there is.
fn unless_known(ask: &Ask, since: Timestamp, body: Value) -> Answer {
    let asked = ask.header("if-modified-since").and_then(|text| DateTimeParser::new().parse_timestamp(text).ok());
    if asked.is_some_and(|asked| since.as_second() <= asked.as_second()) {
        return Answer::empty(StatusCode::NOT_MODIFIED);
    }
    match DateTimePrinter::new().timestamp_to_rfc9110_string(&since) {
        Ok(text) => Answer::ok(body).with("Last-Modified", text),
        Err(_) => Answer::ok(body),
    }
}

fn summary(of: &Definition, ask: &Ask) -> Value {
    let name = &of.name;
    let (is_object, is_event) = (of.sort() == Sort::Object, of.sort() == Sort::Event);
    let label = match of.sort() {
        Sort::ChangeEvent => format!("{} Change Event", plain(name.trim_end_matches("ChangeEvent"))),
        Sort::Event | Sort::Object => plain(name),
    };
    let key_prefix = match of.sort() {
        Sort::Event => Some("e01"),
        Sort::ChangeEvent => None,
        Sort::Object => Some(identifier::prefix(name)),
    };
    let url = format!("/services/data/{}/sobjects/{name}", ask.version);
    let mut urls =
        json!({"sobject": url, "describe": format!("{url}/describe"), "rowTemplate": format!("{url}/{{ID}}")});
    if let (false, Some(urls)) = (is_object, urls.as_object_mut()) {
        urls.insert("eventSchema".to_owned(), format!("{url}/eventSchema").into());
    }
    json!({
        "activateable": false,
        "createable": is_object || is_event,
        "custom": name.contains("__"),
        "customSetting": false,
        "deletable": is_object,
        "deprecatedAndHidden": false,
        "feedEnabled": false,
        "keyPrefix": key_prefix,
        "label": label,
        "labelPlural": format!("{label}s"),
        "layoutable": is_object,
        "mergeable": false,
        "mruEnabled": is_object,
        "name": name,
        "queryable": is_object,
        "replicateable": is_object,
        "retrieveable": is_object,
        "searchable": is_object,
        "triggerable": true,
        "undeletable": is_object,
        "updateable": is_object,
        "urls": urls,
    })
}

/// A name for people: `Low_Ink__e` is Low Ink.
fn plain(name: &str) -> String {
    name.trim_end_matches("__e").trim_end_matches("__c").trim_end_matches("__").replace('_', " ")
}
