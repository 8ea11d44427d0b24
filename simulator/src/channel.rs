//! The channel kinds of Salesforce's event bus, told by the first segment of the name.

/// What kind of events a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/data/…`: change data capture.
    Change,
    /// `/event/…`: platform events.
    Platform,
    /// `/topic/…`: PushTopics.
    PushTopic,
    /// `/u/…`: generic streaming.
    Generic,
}

/// The kind of a channel, or none where Salesforce has no such channel.
pub(crate) fn kind(channel: &str) -> Option<Kind> {
    let (prefix, kind) =
        [("/data/", Kind::Change), ("/event/", Kind::Platform), ("/topic/", Kind::PushTopic), ("/u/", Kind::Generic)]
            .into_iter()
            .find(|(prefix, _)| channel.starts_with(prefix))?;
    (channel.len() > prefix.len() && !channel.contains('*')).then_some(kind)
}

/// The object whose changes a `/data/…ChangeEvent` channel carries: `/data/Employee__ChangeEvent` is of `Employee__c`.
pub(crate) fn entity(channel: &str) -> Option<String> {
    let name = channel.strip_prefix("/data/")?.strip_suffix("ChangeEvent")?;
    (!name.is_empty()).then(|| if name.ends_with("__") { format!("{name}c") } else { name.to_owned() })
}

/// Whether it is a channel that the org's administrator composed of others.
pub(crate) fn is_custom(channel: &str) -> bool {
    channel.ends_with("__chn")
}

/// The name of an event that Salesforce defines: of monitoring, or of what happens on the platform.
pub(crate) fn standard_event(channel: &str) -> Option<&str> {
    channel.strip_prefix("/event/").filter(|name| !name.is_empty() && !name.ends_with("__e") && !is_custom(name))
}

/// Whether its events are of real-time event monitoring, which count against no allocation.
pub(crate) fn is_monitoring(channel: &str) -> bool {
    standard_event(channel).is_some_and(|name| name.ends_with("EventStream") || MONITORING.contains(&name))
}

/// All selected entities in one ordered stream.
pub(crate) const ALL_CHANGES: &str = "/data/ChangeEvents";

/// The channels that an org has before anybody adds one.
pub(crate) const KNOWN: [&str; 11] = [
    "/data/AccountChangeEvent",
    "/data/ContactChangeEvent",
    "/data/OpportunityChangeEvent",
    "/data/LeadChangeEvent",
    "/data/CaseChangeEvent",
    ALL_CHANGES,
    "/event/Order_Placed__e",
    "/event/Shipment__e",
    "/event/Low_Ink__e",
    "/topic/InvoiceUpdates",
    "/u/notifications/Ops",
];

/// The monitoring events whose names do not end with `EventStream`. After "Platform Events Developer Guide".
const MONITORING: [&str; 7] = [
    "CredentialStuffingEvent",
    "MobileEmailEvent",
    "MobileEnforcedPolicyEvent",
    "MobileScreenshotEvent",
    "MobileTelephonyEvent",
    "ReportAnomalyEvent",
    "SessionHijackingEvent",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_events_and_those_of_monitoring() {
        for (channel, name, of_monitoring) in [
            ("/event/LoginEventStream", Some("LoginEventStream"), true),
            ("/event/ReportAnomalyEvent", Some("ReportAnomalyEvent"), true),
            ("/event/BatchApexErrorEvent", Some("BatchApexErrorEvent"), false),
            ("/event/Low_Ink__e", None, false),
            ("/event/Orders__chn", None, false),
            ("/data/AccountChangeEvent", None, false),
        ] {
            assert_eq!((standard_event(channel), is_monitoring(channel)), (name, of_monitoring), "{channel}");
        }
    }

    #[test]
    fn kinds_and_entities() {
        for (channel, of_kind, of_entity) in [
            ("/data/AccountChangeEvent", Some(Kind::Change), Some("Account")),
            ("/data/Employee__ChangeEvent", Some(Kind::Change), Some("Employee__c")),
            (ALL_CHANGES, Some(Kind::Change), None),
            ("/event/Low_Ink__e", Some(Kind::Platform), None),
            ("/topic/T", Some(Kind::PushTopic), None),
            ("/u/a/b", Some(Kind::Generic), None),
            ("/event/*", None, None),
            ("/event/", None, None),
            ("/meta/connect", None, None),
        ] {
            assert_eq!(kind(channel), of_kind, "{channel}");
            assert_eq!(entity(channel).as_deref(), of_entity, "{channel}");
        }
    }
}
