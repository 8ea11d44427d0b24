//! The names on Salesforce's event bus.
//!
//! Streaming API Developer Guide (`/topic/…`, `/u/…`), Platform Events Developer Guide (`/event/…`), Change Data Capture
//! Developer Guide, *Subscription Channels* (`/data/…`); the characters of a segment are those of Bayeux 1.0, 2.2.1.

use std::{fmt, str::FromStr};

use crate::Error;

/// A channel that can be subscribed. Names are case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    name: Box<str>,
    kind: Kind,
}

/// What a channel carries, and with it the shape of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `/topic/…`: a PushTopic's notifications.
    Topic,
    /// `/u/…`: generic streaming; the payload is a text.
    Generic,
    /// `/event/…`: platform events, a custom channel of them, or real-time event monitoring.
    PlatformEvent,
    /// `/data/…`: change data capture.
    ChangeEvents,
}

impl Channel {
    /// The name to subscribe, with its filter.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What it carries.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name without a PushTopic's filter: what events arrive under, and what the replay extension names.
    pub fn without_filter(&self) -> &str {
        self.name.split_once('?').map_or(&self.name, |(topic, _filter)| topic)
    }

    /// What comes after the kind, without a filter, and with a dot for each further `/`: `AccountChangeEvent` of
    /// `/data/AccountChangeEvent`, `notifications.Ops` of `/u/notifications/Ops`. Two channels of one kind never share
    /// it; filters of one topic do.
    pub fn short_name(&self) -> String {
        let name = self.without_filter();
        name.strip_prefix(self.kind.prefix()).unwrap_or(name).replace('/', ".")
    }
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Topic => "/topic/",
            Self::Generic => "/u/",
            Self::PlatformEvent => "/event/",
            Self::ChangeEvents => "/data/",
        }
    }
}

impl FromStr for Channel {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match kind_of(name) {
            Ok(kind) => Ok(Self { name: name.into(), kind }),
            Err(problem) => Err(Error::Channel { name: name.into(), problem }),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn kind_of(name: &str) -> Result<Kind, &'static str> {
    let kinds = [Kind::Topic, Kind::Generic, Kind::PlatformEvent, Kind::ChangeEvents];
    let Some((kind, rest)) = kinds.into_iter().find_map(|kind| Some((kind, name.strip_prefix(kind.prefix())?))) else {
        return Err("a channel begins with /topic/, /u/, /event/ or /data/");
    };
    let (path, filter) = match rest.split_once('?') {
        Some((path, filter)) => (path, Some(filter)),
        None => (rest, None),
    };
    match filter {
        Some(_) if kind != Kind::Topic => return Err("only a /topic/ takes a filter after `?`"),
        Some("") => return Err("there is no filter after `?`"),
        Some(_) | None => {}
    }
    if path.contains('*') {
        return Err("Salesforce has no wildcards; /data/ChangeEvents carries all selected entities");
    }
    if path.split('/').any(str::is_empty) {
        return Err("there is nothing between two `/`, or after the last one");
    }
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_!~()$@/".contains(&byte)) {
        return Err("a channel is made of letters, digits and - _ ! ~ ( ) $ @");
    }
    if kind != Kind::Generic && path.contains('/') {
        return Err("only a /u/ channel has more than two parts");
    }
    if kind == Kind::ChangeEvents {
        check_change_events(path)?;
    }
    Ok(kind)
}

/// Salesforce may take a name that is none and stay silent, so that a slip here would look like a quiet channel.
fn check_change_events(path: &str) -> Result<(), &'static str> {
    if path.ends_with("__cChangeEvent") {
        return Err("the channel of a custom object Employee__c is /data/Employee__ChangeEvent, without the c");
    }
    let named = |suffix: &str| path.strip_suffix(suffix).is_some_and(|name| !name.is_empty());
    if path == "ChangeEvents" || named("ChangeEvent") || named("__chn") {
        return Ok(());
    }
    Err("a /data/ channel is ChangeEvents, or ends in ChangeEvent or, if it is a custom one, in __chn")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn channels_of_all_kinds_are_known() {
        let check = |name: &str, kind: Kind, short_name: &str| {
            let channel: Channel = name.parse().unwrap();
            assert_eq!((channel.as_str(), channel.kind()), (name, kind));
            assert_eq!(channel.short_name(), short_name, "{name}");
        };
        check("/topic/InvoiceUpdates", Kind::Topic, "InvoiceUpdates");
        check("/topic/T?Industry='Energy'&ShippingCity='SF/x*'", Kind::Topic, "T");
        check("/u/notifications/Ops", Kind::Generic, "notifications.Ops");
        check("/u/Ops", Kind::Generic, "Ops");
        check("/event/Low_Ink__e", Kind::PlatformEvent, "Low_Ink__e");
        check("/event/ns__Low_Ink__e", Kind::PlatformEvent, "ns__Low_Ink__e");
        check("/event/Orders__chn", Kind::PlatformEvent, "Orders__chn");
        check("/event/LoginEventStream", Kind::PlatformEvent, "LoginEventStream");
        check("/data/ChangeEvents", Kind::ChangeEvents, "ChangeEvents");
        check("/data/AccountChangeEvent", Kind::ChangeEvents, "AccountChangeEvent");
        check("/data/Employee__ChangeEvent", Kind::ChangeEvents, "Employee__ChangeEvent");
        check("/data/Sales__chn", Kind::ChangeEvents, "Sales__chn");
    }

    #[test]
    fn what_is_no_channel_is_told_why() {
        let check = |name: &str, part: &str| {
            let error = name.parse::<Channel>().unwrap_err().to_string();
            assert!(error.contains(part), "{name}: {error}");
        };
        check("", "begins with");
        check("data/AccountChangeEvent", "begins with");
        check("/Data/AccountChangeEvent", "begins with");
        check("/meta/connect", "begins with");
        check("/data/", "nothing between");
        check("/u/a//b", "nothing between");
        check("/u/a/", "nothing between");
        check("/event/*", "no wildcards");
        check("/data/**", "no wildcards");
        check("/event/Low Ink__e", "letters, digits");
        check("/event/Łow__e", "letters, digits");
        check("/event/A/B", "more than two parts");
        check("/topic/T?", "no filter");
        check("/event/A__e?x=1", "only a /topic/");
        check("/data/Account", "ends in ChangeEvent");
        check("/data/ChangeEvent", "ends in ChangeEvent");
        check("/data/Employee__cChangeEvent", "without the c");
    }

    #[test]
    fn a_filter_is_not_part_of_the_name_events_arrive_under() {
        let channel: Channel = "/topic/T?F='x?'".parse().unwrap();
        assert_eq!(channel.without_filter(), "/topic/T");
        assert_eq!(channel.to_string(), "/topic/T?F='x?'");
    }
}
