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

/// A token: `{ env = … }`, `{ file = … }` or `{ command = ["PROGRAM", "ARGUMENT", …] }`.
pub(super) struct Given(pub(super) salesforce::Given);

/// An assertion: `{ file = … }` or `{ command = ["PROGRAM", "ARGUMENT", …] }`, read or run anew for each login.
pub(super) struct Assertion(pub(super) salesforce::Source);

/// What is in a file, by its path.
pub(super) struct FileBytes(pub(super) Vec<u8>);

/// `"10%"`, as a share from 0 to 1.
pub(super) struct Share(pub(super) f64);

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

impl<'de> Deserialize<'de> for Given {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        match command(value)? {
            Some(command) => Ok(Self(salesforce::Given::Command(command))),
            None => Secret::deserialize(value).map(|secret| Self(salesforce::Given::Fixed(secret.0))),
        }
    }
}

impl<'de> Deserialize<'de> for Assertion {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        if let Some(command) = command(value)? {
            return Ok(Self(salesforce::Source::Command(command)));
        }
        let mut table = TableHelper::new(value)?;
        let file = table.required::<String>("file");
        table.finalize(None)?;
        Ok(Self(salesforce::Source::File(file?.into())))
    }
}

impl<'de> Deserialize<'de> for FileBytes {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        parsed(value, "a file", |path| std::fs::read(path).map_err(|error| format!("`{path}` cannot be read: {error}")))
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        parsed(value, r#"a share such as "10%""#, |text| {
            let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
            number.filter(|number| (0.0..100.0).contains(number)).ok_or("write 0% to 99%")
        })
        .map(|percent| Self(percent / 100.0))
    }
}

/// The words of `{ command = […] }`; `None` where it is another table.
fn command(value: &mut Value<'_>) -> Result<Option<Vec<String>>, DeserError> {
    if value.as_table().is_none_or(|table| !table.contains_key("command")) {
        return Ok(None);
    }
    let span = value.span;
    let mut table = TableHelper::new(value)?;
    let words = table.required::<Vec<String>>("command");
    table.finalize(None)?;
    match words {
        Ok(words) if !words.is_empty() => Ok(Some(words)),
        Ok(_) => Err(custom(span, "the command has no word").into()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a word may name an org, a cluster or a feed: it becomes part of metrics, topics and keys of the store.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

pub(super) fn custom(span: Span, message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::Custom(message.into().into()), span, line_info: None }
}

fn parsed<T, E: std::fmt::Display>(
    value: &mut Value<'_>,
    what: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
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
