//! `[kafka.NAME]`: a Kafka cluster.

use super::problem::Reader;
use std::collections::BTreeMap;
use toml_span::Value;
use toml_span::span::Spanned;
use toml_span::value::ValueInner;

/// How to reach a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Addresses, and the settings that are passed through to librdkafka.
    pub kafka: kafka::Cluster,
}

impl std::fmt::Debug for Cluster {
    /// Without the passed-through settings: passwords may be among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("brokers", &self.kafka.brokers).finish_non_exhaustive()
    }
}

pub(super) fn read<'t>(reader: &mut Reader<'t>, _name: &str, value: &mut Value<'t>) -> Option<Cluster> {
    let mut table = reader.table(value)?;
    let brokers = table.required_s::<String>("brokers").ok();
    if let Some(brokers) = brokers.as_ref().filter(|brokers| brokers.value.trim().is_empty()) {
        reader.problem(brokers.span, r#"no broker is named: write "host:9092", more of them separated by commas"#);
    }
    let librdkafka = table.take("librdkafka");
    let place = librdkafka.as_ref().map(|(_, value)| value.span);
    let librdkafka = librdkafka.and_then(|(_, mut value)| settings(reader, &mut value));
    reader.close(table);
    let Spanned { value: brokers, span } = brokers?;
    let kafka = kafka::Cluster { brokers, librdkafka: librdkafka.unwrap_or_default() };
    // What was refused above is not told twice.
    let guarded = kafka.librdkafka.keys().any(|key| kafka::guarded(key).is_some());
    if !guarded
        && !kafka.brokers.trim().is_empty()
        && let Err(error) = kafka.check()
    {
        reader.problem(place.unwrap_or(span), error.to_string());
    }
    Some(Cluster { kafka })
}

fn settings<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>) -> Option<BTreeMap<String, String>> {
    let table = reader.table(value)?;
    let mut settings = BTreeMap::new();
    for (key, mut value) in table.table {
        if let Some(reason) = kafka::guarded(&key.name) {
            reader.problem(key.span, format!("`{}` cannot be set here: {reason}", key.name));
        }
        let text = match value.take() {
            ValueInner::String(text) => text.into_owned(),
            ValueInner::Integer(number) => number.to_string(),
            ValueInner::Float(number) => number.to_string(),
            ValueInner::Boolean(truth) => truth.to_string(),
            ValueInner::Array(_) | ValueInner::Table(_) => {
                reader.problem(value.span, "a setting of librdkafka is a string, a number or a boolean");
                continue;
            }
        };
        settings.insert(key.name.to_string(), text);
    }
    Some(settings)
}
