//! A session's subscription to a channel: the name it is delivered under, and the place reached in the stream.

use std::sync::Arc;

use crate::bus::Stream;

/// One subscribed channel.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// As the client wrote it, with the filter of a filtered PushTopic.
    pub(crate) name: String,
    pub(crate) stream: Arc<Stream>,
    pub(crate) place: u64,
    pub(crate) filter: Option<Filter>,
}

impl Subscription {
    /// Appends events up to `limit` bytes of `out`, and says how many.
    pub(super) fn take(&mut self, out: &mut Vec<u8>, limit: usize) -> u64 {
        let Self { name, stream, place, filter } = self;
        match filter {
            None => stream.deliver(place, name, out, limit, |_| true),
            Some(filter) => stream.deliver(place, name, out, limit, |data| filter.wants(data)),
        }
    }
}

/// The filter of `/topic/T?Status__c='Open'&Name='X'`: any of the comparisons.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) fields: Vec<String>,
    sought: Vec<Vec<u8>>,
}

impl Filter {
    /// None where the text is not a list of comparisons.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut filter = Self { fields: Vec::new(), sought: Vec::new() };
        for comparison in text.split('&') {
            let (field, value) = comparison.split_once('=')?;
            let value = match value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
                Some(text) => serde_json::Value::from(text).to_string(),
                None => value.to_owned(),
            };
            filter.sought.push(format!(r#""{field}":{value}"#).into_bytes());
            filter.fields.push(field.to_owned());
        }
        Some(filter)
    }

    /// Whether one of the comparisons holds for an event's bytes. Good enough where we render the events ourselves.
    fn wants(&self, data: &[u8]) -> bool {
        let ends = |rest: &[u8]| matches!(rest.first(), Some(b',' | b'}'));
        self.sought.iter().any(|sought| {
            data.windows(sought.len())
                .enumerate()
                .any(|(at, window)| window == sought && data.get(at + sought.len()..).is_some_and(ends))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_any_of_its_comparisons() {
        let data = br#"{"sobject":{"Name":"A","Seq__c":12}}"#;
        for (text, wanted) in
            [("Name='A'", true), ("Name='B'", false), ("Name='B'&Seq__c=12", true), ("Seq__c=1", false)]
        {
            assert_eq!(Filter::parse(text).is_some_and(|filter| filter.wants(data)), wanted, "{text}");
        }
        assert_eq!(Filter::parse("Name"), None);
    }
}
