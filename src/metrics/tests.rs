#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_feed_that_is_no_more_is_in_no_metric_and_the_others_stay() {
    let metrics = Metrics::new().unwrap();
    for name in ["gone", "stays"] {
        let feed = metrics.feed(name);
        feed.reopened("transport");
        feed.stopped("login");
        feed.position_age("/data/ChangeEvents", 1.0);
        feed.hours_to_loss("/data/ChangeEvents", 1.0);
        feed.channel_up("/data/ChangeEvents", true);
        feed.channel_refused("/data/ChangeEvents");
        feed.gap("expired");
    }
    let named = |name: &str| {
        let text = metrics.render().unwrap();
        text.lines().filter(|line| line.contains(&format!("feed=\"{name}\""))).count()
    };
    let before = named("stays");
    assert_eq!(named("gone"), before);
    metrics.forget_feed("gone");
    assert_eq!((named("gone"), named("stays")), (0, before));
}
