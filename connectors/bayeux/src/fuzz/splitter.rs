//! The splitter beside a parser that takes its time.

use crate::split::{Message, split};
use arbitrary::{Result as Drawn, Unstructured};
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Splits `input` as it is, and a reply that is made from it: what the splitter hands on must be what a parser that builds
/// everything finds.
///
/// # Errors
/// They differ.
pub fn splitter(input: &[u8]) -> Result<(), String> {
    compare(&Bytes::copy_from_slice(input))?;
    match reply(&mut Unstructured::new(input)) {
        Ok(reply) => compare(&Bytes::from(reply)),
        Err(_) => Ok(()),
    }
}

fn compare(reply: &Bytes) -> Result<(), String> {
    let built = serde_json::from_slice::<Value>(reply).ok();
    let split = split::<IgnoredAny>(reply);
    let messages = match (split, built) {
        (Ok(messages), Some(Value::Array(values))) => messages.into_iter().zip_all(values)?,
        (Ok(messages), Some(value)) => messages.into_iter().zip_all(vec![value])?,
        (Ok(_), None) => return Err("a reply that is no JSON was split".to_owned()),
        // Nothing of it is handed on. A parser without limits may take what this one does not: numbers, depth.
        (Err(_), _) => return Ok(()),
    };
    for (message, value) in messages {
        if let Message::Event { channel, bytes, .. } = message {
            let data =
                serde_json::from_slice::<Value>(&bytes).map_err(|error| format!("the slice of an event: {error}"))?;
            if value.get("data") != Some(&data) {
                return Err(format!("an event's data is {data} in {value}"));
            }
            if value.get("channel").and_then(Value::as_str) != Some(&*channel) {
                return Err(format!("an event's channel is {channel} in {value}"));
            }
        }
    }
    Ok(())
}

/// Pairs what must be equally many.
trait ZipAll: Iterator + Sized {
    fn zip_all(self, values: Vec<Value>) -> Result<Vec<(Self::Item, Value)>, String> {
        let messages: Vec<_> = self.collect();
        if messages.len() != values.len() {
            return Err(format!("{} messages of {}", messages.len(), values.len()));
        }
        Ok(messages.into_iter().zip(values).collect())
    }
}

impl<I: Iterator> ZipAll for I {}

/// Bayeux as servers may write it: any white space, any order of keys, escapes anywhere.
fn reply(from: &mut Unstructured<'_>) -> Drawn<String> {
    let mut text = String::from("[");
    for index in 0..from.int_in_range(0..=4)? {
        if index > 0 {
            text.push(',');
        }
        message(from, &mut text)?;
        space(from, &mut text)?;
    }
    text.push(']');
    Ok(text)
}

fn message(from: &mut Unstructured<'_>, text: &mut String) -> Drawn<()> {
    let mut keys = vec!["\"channel\"", "\"data\"", "\"id\"", "\"clientId\"", "\"ext\""];
    text.push('{');
    let mut first = true;
    while !keys.is_empty() && (from.ratio(7, 8)? || first) {
        let key = keys.swap_remove(from.choose_index(keys.len())?);
        if !std::mem::take(&mut first) {
            text.push(',');
        }
        space(from, text)?;
        let is_escaped = from.ratio(1, 6)?;
        text.push_str(&if is_escaped { key.replace('d', r"\u0064") } else { key.to_owned() });
        space(from, text)?;
        text.push(':');
        space(from, text)?;
        text.push_str(if key == "\"channel\"" { from.choose(&CHANNELS)? } else { from.choose(&VALUES)? });
        space(from, text)?;
    }
    text.push('}');
    Ok(())
}

fn space(from: &mut Unstructured<'_>, text: &mut String) -> Drawn<()> {
    text.push_str(from.choose(&["", "", "", " ", "\n", "\t \r\n"])?);
    Ok(())
}

const CHANNELS: [&str; 4] = [r#""/a""#, r#""/a\/b""#, r#""/\u0061""#, r#""/meta/connect""#];
const VALUES: [&str; 9] = [
    "1",
    "9007199254740993",
    r#""}],{\"data\":2""#,
    r#"{"data":{"channel":"/x"},"a":[1, 2 ]}"#,
    "[]",
    "null",
    "true",
    r#""\\""#,
    r#"{ "event" : { "replayId" : 3 } }"#,
];
