//! A Kafka that takes less than an org brings.

use harness::kafka_or_skip;
use harness::pressure::Pressure;

/// The short form: four times the rate, so that what three minutes show at 1 MB/s is seen in fifty seconds. After thirty the
/// first sessions that found no room were closed, and others had their turn. malloc's arenas still settle then: what is flat within 5 % after two minutes is here within 10 %.
/// `make soak ARGS="pressure"` runs the long one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f34_memory_is_flat_while_twenty_feeds_replay_into_a_slow_kafka() {
    let Some(kafka) = kafka_or_skip().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (bytes_per_second, memory_mib) = (4_000_000, 32);
    let order = Pressure { seconds: 50, flat_from: 32, bytes_per_second, memory_mib, flat_within: 10 };
    let squeezed = order.squeeze(folder.path(), &kafka).await.unwrap();
    println!("{squeezed}");
    let violations = squeezed.violations();
    assert!(violations.is_empty(), "{violations:#?}\n{squeezed}");
}
