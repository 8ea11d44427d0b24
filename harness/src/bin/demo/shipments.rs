//! The way back: records that somebody produces to Kafka, and that Salesforce is to get.

use harness::Error;
use harness::verify::WayBack;
use kafka::{Producer, Record, Sent};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::{Instant, interval};

/// The topic that they are in.
pub(crate) const TOPIC: &str = "shipments";
/// The platform event that they become.
pub(crate) const OBJECT: &str = "Shipment__e";

/// Produces so many records, spread over `time`.
pub(crate) async fn produce(producer: &Producer, count: u32, time: Duration) -> Result<(), Error> {
    let (begin, mut clock) = (Instant::now(), interval(TICK));
    let mut batch = producer.batch();
    let mut made = 0;
    while made < count {
        clock.tick().await;
        let share = begin.elapsed().as_secs_f64() / time.as_secs_f64();
        let due = ((share * f64::from(count)) as u32).min(count);
        for number in made..due {
            let (key, fields) = shipment(number);
            let value = Value::Object(fields).to_string();
            let record =
                Record { topic: TOPIC, key: Some(key.as_bytes()), value: value.as_bytes(), ..Record::default() };
            while batch.send(&record)? == Sent::Full {
                batch.room().await?;
            }
        }
        made = made.max(due);
    }
    Ok(batch.finish().await?)
}

/// What the verifier must know of them.
pub(crate) fn sent(count: u32) -> WayBack {
    let mut sent = WayBack::default();
    for (key, fields) in (0..count).map(shipment) {
        sent.sent(key.as_bytes(), &fields);
    }
    sent
}

fn shipment(number: u32) -> (String, Map<String, Value>) {
    let order = format!("order-{:02}", number % ORDERS);
    let fields = [("Seq__c", json!(number)), ("Order__c", json!(order)), ("Note__c", json!("packed, on its way"))];
    (order, fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Records about one order keep their order.
const ORDERS: u32 = 50;
const TICK: Duration = Duration::from_millis(20);
