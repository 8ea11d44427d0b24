//! Messages and the two forms of reply: succeeded and refused.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{advice, bare};

/// A message of a client.
#[derive(Clone, Debug)]
pub(super) struct Message(Map<String, Value>);

/// Why a message is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    error: Cow<'static, str>,
    /// What a handshake says instead of `error`, and in `ext.sfdc.failureReason`; other messages where `is_veiled`.
    reason: Option<&'static str>,
    is_veiled: bool,
    reconnect: Option<&'static str>,
}

/// The token is not valid.
pub(super) const UNAUTHENTICATED: Refusal = unauthenticated("401::Authentication invalid");
/// No token came.
pub(super) const NO_TOKEN: Refusal = unauthenticated("401::Request requires authentication");
/// The session is gone.
pub(super) const UNKNOWN_CLIENT: Refusal = Refusal {
    error: Cow::Borrowed("403::Unknown client"),
    reason: None,
    is_veiled: false,
    reconnect: Some("handshake"),
};
/// Salesforce hides it behind an authentication error, and tells the truth in `failureReason` only.
pub(super) const TOO_BUSY: Refusal = Refusal {
    error: Cow::Borrowed("401::Authentication invalid"),
    reason: Some("503::Server is too busy.  Please try your request again later."),
    is_veiled: true,
    reconnect: Some("none"),
};

const fn unauthenticated(text: &'static str) -> Refusal {
    Refusal { error: Cow::Borrowed(text), reason: Some(text), is_veiled: false, reconnect: Some("none") }
}

impl Refusal {
    pub(super) fn new(error: impl Into<Cow<'static, str>>) -> Self {
        Self { error: error.into(), reason: None, is_veiled: false, reconnect: None }
    }

    pub(super) fn advising(self, reconnect: &'static str) -> Self {
        Self { reconnect: Some(reconnect), ..self }
    }
}

impl Message {
    pub(super) fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    pub(super) fn channel(&self) -> &str {
        self.text("channel").unwrap_or_default()
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str)
    }

    pub(super) fn field(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    pub(super) fn at(&self, pointer: [&str; 2]) -> Option<&Value> {
        let [outer, inner] = pointer;
        self.0.get(outer)?.get(inner)
    }

    /// A successful reply, to which the caller may add.
    pub(super) fn succeeded(&self) -> Value {
        let mut reply = self.reply();
        reply.insert("successful".to_owned(), true.into());
        Value::Object(reply)
    }

    /// A failed reply. A handshake hides its reason in `ext`, as Salesforce does.
    pub(super) fn refused(&self, refusal: &Refusal) -> Value {
        let mut reply = self.reply();
        reply.insert("successful".to_owned(), false.into());
        let is_handshake = self.channel() == "/meta/handshake";
        let is_subscribe = self.channel() == "/meta/subscribe";
        let error = match refusal.reason {
            Some(_) if is_handshake => "403::Handshake denied",
            Some(_) if is_subscribe && refusal.is_veiled => "403:denied_by_security_policy:subscribe_denied",
            _ => &refusal.error,
        };
        reply.insert("error".to_owned(), error.into());
        match refusal.reason {
            Some(reason) if is_handshake => {
                let ext = json!({"sfdc": {"failureReason": reason}, "replay": true, "payload.format": true});
                reply.insert("ext".to_owned(), ext);
            }
            Some(reason) if refusal.is_veiled => {
                reply.insert("ext".to_owned(), json!({"sfdc": {"failureReason": reason}}));
            }
            _ => {}
        }
        if let Some(reconnect) = refusal.reconnect {
            let advice = if is_handshake { json!({"reconnect": reconnect}) } else { advice(reconnect) };
            reply.insert("advice".to_owned(), advice);
        }
        Value::Object(reply)
    }

    /// What every reply repeats of its request.
    fn reply(&self) -> Map<String, Value> {
        let mut reply = bare(self.channel());
        match self.field("id") {
            Some(Value::String(id)) => _ = reply.insert("id".to_owned(), id.as_str().into()),
            Some(Value::Number(id)) => _ = reply.insert("id".to_owned(), id.to_string().into()),
            _ => {}
        }
        for field in ["clientId", "subscription"] {
            if let Some(value) = self.field(field).filter(|_| self.channel() != "/meta/handshake") {
                reply.insert(field.to_owned(), value.clone());
            }
        }
        reply
    }
}
