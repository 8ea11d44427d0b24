//! What every test needs: an org, Kafka, a folder, and the configuration that ties them together.

use harness::verify::{Keyed, Verdict, channel};
use harness::{Bridge, Kafka, Org, kafka_is_skipped, kafka_or_skip, surroundings};
use simulator::Options;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub(crate) const CHANGES: &str = "/data/AccountChangeEvent";
pub(crate) const ORDERS: &str = "/event/Order_Placed__e";
/// Long enough for a loaded machine; a test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// An org and Kafka, with nothing between them yet.
pub(crate) struct Scene {
    pub(crate) org: Org,
    pub(crate) cluster: kafka::Cluster,
    pub(crate) folder: TempDir,
    /// The test's name: what its topics begin with.
    pub(crate) name: &'static str,
}

impl Scene {
    /// With the broker that all tests share; `None` where tests with Kafka are skipped.
    pub(crate) async fn set(name: &'static str) -> Option<Self> {
        Self::set_with(name, Options::default()).await
    }

    /// The same, with an org of another kind.
    pub(crate) async fn set_with(name: &'static str, options: Options) -> Option<Self> {
        static KAFKA: OnceCell<Option<Kafka>> = OnceCell::const_new();
        if kafka_is_skipped() {
            return None;
        }
        let kafka = KAFKA.get_or_init(kafka_or_skip).await.as_ref()?;
        Some(Self::of(name, kafka.cluster(), options).await)
    }

    /// With a broker of the test's own.
    pub(crate) async fn with(name: &'static str, cluster: kafka::Cluster) -> Self {
        Self::of(name, cluster, Options::default()).await
    }

    async fn of(name: &'static str, cluster: kafka::Cluster, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { org: Org::within(options).await.unwrap(), cluster, folder, name }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where everything is, and then the feeds.
    pub(crate) fn config(&self, feeds: &str) -> String {
        surroundings(self.path(), &self.org, &self.cluster.brokers).unwrap() + feeds
    }

    /// A feed from channels to topics of this test.
    pub(crate) fn changes(&self, channels: &[&str], start: &str) -> String {
        let name = self.name;
        format!(
            r#"
[feed.changes]
delivery = "at_least_once"
[feed.changes.from.salesforce]
org = "acme"
channels = {channels:?}
start = "{start}"
[feed.changes.to.kafka]
cluster = "main"
topic = "{name}.{{channel}}"
key = "{{record_id}}"
create = {{ partitions = 3, replication = 1 }}
"#
        )
    }

    /// A feed from a topic of this test to `Shipment__e`.
    pub(crate) fn shipments(&self) -> String {
        let topic = self.topic("shipments");
        format!(
            r#"
[feed.shipments.from.kafka]
cluster = "main"
topics = ["{topic}"]
[feed.shipments.to.platform_event]
org = "acme"
event = "Shipment__e"
"#
        )
    }

    pub(crate) async fn bridge(&self, feeds: &str) -> Bridge {
        Bridge::start(self.path(), &self.config(feeds)).await.unwrap()
    }

    pub(crate) fn topic(&self, channel: &str) -> String {
        format!("{}.{}", self.name, channel.trim_start_matches('/').replace('/', "."))
    }

    /// Waits until so many events were made on a channel.
    pub(crate) async fn made(&self, channel: &str, count: u64) {
        let all = async || Ok((self.org.stats().await?.channel(channel).made == count).then_some(()));
        harness::until("all are made", LIMIT, all).await.unwrap();
    }

    /// Waits until the position of a channel is that of its newest event.
    pub(crate) async fn caught_up(&self, bridge: &mut Bridge, channel: &str) {
        let newest = self.org.newest(channel).await.unwrap().expect("events were made").to_string();
        bridge.wait_for("everything is durable", LIMIT, |it| it.is_at("changes", channel, &newest)).await.unwrap();
    }

    /// What became of a channel's events.
    pub(crate) async fn verdict(&self, of: &str) -> Verdict {
        channel(&self.org, &self.cluster, &self.topic(of), of, Keyed::ByRecord).await.unwrap()
    }
}

/// Waits for a feed to be in a state.
pub(crate) async fn until_state(bridge: &mut Bridge, feed: &str, state: &str) -> harness::FeedStatus {
    let what = format!("{feed} is {state}");
    let is = |it: &harness::Status| it.feed(feed).is_some_and(|feed| feed.state == state);
    bridge.wait_for(&what, LIMIT, is).await.unwrap().feed(feed).unwrap().clone()
}
