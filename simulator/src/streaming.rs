//! How the Streaming API behaves beyond its time-outs. A test changes it while the org runs.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::lock::lock;
use crate::options::{Options, UnknownChannels};

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streaming {
    pub(crate) unknown_channels: UnknownChannels,
    /// The life of the routing cookie; there is none where absent.
    pub(crate) routing_cookie: Option<Duration>,
}

/// The behaviour of now.
#[derive(Debug)]
pub(crate) struct Behaviour(Mutex<Streaming>);

impl Behaviour {
    pub(crate) fn new(options: &Options) -> Self {
        let Options { unknown_channels, routing_cookie, .. } = *options;
        Self(Mutex::new(Streaming { unknown_channels, routing_cookie }))
    }

    pub(crate) fn now(&self) -> Streaming {
        *lock(&self.0)
    }

    /// Replaces what is given.
    ///
    /// # Errors
    /// Says which field is unknown or has a wrong value; nothing is changed then.
    pub(crate) fn change(&self, fields: &Map<String, Value>) -> Result<Streaming, String> {
        let mut streaming = lock(&self.0);
        let mut changed = *streaming;
        for (name, value) in fields {
            match name.as_str() {
                "unknown_channels" => {
                    changed.unknown_channels = serde_json::from_value(value.clone()).map_err(|why| why.to_string())?;
                }
                "routing_cookie" => {
                    changed.routing_cookie = match value {
                        Value::Null => None,
                        Value::String(text) => Some(humantime::parse_duration(text).map_err(|why| why.to_string())?),
                        _ => return Err("routing_cookie is a duration, as \"3s\", or null".to_owned()),
                    };
                }
                other => return Err(format!("there is no field `{other}`")),
            }
        }
        *streaming = changed;
        Ok(changed)
    }
}

impl Streaming {
    pub(crate) fn show(self) -> Value {
        json!({
            "unknown_channels": self.unknown_channels,
            "routing_cookie": self.routing_cookie.map(|life| humantime::format_duration(life).to_string()),
        })
    }
}
