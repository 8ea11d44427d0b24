//! Making events, at once or at a rate.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{ok, read, unknown, wrong};
use crate::bus::Stream;
use crate::event::{Template, Wish};
use crate::org::{Org, Simulator};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    channel: String,
    #[serde(default = "one")]
    count: u64,
    #[serde(default = "kibibyte")]
    bytes: usize,
    rate: Option<f64>,
    #[serde(default = "one_record")]
    record_ids: usize,
    #[serde(default = "update")]
    change_type: String,
    data: Option<Map<String, Value>>,
}

/// `POST /simulator/publish`.
pub(super) async fn publish(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let order: Order = read(&body)?;
    let org = Arc::clone(simulator.org());
    let stream = org.bus.stream(&order.channel).ok_or_else(|| unknown(&order.channel))?;
    if !CHANGE_TYPES.contains(&order.change_type.as_str()) {
        return Err(wrong(&format!("change_type must be one of {}", CHANGE_TYPES.join(", "))));
    }
    if order.rate.is_some_and(|rate| !RATES.contains(&rate)) {
        return Err(wrong("rate must be a number of events per second, from 0.001 to 10000000"));
    }
    if order.bytes > MOST_BYTES {
        return Err(wrong("bytes must be at most 1048576: Salesforce has no larger events"));
    }
    let accepted = ok(json!({"accepted": order.count}));
    let template = template(&org, &stream, &order);
    match order.rate {
        Some(rate) => drop(tokio::spawn(paced(org, stream, template, order.count, rate))),
        None => {
            let work = tokio::task::spawn_blocking(move || org.bus.publish(&stream, &template, order.count));
            work.await.map_err(|why| wrong(&why.to_string()))?;
        }
    }
    Ok(accepted)
}

fn template(org: &Org, stream: &Stream, order: &Order) -> Template {
    if let Some(data) = &order.data {
        // A plain CometD server changes nothing of what it carries.
        let is_plain = org.options.generic.is_some_and(|generic| !generic.replay);
        let verbatim = || Template::verbatim(&Value::Object(data.clone()).to_string());
        return if is_plain { verbatim() } else { Template::explicit(data.clone()) };
    }
    let definition = stream.channel.strip_prefix("/event/").and_then(|name| org.definitions.find(name));
    let wish = Wish { bytes: order.bytes, record_ids: order.record_ids, change_type: &order.change_type };
    Template::invented(&stream.channel, stream.kind, definition.as_deref(), wish)
}

/// Publishes each event when it is due, or with others at the end of a tick, so that the rate holds on average however
/// late the clock is.
async fn paced(org: Arc<Org>, stream: Arc<Stream>, template: Template, count: u64, rate: f64) {
    let begin = Instant::now();
    let mut made = 0;
    while made < count {
        let due = begin + Duration::from_secs_f64(made as f64 / rate);
        tokio::time::sleep_until(due.max(Instant::now() + TICK)).await;
        let due = ((begin.elapsed().as_secs_f64() * rate) as u64 + 1).min(count);
        if due > made {
            org.bus.publish(&stream, &template, due - made);
            made = due;
        }
    }
}

fn one() -> u64 {
    1
}

fn one_record() -> usize {
    1
}

fn kibibyte() -> usize {
    1024
}

fn update() -> String {
    "UPDATE".to_owned()
}

const CHANGE_TYPES: [&str; 9] = [
    "CREATE",
    "UPDATE",
    "DELETE",
    "UNDELETE",
    "GAP_CREATE",
    "GAP_UPDATE",
    "GAP_DELETE",
    "GAP_UNDELETE",
    "GAP_OVERFLOW",
];
const RATES: std::ops::RangeInclusive<f64> = 0.001..=10_000_000.0;
const TICK: Duration = Duration::from_millis(1);
const MOST_BYTES: usize = 1 << 20;
