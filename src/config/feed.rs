//! `[feed.NAME]`: from a source to a sink.

mod bayeux;

pub use bayeux::{BayeuxSource, Transport};

use super::problem::Reader;
use super::template::{Facts, Template, check_topic};
use super::value::{ChannelName, Time, custom, is_name};
use salesforce::{Channel, ReplayId};
use std::collections::BTreeSet;
use std::time::Duration;
use toml_span::de_helpers::TableHelper;
use toml_span::span::Spanned;
use toml_span::{DeserError, Deserialize, Span, Value};

/// A feed: where its events come from and where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Its name; positions and metrics are kept under it.
    pub name: String,
    /// The source.
    pub from: From,
    /// The sink.
    pub to: To,
}

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// Channels of an org's event bus.
    Salesforce(SalesforceSource),
    /// Channels of another CometD server.
    Bayeux(Box<BayeuxSource>),
    /// Topics of a cluster.
    Kafka(KafkaSource),
}

impl From {
    /// The channels that it names, without filters; a pattern names none.
    #[must_use]
    pub fn channels(&self) -> Vec<&str> {
        match self {
            Self::Salesforce(from) => from.channels.iter().map(Channel::without_filter).collect(),
            Self::Bayeux(from) => from.channels.iter().map(String::as_str).filter(|it| !it.ends_with('*')).collect(),
            Self::Kafka(_) => Vec::new(),
        }
    }
}

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Topics of a cluster.
    Kafka(KafkaSink),
    /// Platform events of an org.
    PlatformEvent(PlatformEventSink),
}

/// `from.salesforce`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesforceSource {
    /// The org's name.
    pub org: String,
    /// The channels, at least one, each once.
    pub channels: Vec<Channel>,
    /// Where to start a channel that has no position.
    pub start: Start,
    /// What to do where Salesforce refuses a saved position.
    pub on_expired: OnExpired,
    /// How long events are retained; absent: as Salesforce does by kind of channel.
    pub retention: Option<Duration>,
}

/// What to do where Salesforce refuses a saved position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnExpired {
    /// Go on with the oldest event that is retained.
    #[default]
    Earliest,
    /// Go on with the first event after the subscription.
    Latest,
    /// Stop the feed: a person decides.
    Fail,
}

/// Where a channel starts that has no position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the first event after the subscription.
    Latest,
    /// With the oldest event that is retained.
    Earliest,
    /// With the first event after this one.
    After(ReplayId),
}

/// `from.kafka`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSource {
    /// The cluster's name.
    pub cluster: String,
    /// The topics, at least one.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// Whether a group without offsets starts at the end.
    pub latest: bool,
}

/// `to.kafka`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSink {
    /// The cluster's name.
    pub cluster: String,
    /// Names the topic of each event.
    pub topic: Template,
    /// Makes the key of each record; absent: records have no key.
    pub key: Option<Template>,
    /// How to create a topic that is missing; absent: it must exist.
    pub create: Option<Creation>,
    /// The topic of gaps, `<prefix>.gaps`.
    pub gaps: String,
}

impl KafkaSink {
    /// The topic of a channel's events (its name without a filter), where it [is known ahead](Template::is_known_ahead); `org` is the org's id.
    #[must_use]
    pub fn topic_of(&self, channel: &str, org: &str, feed: &str) -> String {
        let mut topic = String::new();
        let facts = Facts { channel, org, feed, ..Facts::default() };
        self.topic.render_topic(&facts, &mut topic);
        topic
    }
}

impl std::convert::From<Creation> for kafka::Creation {
    fn from(Creation { partitions, replication }: Creation) -> Self {
        Self { partitions, replication }
    }
}

/// How a topic is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// Number of partitions.
    pub partitions: i32,
    /// Number of replicas of each; -1: the cluster's default.
    pub replication: i32,
}

/// `to.platform_event`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformEventSink {
    /// The org's name.
    pub org: String,
    /// The event's API name, `Order_Placed__e`.
    pub event: String,
}

/// What a feed may refer to.
pub(super) struct Names {
    pub(super) orgs: BTreeSet<String>,
    pub(super) clusters: BTreeSet<String>,
    /// What the names of the bridge's own topics begin with.
    pub(super) prefix: String,
}

pub(super) fn read<'t>(reader: &mut Reader<'t>, name: &str, value: &mut Value<'t>, names: &Names) -> Option<Feed> {
    let span = value.span;
    let mut table = reader.table(value)?;
    let delivery = table.optional_s::<String>("delivery");
    let from = one_of(reader, &mut table, "from", &["salesforce", "bayeux", "kafka"], span);
    let to = one_of(reader, &mut table, "to", &["kafka", "platform_event"], span);
    reader.close(table);
    let kinds = (from.as_ref().map(|(kind, _)| *kind), to.as_ref().map(|(kind, _)| *kind));
    let from = from.and_then(|(kind, mut value)| match kind {
        "salesforce" => salesforce_source(reader, &mut value, names).map(From::Salesforce),
        "bayeux" => bayeux::read(reader, &mut value).map(Box::new).map(From::Bayeux),
        _ => kafka_source(reader, &mut value, names, name).map(From::Kafka),
    });
    let to = to.and_then(|(kind, mut value)| match kind {
        "kafka" => kafka_sink(reader, &mut value, names).map(To::Kafka),
        _ => platform_event_sink(reader, &mut value, names).map(To::PlatformEvent),
    });
    check_delivery(reader, delivery, kinds, span);
    if matches!(kinds, (Some("salesforce" | "bayeux"), Some("platform_event")) | (Some("kafka"), Some("kafka"))) {
        reader.problem(span, "a feed goes to Kafka, or from Kafka to Salesforce");
    }
    if let (Some(From::Bayeux(_)), Some(To::Kafka(to))) = (&from, &to)
        && (to.topic.names_the_org() || to.key.as_ref().is_some_and(Template::names_the_org))
    {
        reader.problem(span, "`{org}` is of Salesforce: events of another server have none");
    }
    Some(Feed { name: name.to_owned(), from: from?, to: to? })
}

/// Into Kafka the word must be written, so that nobody's meaning changes on the day that another delivery is the default.
fn check_delivery(
    reader: &mut Reader<'_>,
    delivery: Option<Spanned<String>>,
    (_, to): (Option<&str>, Option<&str>),
    span: Span,
) {
    match delivery {
        Some(delivery) if delivery.value == "at_least_once" => {}
        Some(delivery) if delivery.value == "exactly_once" => {
            reader.problem(delivery.span, r#""exactly_once" is not built yet: write "at_least_once""#);
        }
        Some(delivery) => reader.problem(delivery.span, r#"unknown delivery: write "at_least_once""#),
        None if to == Some("kafka") => {
            reader
                .problem(span, r#"`delivery` is missing: write delivery = "at_least_once", the only one built so far"#);
        }
        None => {}
    }
}

/// Takes the one table under `word`, whose name is the kind of source or sink.
fn one_of<'t>(
    reader: &mut Reader<'t>,
    feed: &mut TableHelper<'t>,
    word: &'static str,
    kinds: &[&'static str],
    span: Span,
) -> Option<(&'static str, Value<'t>)> {
    let known = kinds.iter().map(|kind| format!("[feed.NAME.{word}.{kind}]")).collect::<Vec<_>>().join(" or ");
    let Some((key, mut value)) = feed.take(word) else {
        reader.problem(span, format!("`{word}` is missing: write {known}"));
        return None;
    };
    let mut table = reader.table(&mut value)?;
    let found: Vec<_> = kinds.iter().filter_map(|kind| table.take(kind).map(|(_, value)| (*kind, value))).collect();
    let unknown = !table.table.is_empty();
    reader.close(table);
    if found.len() > 1 || (found.is_empty() && !unknown) {
        reader.problem(key.span, format!("exactly one `{word}` is needed: write {known}"));
    }
    found.into_iter().next()
}

fn salesforce_source<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>, names: &Names) -> Option<SalesforceSource> {
    let mut table = reader.table(value)?;
    let org = reference(reader, &mut table, "org", &names.orgs);
    let channels = table.required_s::<Vec<Spanned<ChannelName>>>("channels").ok();
    let start = table.optional_s::<Start>("start");
    let on_expired = table.optional::<OnExpired>("on_expired").unwrap_or_default();
    let retention = table.optional_s::<Time>("retention");
    reader.close(table);
    check_retention(reader, retention.as_ref());
    let retention = retention.map(|retention| retention.value.0);
    let channels = channels?;
    if channels.value.is_empty() {
        reader.problem(channels.span, "no channel is named");
    }
    // Two filters of one PushTopic share their position, so they cannot be told apart after a restart.
    named_once(reader, channels.value.iter().map(|channel| (channel.value.0.without_filter(), channel.span)));
    if let Some(Spanned { value: Start::After(_), span }) = &start
        && channels.value.len() != 1
    {
        reader.problem(*span, "a replay id belongs to one channel: name that channel alone in its feed");
    }
    let start = start.map_or(Start::Latest, |start| start.value);
    let channels = channels.value.into_iter().map(|name| name.value.0).collect();
    Some(SalesforceSource { org: org?, channels, start, on_expired, retention })
}

fn check_retention(reader: &mut Reader<'_>, retention: Option<&Spanned<Time>>) {
    if let Some(retention) = retention.filter(|retention| retention.value.0 < LEAST_RETENTION) {
        reader.problem(
            retention.span,
            "nothing is retained for less than an hour: write how long the org retains events",
        );
    }
}

/// Channels share their position with themselves only.
fn named_once<'c>(reader: &mut Reader<'_>, channels: impl Iterator<Item = (&'c str, Span)>) {
    let mut seen = BTreeSet::new();
    for (channel, span) in channels {
        if !seen.insert(channel) {
            reader.problem(span, format!("`{channel}` is named twice"));
        }
    }
}

fn kafka_source<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>, names: &Names, feed: &str) -> Option<KafkaSource> {
    let mut table = reader.table(value)?;
    let cluster = reference(reader, &mut table, "cluster", &names.clusters);
    let topics = table.required_s::<Vec<Spanned<String>>>("topics").ok();
    let group = table.optional_s::<String>("group");
    let start = table.optional_s::<String>("start");
    reader.close(table);
    let topics = topics?;
    if topics.value.is_empty() {
        reader.problem(topics.span, "no topic is named");
    }
    for topic in &topics.value {
        if let Err(error) = check_topic(&topic.value) {
            reader.problem(topic.span, format!("not a topic: {error}"));
        }
    }
    if let Some(group) = group.as_ref().filter(|group| group.value.is_empty()) {
        reader.problem(group.span, "a consumer group needs a name");
    }
    let latest = match &start {
        Some(start) if start.value == "latest" => true,
        Some(start) if start.value != "earliest" => {
            reader.problem(start.span, r#"expected "earliest" or "latest""#);
            false
        }
        _ => false,
    };
    let group = group.map_or_else(|| format!("crossfeed.{feed}"), |group| group.value);
    Some(KafkaSource {
        cluster: cluster?,
        topics: topics.value.into_iter().map(|topic| topic.value).collect(),
        group,
        latest,
    })
}

fn kafka_sink<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>, names: &Names) -> Option<KafkaSink> {
    let mut table = reader.table(value)?;
    let cluster = reference(reader, &mut table, "cluster", &names.clusters);
    let topic = table.required_s::<String>("topic").ok();
    let key = table.optional_s::<String>("key");
    let create = table.optional::<Creation>("create");
    reader.close(table);
    let topic = topic.and_then(|text| template(reader, &text, Template::topic));
    let key = match key {
        Some(text) => Some(template(reader, &text, Template::key)?),
        None => None,
    };
    Some(KafkaSink { cluster: cluster?, topic: topic?, key, create, gaps: format!("{}.gaps", names.prefix) })
}

fn template(
    reader: &mut Reader<'_>,
    text: &Spanned<String>,
    parse: fn(&str) -> Result<Template, String>,
) -> Option<Template> {
    parse(&text.value).map_err(|error| reader.problem(text.span, format!("not a template: {error}"))).ok()
}

fn platform_event_sink<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>, names: &Names) -> Option<PlatformEventSink> {
    let mut table = reader.table(value)?;
    let org = reference(reader, &mut table, "org", &names.orgs);
    let event = table.required_s::<String>("event").ok();
    reader.close(table);
    let event = event?;
    if !event.value.ends_with("__e") || !is_name(&event.value) {
        reader.problem(event.span, r#"not a platform event: its API name ends in `__e`, such as "Order_Placed__e""#);
    }
    Some(PlatformEventSink { org: org?, event: event.value })
}

fn reference<'t>(
    reader: &mut Reader<'t>,
    table: &mut TableHelper<'t>,
    word: &'static str,
    known: &BTreeSet<String>,
) -> Option<String> {
    let name = table.required_s::<String>(word).ok()?;
    if !known.contains(&name.value) {
        let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        reader.problem(name.span, format!("unknown {word} `{}`; described in this file: {known}", name.value));
    }
    Some(name.value)
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        let expected = r#"expected "latest", "earliest" or a replay id"#;
        let text = value.as_integer().map(|id| id.to_string()).or_else(|| value.as_str().map(str::to_owned));
        match text.as_deref() {
            Some("latest") => Ok(Self::Latest),
            Some("earliest") => Ok(Self::Earliest),
            Some(id) if !id.starts_with('-') => {
                id.parse().map(Self::After).map_err(|_| custom(value.span, expected).into())
            }
            _ => Err(custom(value.span, expected).into()),
        }
    }
}

impl<'de> Deserialize<'de> for OnExpired {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        match value.as_str() {
            Some("earliest") => Ok(Self::Earliest),
            Some("latest") => Ok(Self::Latest),
            Some("fail") => Ok(Self::Fail),
            _ => Err(custom(value.span, r#"expected "earliest", "latest" or "fail""#).into()),
        }
    }
}

impl<'de> Deserialize<'de> for Creation {
    fn deserialize(value: &mut Value<'de>) -> Result<Self, DeserError> {
        let mut table = TableHelper::new(value)?;
        let partitions = table.optional_s::<i32>("partitions");
        let replication = table.optional_s::<i32>("replication");
        let mut errors = Vec::new();
        for number in [&partitions, &replication].into_iter().flatten().filter(|number| number.value < 1) {
            errors.push(custom(number.span, "must be 1 or more"));
        }
        table.errors.append(&mut errors);
        table.finalize(None)?;
        let or_default = |number: Option<Spanned<i32>>| number.map_or(BROKER_DEFAULT, |number| number.value);
        Ok(Self { partitions: or_default(partitions), replication: or_default(replication) })
    }
}

/// Kafka's word for "as the brokers are configured" (KIP-464).
const BROKER_DEFAULT: i32 = -1;
/// A retention below this is a slip: every event would be called lost.
const LEAST_RETENTION: Duration = Duration::from_secs(3600);
