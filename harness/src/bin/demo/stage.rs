//! Everything that the demo needs, started.

use crate::shipments;
use harness::{Bridge, Error, Kafka, Org, surroundings};
use kafka::{Creation, Producer, Topic};
use std::path::Path;
use std::time::Duration;

/// Kafka, an org, and the bridge between them. The bridge is ended first.
pub(crate) struct Stage {
    pub(crate) bridge: Bridge,
    pub(crate) org: Org,
    pub(crate) producer: Producer,
    pub(crate) kafka: Kafka,
}

impl Stage {
    /// Starts everything, and waits until both feeds run.
    pub(crate) async fn set(folder: &Path) -> Result<Self, Error> {
        let simulator_log = folder.join("simulator.log");
        let data = folder.join("kafka");
        let (kafka, org) = tokio::try_join!(Kafka::start_in(&data), Org::start(&[], &simulator_log))?;
        let producer = Producer::new(&kafka.cluster(), "crossfeed-demo", QUEUE_BYTES)?;
        let create = Some(Creation { partitions: 3, replication: 1 });
        producer.ensure_topic(&Topic { name: shipments::TOPIC.to_owned(), create }, LIMIT).await?;
        let config = format!("{}{FEEDS}", surroundings(folder, &org, kafka.bootstrap())?);
        let mut bridge = Bridge::start(folder, &config).await?;
        bridge.wait_for("both feeds run", LIMIT, harness::Status::all_run).await?;
        Ok(Self { bridge, org, producer, kafka })
    }
}

/// The channels of the way out, each with its topic.
pub(crate) const CHANNELS: [(&str, &str); 2] = [
    ("/data/AccountChangeEvent", "sf.data.AccountChangeEvent"),
    ("/event/Order_Placed__e", "sf.event.Order_Placed__e"),
];

/// The feeds by their names below.
pub(crate) const OUTWARD: &str = "changes";
pub(crate) const BACK: &str = "shipments";

const FEEDS: &str = r#"
[feed.changes]
delivery = "at_least_once"

[feed.changes.from.salesforce]
org = "acme"
channels = ["/data/AccountChangeEvent", "/event/Order_Placed__e"]
start = "earliest"

[feed.changes.to.kafka]
cluster = "main"
topic = "sf.{channel}"
key = "{record_id}"
create = { partitions = 3, replication = 1 }

[feed.shipments.from.kafka]
cluster = "main"
topics = ["shipments"]

[feed.shipments.to.platform_event]
org = "acme"
event = "Shipment__e"
"#;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);
const QUEUE_BYTES: usize = 16 << 20;
