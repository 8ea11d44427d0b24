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
    /// What a handshake says in `ext.sfdc.failureReason`, and denies with an error of its own; other messages where
    /// `is_veiled`.
    reason: Option<&'static str>,
    is_veiled: bool,
    /// A handshake, too, says `error`.
    is_bare: bool,
    reconnect: Option<&'static str>,
    /// The session is gone after it.
    pub(super) ends_session: bool,
}

/// The token is not valid.
pub(super) const UNAUTHENTICATED: Refusal =
    fixed("401::Authentication invalid", Some("401::Authentication invalid"), "none");
/// No token came.
pub(super) const NO_TOKEN: Refusal =
    fixed("401::Request requires authentication", Some("401::Request requires authentication"), "none");
/// The session is gone.
pub(super) const UNKNOWN_CLIENT: Refusal = fixed("403::Unknown client", None, "handshake");
/// Salesforce hides it behind an authentication error, and tells the truth in `failureReason` only.
pub(super) const TOO_BUSY: Refusal = {
    let mut busy = fixed("401::Authentication invalid", Some(BUSY), "none");
    busy.is_veiled = true;
    busy
};
/// The delivery allocation of the org is used up.
pub(super) const DAILY_LIMIT: Refusal = {
    let mut limit = fixed(DELIVERED, Some(DELIVERED), "none");
    limit.ends_session = true;
    limit
};

const fn fixed(error: &'static str, reason: Option<&'static str>, reconnect: &'static str) -> Refusal {
    let error = Cow::Borrowed(error);
    Refusal { error, reason, is_veiled: false, is_bare: false, reconnect: Some(reconnect), ends_session: false }
}

impl Refusal {
    pub(super) fn new(error: impl Into<Cow<'static, str>>) -> Self {
        let error = error.into();
        Self { error, reason: None, is_veiled: false, is_bare: false, reconnect: None, ends_session: false }
    }

    /// Denied with the true reason in `failureReason`, and by other messages than a handshake said openly.
    pub(super) fn denied(reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::new(reason) }
    }

    /// Salesforce's own reason, hidden by every message behind an error that says something else.
    pub(super) fn veiled(error: &'static str, reason: &'static str) -> Self {
        Self { reason: Some(reason), is_veiled: true, ..Self::new(error) }
    }

    pub(super) fn advising(self, reconnect: &'static str) -> Self {
        Self { reconnect: Some(reconnect), ..self }
    }

    pub(super) fn bare(self) -> Self {
        Self { is_bare: true, ..self }
    }

    pub(super) fn ending(self) -> Self {
        Self { ends_session: true, ..self }
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
            Some(_) if is_handshake && !refusal.is_bare => "403::Handshake denied",
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

/// What Salesforce says of itself, with two blanks.
pub(super) const BUSY: &str = "503::Server is too busy.  Please try your request again later.";
const DELIVERED: &str = "403::Organization total events daily limit exceeded";
