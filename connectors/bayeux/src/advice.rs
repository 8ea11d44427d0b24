//! What a server advises (Bayeux 1.0, "advice").

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// What to do after a reply, or after its loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reconnect {
    /// Connect again in this session.
    Retry,
    /// The server does not know the session: handshake.
    Handshake,
    /// The server asks not to be asked again by itself.
    None,
}

/// The `advice` object of a reply. Newer advice replaces older advice entirely.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// What to do next; absent means the default of the meta channel it came on.
    pub reconnect: Option<Reconnect>,
    /// Milliseconds to wait before the next connect or handshake; negative means "do not".
    pub interval: Option<i64>,
    /// Milliseconds for which the server will hold a connect.
    pub timeout: Option<i64>,
    /// Milliseconds for which the server keeps a session that has no connect outstanding.
    pub max_interval: Option<i64>,
    /// The server sees several sessions of one browser, and holds no connect of the others.
    pub multiple_clients: bool,
}

impl Advice {
    /// Reads an `advice` object as it holds for the transport of that name: what stands under the name goes first.
    /// `None`: it is no object. A field of an unexpected type counts as absent: advice never makes a reply unreadable.
    #[must_use]
    pub fn read(raw: &RawValue, transport: &str) -> Option<Self> {
        let general = fields(raw)?;
        let special = general.get(transport).and_then(|raw| fields(raw)).unwrap_or_default();
        let of = |key: &str| special.get(key).or_else(|| general.get(key)).copied();
        Some(Self {
            reconnect: of("reconnect").and_then(value),
            interval: of("interval").and_then(value),
            timeout: of("timeout").and_then(value),
            max_interval: of("maxInterval").and_then(value),
            multiple_clients: of("multiple-clients").and_then(value).unwrap_or(false),
        })
    }

    /// The wait before the next connect, clamped to `most`: a server may slow us down, not stop us.
    #[must_use]
    pub fn interval(&self, most: Duration) -> Duration {
        millis(self.interval).unwrap_or_default().min(most)
    }

    /// How long the server holds a connect, clamped to `most`.
    #[must_use]
    pub fn hold(&self, default: Duration, most: Duration) -> Duration {
        millis(self.timeout).unwrap_or(default).min(most)
    }

    /// How long the server keeps a session without a connect, where it says so.
    #[must_use]
    pub fn expiry(&self) -> Option<Duration> {
        millis(self.max_interval)
    }

    /// The effective reconnect advice: a negative interval means the same as `none`.
    #[must_use]
    pub fn reconnect(&self) -> Option<Reconnect> {
        if self.interval.is_some_and(|interval| interval < 0) { Some(Reconnect::None) } else { self.reconnect }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reconnect() {
            _ if self.multiple_clients => "it sees several sessions of one browser",
            Some(Reconnect::Handshake) => "reconnect: handshake",
            Some(Reconnect::None) => "reconnect: none",
            Some(Reconnect::Retry) | None => "reconnect: retry",
        })
    }
}

fn millis(value: Option<i64>) -> Option<Duration> {
    value.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis)
}

fn fields(raw: &RawValue) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

fn value<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}
