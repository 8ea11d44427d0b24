//! The least that a client must do to get events: log in, shake hands, subscribe to all that is retained, and connect
//! again and again. No recovery, no positions, and no look at the events.

use harness::Error;
use memchr::memmem;
use serde_json::{Value, json};
use std::time::Duration;

/// A session.
pub(crate) struct Session {
    client: reqwest::Client,
    url: String,
    token: String,
    id: String,
}

impl Session {
    /// Opens one, subscribed to all retained events of a channel, of which the first come with the reply that is returned.
    pub(crate) async fn open(org: &str, channel: &str) -> Result<(Self, Vec<u8>), Error> {
        let client = reqwest::Client::builder().no_proxy().cookie_store(true).read_timeout(LIMIT).build()?;
        let login = simulator::Options::default();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &login.client_id),
            ("client_secret", &login.client_secret),
        ];
        let answer = client.post(format!("{org}/services/oauth2/token")).form(&form).send().await?;
        let token = text(&parsed("token", &answer.bytes().await?)?, "/access_token")?;
        let mut session = Self { client, url: format!("{org}/cometd/64.0"), token, id: String::new() };
        let handshake = json!([{
            "channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"],
            "ext": {"replay": true},
        }]);
        session.id = text(&parsed("handshake", &session.call(&handshake).await?)?, "/0/clientId")?;
        let subscribe = json!([{
            "channel": "/meta/subscribe", "clientId": session.id, "subscription": channel,
            "ext": {"replay": {channel: -2}},
        }]);
        let first = session.call(&subscribe).await?;
        if memmem::rfind(&first, br#""successful":true"#).is_none() {
            return Err(Error::Malformed { call: "subscribe".to_owned(), reason: "it was refused".to_owned() });
        }
        Ok((session, first))
    }

    /// The next reply, whole.
    pub(crate) async fn connect(&self) -> Result<Vec<u8>, Error> {
        let connect = [json!({"channel": "/meta/connect", "clientId": self.id, "connectionType": "long-polling"})];
        self.call(&json!(connect)).await
    }

    async fn call(&self, messages: &Value) -> Result<Vec<u8>, Error> {
        let call = self.client.post(&self.url).bearer_auth(&self.token).json(messages);
        Ok(call.send().await?.error_for_status()?.bytes().await?.into())
    }
}

fn parsed(call: &str, bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Malformed { call: call.to_owned(), reason: error.to_string() })
}

fn text(answer: &Value, pointer: &str) -> Result<String, Error> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Error::Malformed { call: pointer.to_owned(), reason: "it is missing".to_owned() })
}

/// A connect is held for 110 s where there is nothing.
const LIMIT: Duration = Duration::from_secs(130);
