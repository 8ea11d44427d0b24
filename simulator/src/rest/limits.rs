//! The org's allocations. They are shown, never enforced.

use serde_json::{Value, json};

use crate::counters::read;
use crate::org::Org;

/// The daily API requests of a small org.
pub(super) const DAILY_REQUESTS: u64 = 15_000;

/// `GET /limits`.
pub(super) fn limits(org: &Org) -> Value {
    let delivered: u64 = org.bus.streams().iter().map(|stream| read(&stream.delivered)).sum();
    let limit = |most: u64, used: u64| json!({"Max": most, "Remaining": most.saturating_sub(used)});
    json!({
        "DailyApiRequests": limit(DAILY_REQUESTS, read(&org.counters.api)),
        "HourlyPublishedPlatformEvents": limit(250_000, read(&org.counters.published)),
        "HourlyPublishedStandardVolumePlatformEvents": limit(100_000, 0),
        "DailyDeliveredPlatformEvents": limit(50_000, delivered),
        "DailyStandardVolumePlatformEvents": limit(25_000, 0),
        "MonthlyPlatformEventsUsageEntitlement": limit(0, 0),
        "DailyStreamingApiEvents": limit(1_000_000, 0),
        "DailyDurableStreamingApiEvents": limit(1_000_000, 0),
        "DailyGenericStreamingApiEvents": limit(10_000, 0),
        "StreamingApiConcurrentClients": limit(2_000, org.sessions.all().len() as u64),
        "DurableStreamingApiConcurrentClients": limit(2_000, org.sessions.all().len() as u64),
    })
}
