//! Splitting a reply into messages, in one pass.
//!
//! A reply is walked once. In that walk each message's few meta fields are read, its `data` is read into whatever the
//! caller wants of it (`D`), and the extent of `data` is found, so that an event goes on as a slice of the reply. The
//! parser does not tell where it stands inside a value; what it does tell is the address of each key that it lends us,
//! and from the key `data` to its value, and from the next key back to that value's end, there is only white space and
//! punctuation, in a text that the parser has just found to be JSON.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

/// One message of a reply.
#[derive(Debug)]
pub enum Message<D> {
    /// The answer to a meta message, or a server's own `/meta/disconnect`.
    Meta(Box<Meta>),
    /// An event.
    Event {
        /// The channel it came on.
        channel: Arc<str>,
        /// Its `data`, read.
        data: D,
        /// Its `data` as it came: a slice of the reply.
        bytes: Bytes,
    },
}

/// The fields of a meta message. Unknown ones are ignored.
#[derive(Debug, Default)]
pub struct Meta {
    /// `/meta/…`, or the channel of an answered publish.
    pub channel: Arc<str>,
    /// The id of our message that it answers; a server's own message has none.
    pub id: Option<String>,
    /// The session's name.
    pub client_id: Option<String>,
    /// Whether the server agreed.
    pub successful: bool,
    /// The channel that a subscribe is about.
    pub subscription: Option<String>,
    /// Why the server did not agree.
    pub error: Option<String>,
    /// The transports that the server offers.
    pub supported_connection_types: Vec<String>,
    /// The server's advice, see [`Advice::read`](crate::Advice::read).
    pub advice: Option<Box<RawValue>>,
    /// Extension data.
    pub ext: Option<Box<RawValue>>,
}

/// A reply that is no array of Bayeux messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// Splits a reply into its messages, in array order. A single bare object is accepted as well (Bayeux 1.0).
///
/// # Errors
/// The reply is not UTF-8, not JSON, or not made of messages. Nothing of a malformed reply is handed on: its events are
/// had again from the last position.
pub fn split<D: for<'de> Deserialize<'de>>(reply: &Bytes) -> Result<Vec<Message<D>>, Malformed> {
    let text = std::str::from_utf8(reply).map_err(|error| Malformed(error.to_string()))?;
    let mut splitter = Splitter { reply, text, at: 0, channel: Arc::default(), messages: Vec::new() };
    splitter.run()?;
    Ok(splitter.messages)
}

struct Splitter<'r, D> {
    reply: &'r Bytes,
    text: &'r str,
    at: usize,
    /// The last event's channel: events come in runs, one allocation serves a run.
    channel: Arc<str>,
    messages: Vec<Message<D>>,
}

impl<'r, D: Deserialize<'r>> Splitter<'r, D> {
    fn run(&mut self) -> Result<(), Malformed> {
        if !self.skip(b'[') {
            self.message()?;
        } else if !self.skip(b']') {
            loop {
                self.message()?;
                if self.skip(b']') {
                    break;
                }
                if !self.skip(b',') {
                    return Err(self.malformed("expected `,` or `]`"));
                }
            }
        }
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.malformed("trailing characters")) }
    }

    fn message(&mut self) -> Result<(), Malformed> {
        self.skip_space();
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Envelope<'r, D>>();
        let envelope = match stream.next() {
            Some(Ok(envelope)) => envelope,
            Some(Err(error)) => return Err(self.malformed(&error.to_string())),
            None => return Err(self.malformed("expected a message")),
        };
        self.at = start + stream.byte_offset();
        let message = self.place(envelope, start..self.at)?;
        self.messages.push(message);
        Ok(())
    }

    fn place(&mut self, envelope: Envelope<'r, D>, extent: Range<usize>) -> Result<Message<D>, Malformed> {
        let Some(channel) = envelope.channel else { return Err(self.malformed("a message without channel")) };
        if *channel != *self.channel {
            self.channel = Arc::from(&*channel);
        }
        match envelope.data {
            Some(data) if !channel.starts_with("/meta/") => {
                let extent = self.data_extent(envelope.data_key, envelope.next_key, extent);
                let extent = extent.ok_or_else(|| self.malformed("data not found"))?;
                Ok(Message::Event { channel: self.channel.clone(), data, bytes: self.reply.slice(extent) })
            }
            _ => Ok(Message::Meta(Box::new(Meta { channel: self.channel.clone(), ..envelope.meta }))),
        }
    }

    /// Where the value of `data` begins and ends, from the addresses of its key and of the key after it.
    fn data_extent(&self, key: Option<usize>, next: Option<usize>, message: Range<usize>) -> Option<Range<usize>> {
        let base = self.text.as_ptr().addr();
        let bytes = self.text.as_bytes();
        let Some(key) = key else { return self.data_extent_by_search(message) };
        let mut start = key.checked_sub(base)? + DATA.len() + 1; // past the closing quote
        while matches!(bytes.get(start)?, b' ' | b'\t' | b'\n' | b'\r' | b':') {
            start += 1;
        }
        let mut end = match next {
            Some(next) => next.checked_sub(base)?.checked_sub(1)?, // the opening quote
            None => message.end.checked_sub(1)?,                   // the closing brace
        };
        while matches!(bytes.get(end.checked_sub(1)?)?, b' ' | b'\t' | b'\n' | b'\r' | b',') {
            end -= 1;
        }
        (start < end).then_some(start..end)
    }

    /// The rare way: a key written with escapes is not lent to us, so its value is looked for in a second walk.
    fn data_extent_by_search(&self, message: Range<usize>) -> Option<Range<usize>> {
        #[derive(serde::Deserialize)]
        struct Only<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let text = self.text.get(message)?;
        let only: Only<'_> = serde_json::from_str(text).ok()?;
        let start = only.data.get().as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        Some(start..start + only.data.get().len())
    }

    fn skip(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn malformed(&self, what: &str) -> Malformed {
        Malformed(format!("{what}, in the message at byte {} of {}", self.at, self.text.len()))
    }
}

/// A message under the parser's hands.
struct Envelope<'de, D> {
    channel: Option<Cow<'de, str>>,
    meta: Meta,
    data: Option<D>,
    /// The address of the key `data`, where the parser lent it.
    data_key: Option<usize>,
    /// The address of the key after it.
    next_key: Option<usize>,
}

impl<'de, D: Deserialize<'de>> Deserialize<'de> for Envelope<'de, D> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        deserializer.deserialize_map(EnvelopeVisitor(PhantomData))
    }
}

struct EnvelopeVisitor<D>(PhantomData<D>);

impl<'de, D: Deserialize<'de>> Visitor<'de> for EnvelopeVisitor<D> {
    type Value = Envelope<'de, D>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Bayeux message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope =
            Envelope { channel: None, meta: Meta::default(), data: None, data_key: None, next_key: None };
        let mut data_was_last = false;
        let mut lent = true;
        while let Some(Text(key)) = map.next_key()? {
            let address = match &key {
                Cow::Borrowed(key) => Some(key.as_ptr().addr()),
                Cow::Owned(_) => None,
            };
            if std::mem::take(&mut data_was_last) {
                envelope.next_key = address;
                lent &= address.is_some();
            }
            match &*key {
                "channel" => envelope.channel = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                DATA => {
                    envelope.data = Some(map.next_value()?);
                    envelope.data_key = address;
                    envelope.next_key = None;
                    lent = address.is_some();
                    data_was_last = true;
                }
                other => read_meta(&mut envelope.meta, other, &mut map)?,
            }
        }
        if !lent {
            envelope.data_key = None;
        }
        Ok(envelope)
    }
}

/// Reads one field that only meta messages need. One of an unexpected type counts as absent.
fn read_meta<'de, A: MapAccess<'de>>(meta: &mut Meta, key: &str, map: &mut A) -> Result<(), A::Error> {
    match key {
        "id" => meta.id = scalar(map.next_value()?),
        "clientId" => meta.client_id = scalar(map.next_value()?),
        "successful" => meta.successful = map.next_value::<&RawValue>()?.get() == "true",
        "subscription" => meta.subscription = only(map.next_value()?),
        "error" => meta.error = scalar(map.next_value()?),
        "supportedConnectionTypes" => {
            meta.supported_connection_types =
                serde_json::from_str(map.next_value::<&RawValue>()?.get()).unwrap_or_default();
        }
        "advice" => meta.advice = Some(map.next_value()?),
        "ext" => meta.ext = Some(map.next_value()?),
        _ => {
            map.next_value::<IgnoredAny>()?;
        }
    }
    Ok(())
}

/// A string, or the text of a number: servers answer ids in either form.
fn scalar(raw: &RawValue) -> Option<String> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(raw.get().to_owned()),
    }
}

/// A channel, alone or as the only one of an array (Bayeux 1.0, "subscribe response").
fn only(raw: &RawValue) -> Option<String> {
    match serde_json::from_str::<[String; 1]>(raw.get()) {
        Ok([channel]) => Some(channel),
        Err(_) => scalar(raw),
    }
}

/// A string, lent by the parser wherever it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

const DATA: &str = "data";

#[cfg(test)]
mod tests;
