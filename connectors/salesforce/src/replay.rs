//! Where in a channel to begin.
//!
//! Streaming API Developer Guide, *Message Durability* and *Message Reliability*.

use std::{fmt, str::FromStr};

use serde_json::value::RawValue;

use crate::Error;

/// The position of an event in its channel. Opaque: it has no order, and the next one is not one more. Its digits are
/// kept as they came, however many.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReplayId(Box<str>);

impl ReplayId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of an event, if this JSON value can be one.
    pub(crate) fn of_json(value: &RawValue) -> Option<Self> {
        value.get().parse().ok()
    }
}

impl FromStr for ReplayId {
    type Err = Error;

    /// Takes decimal digits as JSON writes them: without a sign or leading zeros.
    fn from_str(given: &str) -> Result<Self, Error> {
        let digits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
        if digits && (given == "0" || !given.starts_with('0')) {
            return Ok(Self(given.into()));
        }
        Err(Error::ReplayId { given: given.chars().take(40).collect() })
    }
}

impl fmt::Display for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which events a subscription begins with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Replay {
    /// Those after the subscription.
    Tip,
    /// All that are retained, and those after. Counts against the org's delivery allocation.
    All,
    /// Those after this one.
    After(ReplayId),
}

impl fmt::Display for Replay {
    /// The number that Salesforce takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tip => f.write_str("-1"),
            Self::All => f.write_str("-2"),
            Self::After(id) => f.write_str(id.as_str()),
        }
    }
}

/// The `ext` of a subscribe message: `{"replay":{"<channel>":<number>, …}}`. A filtered PushTopic is named without its
/// filter, as Salesforce's own client does.
///
/// # Errors
/// [`Error::Ambiguous`], if two of them have the same name there.
pub fn replay_extension(map: &[(&str, Replay)]) -> Result<Box<RawValue>, Error> {
    let mut entries: Vec<(&str, &Replay)> = Vec::with_capacity(map.len());
    for (channel, replay) in map {
        let name = channel.split_once('?').map_or(*channel, |(topic, _filter)| topic);
        if entries.iter().any(|(other, _)| *other == name) {
            return Err(Error::Ambiguous { channel: name.into() });
        }
        entries.push((name, replay));
    }
    let numbers: Vec<String> =
        entries.iter().map(|(name, replay)| format!("{}:{replay}", serde_json::Value::from(*name))).collect();
    let extension = format!(r#"{{"replay":{{{}}}}}"#, numbers.join(","));
    // Names are quoted and ids are digits, so that it is JSON; were it not, the ids would be to blame.
    RawValue::from_string(extension).map_err(|_| Error::ReplayId { given: numbers.join(",") })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_kept_as_they_came_or_refused() {
        let check = |given: &str, sound: bool| match given.parse::<ReplayId>() {
            Ok(id) => assert!(sound && id.as_str() == given, "{given}"),
            Err(error) => assert!(!sound && error.to_string().contains("is not a whole number"), "{given}"),
        };
        check("0", true);
        check("13", true);
        check("9007199254740993", true);
        check("9223372036854775808", true);
        check("123456789012345678901234567890", true);
        check("", false);
        check("-1", false);
        check("+1", false);
        check("007", false);
        check("1.0", false);
        check("1e3", false);
        check("\"13\"", false);
        check("٣", false);
        check("13}", false);
    }

    #[test]
    fn the_extension_holds_numbers_without_loss() {
        let check = |map: &[(&str, Replay)], expected: &str| {
            assert_eq!(replay_extension(map).unwrap().get(), expected);
        };
        let after = |id: &str| Replay::After(id.parse().unwrap());
        check(&[], r#"{"replay":{}}"#);
        check(&[("/event/Low_Ink__e", Replay::Tip)], r#"{"replay":{"/event/Low_Ink__e":-1}}"#);
        check(
            &[("/data/ChangeEvents", Replay::All), ("/u/a/b", after("18446744073709551616"))],
            r#"{"replay":{"/data/ChangeEvents":-2,"/u/a/b":18446744073709551616}}"#,
        );
        check(&[("/topic/T?F='x'", after("7"))], r#"{"replay":{"/topic/T":7}}"#);
        check(&[("/u/\"", after("7"))], r#"{"replay":{"/u/\"":7}}"#);
    }

    #[test]
    fn two_filters_of_one_topic_do_not_fit_in_one_extension() {
        let error = replay_extension(&[("/topic/T?F='x'", Replay::All), ("/topic/T?F='y'", Replay::Tip)]).unwrap_err();
        assert_eq!(error.to_string(), "channel /topic/T is named twice in one replay extension");
    }
}
