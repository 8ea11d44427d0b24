#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::feed::{Decision, Reason};

const SLOW: Pace = Pace::growing(60, 300);

fn busy() -> Stop {
    Stop::transient(Reason::Busy, "503::Server is too busy", SLOW).advising(Some("wait"))
}

/// Whether a permit is to be had now.
async fn now(handshakes: &Handshakes) -> Option<Result<Permit, Stop>> {
    tokio::time::timeout(Duration::from_millis(1), handshakes.permit()).await.ok()
}

async fn permit(handshakes: &Handshakes) -> Permit {
    now(handshakes).await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn four_handshake_at_a_time_and_the_next_when_one_is_done() {
    let handshakes = Handshakes::default();
    let mut permits = Vec::new();
    for _ in 0..MOST {
        permits.push(permit(&handshakes).await);
    }
    assert!(now(&handshakes).await.is_none());
    let waiting = tokio::spawn({
        let handshakes = handshakes.clone();
        async move { handshakes.permit().await.is_ok() }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    permits.pop();
    assert!(waiting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_feeds_of_an_org_rest_together_and_one_alone_tries_for_all() {
    let handshakes = Handshakes::default();
    let first = permit(&handshakes).await;
    // Four that were side by side: one refusal, and one wait.
    (0..4).for_each(|_| handshakes.rest(SLOW, &busy()));
    drop(first);
    let stop = now(&handshakes).await.unwrap().err().unwrap();
    assert_eq!((stop.text.as_str(), stop.remedy.as_deref()), ("503::Server is too busy", Some("wait")));
    let Decision::Transient(pace) = stop.decision else { panic!("{stop:?}") };
    let least = pace.first.mul_f64(0.7);
    assert!(
        least >= Duration::from_secs(42) && least <= Duration::from_secs(85),
        "{least:?}: not before the rest is over"
    );
    tokio::time::sleep(least).await;
    let alone = permit(&handshakes).await;
    assert!(now(&handshakes).await.is_none(), "one alone");
    // It was refused again: the wait has grown.
    handshakes.rest(SLOW, &busy());
    let stop = now(&handshakes).await.unwrap().err().unwrap();
    let Decision::Transient(pace) = stop.decision else { panic!("{stop:?}") };
    tokio::time::sleep(pace.first).await;
    drop(alone);
    let alone = permit(&handshakes).await;
    handshakes.well(alone.since());
    let (_a, _b, _c) = (permit(&handshakes).await, permit(&handshakes).await, permit(&handshakes).await);
}

#[tokio::test(start_paused = true)]
async fn a_session_from_before_the_refusal_does_not_end_the_rest() {
    let handshakes = Handshakes::default();
    let before = permit(&handshakes).await.since();
    tokio::time::sleep(Duration::from_millis(1)).await;
    handshakes.rest(SLOW, &busy());
    handshakes.well(before);
    assert!(now(&handshakes).await.unwrap().is_err());
}
