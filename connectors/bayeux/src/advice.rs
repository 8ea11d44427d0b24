//! What a server advises (Bayeux 1.0, "advice").

use serde::Deserialize;
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Advice {
    /// What to do next; absent means the default of the meta channel it came on.
    #[serde(deserialize_with = "lenient")]
    pub reconnect: Option<Reconnect>,
    /// Milliseconds to wait before the next connect or handshake; negative means "do not".
    #[serde(deserialize_with = "lenient")]
    pub interval: Option<i64>,
    /// Milliseconds for which the server will hold a connect.
    #[serde(deserialize_with = "lenient")]
    pub timeout: Option<i64>,
    /// Milliseconds for which the server keeps a session that has no connect outstanding.
    #[serde(rename = "maxInterval", deserialize_with = "lenient")]
    pub max_interval: Option<i64>,
}

impl Advice {
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

fn millis(value: Option<i64>) -> Option<Duration> {
    value.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis)
}

/// A field of an unexpected type counts as absent: advice must never make a reply unreadable.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}
