//! Messages of clients, and the fields of replies.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// A message of a client.
#[derive(Clone, Debug)]
pub(super) struct Message {
    fields: Map<String, Value>,
    /// As it was written, so that no number in it changes.
    pub(super) data: Option<Box<RawValue>>,
}

/// What is no message, or is one that the server stumbles over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// Not JSON, or of no use as an array of messages.
    Unreadable,
    /// Against the protocol: the request fails as a whole, a WebSocket is closed.
    Violation,
}

/// The messages of a body. A lone object is taken for an array of one.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Message>, Odd> {
    let text: &RawValue = serde_json::from_slice(body).map_err(|_| Odd::Unreadable)?;
    match text.get().as_bytes().first() {
        Some(b'{') => Ok(vec![Message::parse(text)?]),
        Some(b'[') => {
            let texts: Vec<&RawValue> = serde_json::from_str(text.get()).map_err(|_| Odd::Unreadable)?;
            if texts.is_empty() { Err(Odd::Violation) } else { texts.into_iter().map(Message::parse).collect() }
        }
        Some(b'n') => Err(Odd::Violation),
        _ => Err(Odd::Unreadable),
    }
}

impl Message {
    fn parse(text: &RawValue) -> Result<Self, Odd> {
        let mut raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text.get()).map_err(|_| Odd::Violation)?;
        let data = raw.remove("data");
        let mut fields = Map::new();
        for (name, value) in raw {
            fields.insert(name, serde_json::from_str(value.get()).map_err(|_| Odd::Unreadable)?);
        }
        let message = Self { fields, data };
        if message.is_sound() { Ok(message) } else { Err(Odd::Violation) }
    }

    /// Whether its fields are of the types that the server casts them to.
    fn is_sound(&self) -> bool {
        let is_text = |name: &str| self.fields.get(name).is_none_or(|value| value.is_string() || value.is_null());
        let times = ["timeout", "interval"].map(|name| self.at(["advice", name]).is_none_or(Value::is_number));
        let advice = self.fields.get("advice").is_none_or(|advice| advice.is_object() || advice.is_null());
        is_text("channel") && is_text("clientId") && advice && times == [true, true]
    }

    pub(super) fn channel(&self) -> &str {
        self.text("channel").unwrap_or_default()
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    pub(super) fn field(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    pub(super) fn at(&self, [outer, inner]: [&str; 2]) -> Option<&Value> {
        self.fields.get(outer)?.get(inner)
    }

    /// Milliseconds of the client's own advice.
    pub(super) fn advised(&self, name: &str) -> Option<u64> {
        self.at(["advice", name]).and_then(Value::as_u64)
    }

    /// Its id as the reply repeats it: always text.
    fn id(&self) -> Option<String> {
        match self.fields.get("id")? {
            Value::Null => None,
            Value::String(id) => Some(id.clone()),
            other => Some(other.to_string()),
        }
    }

    /// An id has letters and digits only, or is not there.
    pub(super) fn has_good_id(&self) -> bool {
        self.id().is_none_or(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }

    /// The fields of a successful reply, to which the caller may add.
    pub(super) fn succeeded(&self) -> Map<String, Value> {
        let mut reply = self.reply();
        reply.insert("successful".to_owned(), true.into());
        reply
    }

    /// A failed reply.
    pub(super) fn refused(&self, error: &str) -> Map<String, Value> {
        let mut reply = self.reply();
        reply.insert("error".to_owned(), error.into());
        reply.insert("successful".to_owned(), false.into());
        reply
    }

    /// The reply to a message of no session; a connect is told to begin anew.
    pub(super) fn unknown(&self) -> Map<String, Value> {
        let mut reply = self.refused("402::session_unknown");
        if self.channel() == "/meta/connect" {
            reply.insert("advice".to_owned(), json!({"interval": 0, "reconnect": "handshake"}));
        }
        reply
    }

    /// What every reply repeats of its request.
    pub(super) fn reply(&self) -> Map<String, Value> {
        let mut reply = Map::new();
        if let Some(channel) = self.text("channel") {
            reply.insert("channel".to_owned(), channel.into());
        }
        if let Some(id) = self.id() {
            reply.insert("id".to_owned(), id.into());
        }
        let subscription = self.field("subscription").filter(|_| self.channel().ends_with("subscribe"));
        if let Some(subscription) = subscription {
            reply.insert("subscription".to_owned(), subscription.clone());
        }
        reply
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_messages_or_odd() {
        for (body, wanted) in [
            (r#"[{"channel":"/a"},{"channel":"/b"}]"#, Ok(2)),
            (r#" {"channel":"/a"}"#, Ok(1)),
            ("[]", Err(Odd::Violation)),
            ("null", Err(Odd::Violation)),
            ("[5]", Err(Odd::Violation)),
            (r#"[{"channel":5}]"#, Err(Odd::Violation)),
            (r#"[{"advice":{"timeout":"0"}}]"#, Err(Odd::Violation)),
            ("5", Err(Odd::Unreadable)),
            ("{", Err(Odd::Unreadable)),
            ("", Err(Odd::Unreadable)),
        ] {
            assert_eq!(parse(body.as_bytes()).map(|messages| messages.len()), wanted, "{body}");
        }
    }

    #[test]
    fn data_stays_as_it_was_written() {
        let messages = parse(br#"{"data":{"n":12345678901234567890.50}}"#).unwrap();
        let data = messages.first().and_then(|message| message.data.as_ref()).unwrap();
        assert_eq!(data.get(), r#"{"n":12345678901234567890.50}"#);
    }
}
