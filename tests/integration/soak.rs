//! The soak, short: `make soak` runs the long one.

use harness::kafka_is_skipped;
use harness::soak::Order;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_seconds_of_disturbances_lose_nothing_and_leave_nothing_behind() {
    if kafka_is_skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let order = Order { seconds: 20, seed: 4, restarts: 1 };
    let report = order.run(folder.path(), |line| println!("{line}")).await.unwrap();
    println!("{report}");
    assert!(report.blows.len() >= 12 && report.reopens.values().sum::<u64>() >= 10, "{report}");
    let violations = report.violations();
    assert!(violations.is_empty(), "{violations:#?}\n{report}");
}
