//! The org's allocations. API requests and delivered events are enforced where somebody set a maximum; the others are
//! only shown.

use serde_json::json;

use super::answer::Answer;
use super::ask::Ask;
use super::work::Work;
use crate::channel::Kind;
use crate::counters::read;

/// `GET /limits`.
pub(super) fn limits(work: &mut Work<'_>, _: &Ask) -> Result<Answer, Answer> {
    let org = work.org;
    let delivered = org.delivered.usage();
    let of_kind = |kind| {
        org.bus.streams().iter().filter(|stream| stream.kind == kind).map(|stream| read(&stream.delivered)).sum()
    };
    let clients = org.sessions.all().len() as u64;
    let requests = org.quota.usage();
    let limit = |most: u64, used: u64| json!({"Max": most, "Remaining": most.saturating_sub(used)});
    Ok(Answer::ok(json!({
        "DailyApiRequests": limit(requests.max, requests.used),
        "DailyBulkApiBatches": limit(15_000, 0),
        "DailyBulkV2QueryJobs": limit(10_000, 0),
        "HourlyPublishedPlatformEvents": limit(250_000, read(&org.counters.published)),
        "HourlyPublishedStandardVolumePlatformEvents": limit(100_000, 0),
        "DailyDeliveredPlatformEvents": limit(delivered.max, delivered.used),
        "DailyStandardVolumePlatformEvents": limit(25_000, 0),
        "MonthlyPlatformEventsUsageEntitlement": limit(0, 0),
        "DailyStreamingApiEvents": limit(1_000_000, 0),
        "DailyDurableStreamingApiEvents": limit(1_000_000, of_kind(Kind::PushTopic)),
        "DailyGenericStreamingApiEvents": limit(10_000, 0),
        "DailyDurableGenericStreamingApiEvents": limit(10_000, of_kind(Kind::Generic)),
        "StreamingApiConcurrentClients": limit(2_000, clients),
        "DurableStreamingApiConcurrentClients": limit(2_000, clients),
    })))
}
