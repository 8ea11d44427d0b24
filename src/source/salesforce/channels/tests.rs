#![allow(clippy::unwrap_used)]

use super::super::past::Past;
use super::super::reading::Held;
use super::*;
use crate::metrics::Metrics;

fn past(name: &str) -> Past {
    Past::new(name, None, jiff::SignedDuration::from_hours(72))
}

const NAMES: [&str; 3] = ["/event/A__e", "/event/B__e", "/topic/C?Name='x'"];

fn refused() -> Refused {
    let metrics = Metrics::new().unwrap();
    Refused::new(Arc::new(Status::new("x", metrics.feed("x"))), PAUSE)
}

/// The channels that a session asks for at a time.
fn chosen(refused: &Refused, now: Instant) -> Vec<String> {
    let mut channels = NAMES.map(|name| Subscribed::new(name, None, Held::Nothing, past(name)));
    refused.choose(&mut channels, now).map(|channel| channel.name().to_owned()).collect()
}

#[test]
fn a_refused_channel_is_asked_for_again_every_ten_minutes_for_ever() {
    let refused = refused();
    let mut now = Instant::now();
    for _ in 0..100 {
        refused.refused("/event/A__e", "403::No access on channel", "give rights", now);
        assert_eq!(refused.next(), Some(now + Duration::from_secs(600)));
        now += Duration::from_secs(599);
        assert_eq!(refused.take_due(now), [""; 0]);
        now += Duration::from_secs(1);
        assert_eq!(refused.take_due(now), ["/event/A__e"]);
        assert_eq!((refused.take_due(now).len(), refused.next()), (0, None), "it is being asked for");
    }
    refused.subscribed("/event/A__e");
    assert_eq!(refused.next(), None);
}

#[test]
fn sessions_that_open_one_after_the_other_do_not_ask_faster() {
    let (refused, now) = (refused(), Instant::now());
    let after = |seconds: u64| now + Duration::from_secs(seconds);
    assert_eq!(chosen(&refused, now), ["/event/A__e", "/event/B__e", "/topic/C"]);
    refused.refused("/event/A__e", "no", "-", now);
    assert_eq!(chosen(&refused, after(1)), ["/event/B__e", "/topic/C"]);
    assert_eq!(refused.next(), Some(after(600)), "its turn comes in the session");
    assert_eq!(chosen(&refused, after(59)), ["/event/B__e", "/topic/C"]);
    assert_eq!(chosen(&refused, after(60)).len(), 3);
    assert_eq!(refused.next(), None);
    // None of them would be left.
    for name in ["/event/A__e", "/event/B__e", "/topic/C"] {
        refused.refused(name, "no", "-", after(61));
    }
    assert_eq!(chosen(&refused, after(62)).len(), 3);
}

#[test]
fn unknown_words_are_a_moment_s_trouble_once() {
    let refused = refused();
    assert!(!refused.again("/event/A__e"));
    assert!(refused.again("/event/A__e"));
    refused.subscribed("/event/A__e");
    assert!(!refused.again("/event/A__e"));
}
