//! `[feed.NAME.from.bayeux]`: channels of any CometD server.

use super::{OnExpired, Start, check_retention, named_once};
use crate::config::org::network;
use crate::config::problem::Reader;
use crate::config::value::{Identifier, Time, WebAddress, custom};
use http::{HeaderMap, HeaderName, HeaderValue};
use salesforce::Wire;
use std::fmt;
use std::time::Duration;
use toml_span::span::Spanned;
use toml_span::{DeserError, Deserialize, Value};
use url::Url;

/// `from.bayeux`.
#[derive(Clone, PartialEq, Eq)]
pub struct BayeuxSource {
    /// The server's Bayeux URL.
    pub url: Url,
    /// The channels, at least one, each once; a last part of `*` or `**` stands for any.
    pub channels: Vec<String>,
    /// Sent with each request.
    pub headers: HeaderMap,
    /// Whether the server has the replay extension, and positions are kept.
    pub replay: bool,
    /// Whether the acknowledgement extension is asked for.
    pub ack: bool,
    /// How the server is spoken with.
    pub transport: Transport,
    /// Where a channel starts that has no position; of meaning with `replay` only.
    pub start: Start,
    /// What to do where the server refuses a saved position; of meaning with `replay` only.
    pub on_expired: OnExpired,
    /// How long events are retained; of meaning with `replay` only.
    pub retention: Duration,
    /// How the server is reached.
    pub network: Wire,
}

/// How a Bayeux server is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Long polling with replay. Without, a WebSocket, and long polling where the server has none.
    Auto,
    /// HTTP requests that the server holds.
    LongPolling,
    /// RFC 6455.
    WebSocket,
}

impl fmt::Debug for BayeuxSource {
    /// Headers may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BayeuxSource")
            .field("url", &self.url.as_str())
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

pub(super) fn read<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>) -> Option<BayeuxSource> {
    let mut table = reader.table(value)?;
    let url = table.required_s::<WebAddress>("url").ok();
    let channels = table.required_s::<Vec<Spanned<Pattern>>>("channels").ok();
    let headers = table.take("headers").map(|(_, mut value)| read_headers(reader, &mut value));
    let replay = table.optional::<bool>("replay").unwrap_or(false);
    let ack = table.optional::<bool>("ack").unwrap_or(true);
    let transport = table.optional::<Transport>("transport").unwrap_or(Transport::Auto);
    let start = table.optional_s::<Start>("start");
    let on_expired = table.optional_s::<OnExpired>("on_expired");
    let retention = table.optional_s::<Time>("retention");
    let network = table.take("network").map(|(_, mut value)| network::read(reader, &mut value));
    reader.close(table);
    if let Some(url) = &url
        && (!url.value.0.username().is_empty() || url.value.0.password().is_some())
    {
        reader.problem(
            url.span,
            "a password is not written here: send it as a header, headers = { Authorization = { env = \"NAME\" } }",
        );
    }
    let channels = channels?;
    if channels.value.is_empty() {
        reader.problem(channels.span, "no channel is named");
    }
    named_once(reader, channels.value.iter().map(|channel| (channel.value.0.as_str(), channel.span)));
    if let Some(wild) = channels.value.iter().find(|channel| replay && channel.value.0.ends_with('*')) {
        reader.problem(wild.span, "a replay id belongs to one channel: with replay = true, name each channel");
    }
    if let Some(Spanned { value: Start::After(_), span }) = &start
        && channels.value.len() != 1
    {
        reader.problem(*span, "a replay id belongs to one channel: name that channel alone in its feed");
    }
    let spans =
        [start.as_ref().map(|it| it.span), on_expired.as_ref().map(|it| it.span), retention.as_ref().map(|it| it.span)];
    for span in spans.into_iter().flatten().filter(|_| !replay) {
        reader.problem(span, "without replay = true no position is kept, and a channel starts with what comes next");
    }
    check_retention(reader, retention.as_ref());
    Some(BayeuxSource {
        url: url?.value.0,
        channels: channels.value.into_iter().map(|channel| channel.value.0).collect(),
        headers: headers.unwrap_or_else(|| Some(HeaderMap::new()))?,
        replay,
        ack,
        transport,
        start: start.map_or(Start::Latest, |start| start.value),
        on_expired: on_expired.map_or_else(OnExpired::default, |it| it.value),
        retention: retention.map_or(RETENTION, |it| it.value.0),
        network: network.unwrap_or_else(|| Some(Wire::default()))?,
    })
}

fn read_headers<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>) -> Option<HeaderMap> {
    let table = reader.table(value)?;
    let mut headers = HeaderMap::new();
    for (key, mut value) in table.table {
        let (span, name) = (value.span, HeaderName::from_bytes(key.name.as_bytes()));
        let text = match Identifier::deserialize(&mut value) {
            Ok(text) => text.0,
            Err(error) => {
                reader.errors(error);
                continue;
            }
        };
        match (name, HeaderValue::from_str(text.expose())) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            (Err(_), _) => reader.problem(key.span, "not a header's name"),
            (_, Err(_)) => reader.problem(span, "this cannot stand in a header: write it in ASCII, on one line"),
        }
    }
    Some(headers)
}

/// A channel's name, or a pattern (Bayeux 1.0, 2.2.1 and 2.2.2).
struct Pattern(String);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        let Some(text) = value.as_str() else {
            return Err(toml_span::de_helpers::expected("a channel", value.take(), value.span).into());
        };
        match wrong(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(custom(value.span, format!("not a channel: {why}")).into()),
        }
    }
}

fn wrong(name: &str) -> Option<&'static str> {
    let Some(path) = name.strip_prefix('/') else { return Some("it begins with `/`") };
    if path.starts_with("meta/") || path.starts_with("service/") {
        return Some("/meta/ and /service/ channels cannot be subscribed");
    }
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            return Some("there is nothing between two `/`, or after the last one");
        }
        let is_wild = part == "*" || part == "**";
        if is_wild && parts.peek().is_some() {
            return Some("`*` and `**` stand in the last part only");
        }
        if !is_wild && !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_!~()$@".contains(&byte)) {
            return Some("a channel is made of letters, digits and - _ ! ~ ( ) $ @");
        }
    }
    None
}

impl<'de> Deserialize<'de> for Transport {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        match value.as_str() {
            Some("auto") => Ok(Self::Auto),
            Some("long-polling") => Ok(Self::LongPolling),
            Some("websocket") => Ok(Self::WebSocket),
            _ => Err(custom(value.span, r#"expected "auto", "long-polling" or "websocket""#).into()),
        }
    }
}

/// What a server retains, where the file does not say.
const RETENTION: Duration = Duration::from_secs(24 * 3600);
