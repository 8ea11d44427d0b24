//! The values that mean more than their TOML type says.

use bytesize::ByteSize;
use salesforce::Channel;
use std::net::SocketAddr;
use std::time::Duration;
use toml_span::de_helpers::{TableHelper, expected};
use toml_span::value::ValueInner;
use toml_span::{DeserError, Deserialize, Error, ErrorKind, Span, Value};
use url::Url;

/// `"30s"`, `"2m"`.
pub(super) struct Time(pub(super) Duration);

/// `"16MiB"`, or a number of bytes.
pub(super) struct Size(pub(super) ByteSize);

/// `"127.0.0.1:9464"`.
pub(super) struct Address(pub(super) SocketAddr);

/// `{ env = "NAME" }` or `{ file = "PATH" }`.
pub(super) struct Secret(pub(super) salesforce::Secret);

/// A plain string, or what stands for a secret: an identifier need not be hidden, and may be.
pub(super) struct Identifier(pub(super) salesforce::Secret);

/// An `https` URL, or an `http` one where a simulator or a stand-in is meant.
pub(super) struct WebAddress(pub(super) Url);

/// A channel of Salesforce's event bus.
pub(super) struct ChannelName(pub(super) Channel);

impl<'de> Deserialize<'de> for Time {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        parsed(value, r#"a duration such as "30s""#, |text| humantime::parse_duration(text).map_err(|e| e.to_string()))
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        if let Some(number) = value.as_integer() {
            let bytes = u64::try_from(number).map_err(|_| custom(value.span, "a size cannot be negative"))?;
            return Ok(Self(ByteSize::b(bytes)));
        }
        parsed(value, r#"a size such as "64MiB""#, str::parse).map(Self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        parsed(value, r#"an address such as "127.0.0.1:9464""#, |text| {
            text.parse().map_err(|e: std::net::AddrParseError| e.to_string())
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for WebAddress {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        let parse = |text: &str| match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(url),
            Ok(_) => Err("it must begin with https://".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        parsed(value, r#"a URL such as "https://acme.my.salesforce.com""#, parse).map(Self)
    }
}

impl<'de> Deserialize<'de> for ChannelName {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        parsed(value, "a channel", |text| text.parse().map_err(|error: salesforce::Error| error.to_string())).map(Self)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        if value.as_str().is_some() {
            let message = r#"a secret is not written here: use { env = "NAME" } or { file = "PATH" }"#;
            return Err(custom(value.span, message).into());
        }
        let span = value.span;
        let mut table = TableHelper::new(value)?;
        let (env, file) = (table.optional::<String>("env"), table.optional::<String>("file"));
        table.finalize(None)?;
        match (env, file) {
            (Some(name), None) => from_env(&name, span).map(Self),
            (None, Some(path)) => from_file(&path, span).map(Self),
            _ => Err(custom(span, r#"expected one of { env = "NAME" } and { file = "PATH" }"#).into()),
        }
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        match value.as_str() {
            Some("") => Err(custom(value.span, "must not be empty").into()),
            Some(text) => Ok(Self(salesforce::Secret::from(text.to_owned()))),
            None => Secret::deserialize(value).map(|secret| Self(secret.0)),
        }
    }
}

/// Whether a word may name an org, a cluster or a feed: it becomes part of metrics, topics and keys of the store.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

pub(super) fn custom(span: Span, message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::Custom(message.into().into()), span, line_info: None }
}

fn parsed<T>(
    value: &mut Value<'_>,
    what: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, DeserError> {
    let span = value.span;
    match value.take() {
        ValueInner::String(text) => parse(&text).map_err(|error| custom(span, format!("not {what}: {error}")).into()),
        other => Err(expected(what, other, span).into()),
    }
}

fn from_env(name: &str, span: Span) -> Result<salesforce::Secret, DeserError> {
    match std::env::var(name) {
        Ok(secret) if !secret.is_empty() => Ok(salesforce::Secret::from(secret)),
        Ok(_) => Err(custom(span, format!("the environment variable `{name}` is empty")).into()),
        Err(_) => Err(custom(span, format!("the environment variable `{name}` is not set")).into()),
    }
}

fn from_file(path: &str, span: Span) -> Result<salesforce::Secret, DeserError> {
    match std::fs::read_to_string(path) {
        Ok(secret) if !secret.trim().is_empty() => Ok(salesforce::Secret::from(secret.trim().to_owned())),
        Ok(_) => Err(custom(span, format!("the file `{path}` is empty")).into()),
        Err(error) => Err(custom(span, format!("the file `{path}` cannot be read: {error}")).into()),
    }
}
