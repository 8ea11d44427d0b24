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

#[cfg(test)]
mod tests {
    use super::*;

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
