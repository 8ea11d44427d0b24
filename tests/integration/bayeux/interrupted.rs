//! Sessions that end, and replies that are lost: what comes again, and what is told as gone.

use super::{feed, numbers, start, until_held, until_number};
use crate::gaps::gaps;
use crate::logins::{crossfeed, said};
use crate::scene::{LIMIT, Scene};
use crossfeed::position::Gap;
use harness::{Bridge, CometD, Proxy, Status, cometd_or_skip};
use jiff::Timestamp;

const CHANNEL: &str = "/ticks/a";

/// Waits until these gaps are recorded.
async fn until_gaps(scene: &Scene, feed: &str, count: usize) -> Vec<Gap> {
    let recorded = async || {
        let listed = crossfeed(scene.path(), &["gaps", "list", "--json", feed]).await;
        assert!(listed.status.success(), "{}", said(&listed));
        let text = String::from_utf8(listed.stdout).unwrap();
        let gaps: Vec<Gap> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Ok((gaps.len() == count).then_some(gaps))
    };
    harness::until(&format!("{count} gaps of {feed} are listed"), LIMIT, recorded).await.unwrap()
}

/// The gap of a session's end: from before the event that is gone until after it.
#[track_caller]
fn check_gap(gap: &Gap, channel: &str, had: Timestamp, gone: Timestamp) {
    assert_eq!((gap.cause.as_str(), &*gap.channel, &*gap.org), ("unheard", channel, ""));
    let last = gap.last.clone().unwrap().time.unwrap();
    assert!(had <= last && last <= gone && gone <= gap.detected_at, "{had} {gone} {gap:?}");
}

/// The server writes events into a reply that is never read. Returns when the last event before was there, and when the
/// lost ones were published.
async fn lose_a_reply(bridge: &mut Bridge, scene: &Scene, server: &CometD, proxy: &Proxy) -> (Timestamp, Timestamp) {
    until_held(server, 1).await;
    let had = Timestamp::now();
    server.publish_many(CHANNEL, 1).await.unwrap();
    until_number(bridge, scene, "ticks", CHANNEL, 1).await;
    until_held(server, 1).await;
    proxy.blackhole();
    let gone = Timestamp::now();
    server.publish_many(CHANNEL, 3).await.unwrap();
    until_held(server, 0).await;
    proxy.heal();
    assert!(proxy.cut() > 0);
    (had, gone)
}

async fn set(name: &'static str, ack: bool) -> Option<(Scene, CometD, Proxy, Bridge)> {
    let scene = Scene::set(name).await?;
    let server = cometd_or_skip(&[]).await?;
    let target = server.url().strip_prefix("http://").unwrap().trim_end_matches("/cometd");
    let proxy = Proxy::start(target).await.unwrap();
    let url = format!("http://{}/cometd", proxy.address());
    let lines = format!("transport = \"long-polling\"\nack = {ack}");
    let bridge = start(&scene, &[feed(&scene, "ticks", &url, &[CHANNEL], &lines)]).await;
    Some((scene, server, proxy, bridge))
}

#[tokio::test]
async fn with_acknowledgements_a_lost_reply_loses_nothing() {
    let Some((scene, server, proxy, mut bridge)) = set("bayeux_cut_ack", true).await else { return };
    lose_a_reply(&mut bridge, &scene, &server, &proxy).await;
    until_number(&mut bridge, &scene, "ticks", CHANNEL, 4).await;
    assert_eq!(numbers(&scene, CHANNEL).await, [1, 2, 3, 4]);
    assert_eq!(until_gaps(&scene, "ticks", 0).await, []);
    assert_eq!(bridge.status().await.unwrap().feed("ticks").unwrap().reopens, 0, "in the same session");
    bridge.stop().await.unwrap();
}

#[tokio::test]
async fn without_acknowledgements_a_lost_reply_is_told_as_a_gap() {
    let Some((scene, server, proxy, mut bridge)) = set("bayeux_cut", false).await else { return };
    let (had, gone) = lose_a_reply(&mut bridge, &scene, &server, &proxy).await;
    let again = |it: &Status| it.feed("ticks").is_some_and(|feed| feed.reopens == 1 && feed.state == "running");
    bridge.wait_for("it opened again", LIMIT, again).await.unwrap();
    until_held(&server, 1).await;
    server.publish_many(CHANNEL, 1).await.unwrap();
    until_number(&mut bridge, &scene, "ticks", CHANNEL, 5).await;
    assert_eq!(numbers(&scene, CHANNEL).await, [1, 5], "it is as lost as the gap says");
    check_gap(&until_gaps(&scene, "ticks", 1).await[0], CHANNEL, had, gone);
    bridge.stop().await.unwrap();
}

#[tokio::test]
async fn sessions_that_end_go_on_anew_and_what_went_by_is_told() {
    let Some(scene) = Scene::set("bayeux_ended").await else { return };
    let Some(server) = cometd_or_skip(&["timeout=1000"]).await else { return };
    let cases = [("polled", "/polled/a", "long-polling"), ("socket", "/socket/a", "websocket")];
    let feeds = cases.map(|(name, channel, transport)| {
        feed(&scene, name, server.url(), &[channel], &format!("transport = \"{transport}\""))
    });
    // A session's first position is durable once its gap is; that of its last event need not be when it is cut.
    let mut had = Timestamp::now();
    let mut bridge = start(&scene, &feeds).await;
    for round in 0..3 {
        for (name, channel, _) in cases {
            server.publish_many(channel, 1).await.unwrap();
            until_number(&mut bridge, &scene, name, channel, round * 2 + 1).await;
        }
        match round {
            0 => assert_eq!(server.remove_sessions().await.unwrap(), 2),
            1 => assert_eq!(server.disconnect_sessions().await.unwrap(), 2),
            _ => bridge.kill().unwrap(),
        }
        let gone = Timestamp::now();
        for (_, channel, _) in cases {
            server.publish_many(channel, 1).await.unwrap();
        }
        if round == 2 {
            bridge.start_again().await.unwrap();
        }
        let reopens = if round == 2 { 0 } else { round + 1 };
        let again = |it: &Status| it.all_run() && it.feeds.iter().all(|feed| feed.reopens == reopens);
        bridge.wait_for("both run again", LIMIT, again).await.unwrap();
        for (name, channel, _) in cases {
            let gaps = until_gaps(&scene, name, round as usize + 1).await;
            check_gap(gaps.last().unwrap(), channel, had, gone);
        }
        had = gone;
    }
    for (name, channel, _) in cases {
        server.publish_many(channel, 1).await.unwrap();
        until_number(&mut bridge, &scene, name, channel, 7).await;
        assert_eq!(numbers(&scene, channel).await, [1, 3, 5, 7], "{name}");
    }
    let mut keys: Vec<String> = gaps(&scene).await.into_iter().map(|(key, _)| key).collect();
    keys.sort();
    assert_eq!(keys, [["polled /polled/a"; 3], ["socket /socket/a"; 3]].concat());
    let metrics = bridge.metrics().await.unwrap();
    for name in ["polled", "socket"] {
        let metric = format!("crossfeed_gaps_total{{cause=\"unheard\",feed=\"{name}\"}} 1");
        assert!(metrics.contains(&metric), "{metric}: {metrics}");
    }
    let listed = said(&crossfeed(scene.path(), &["gaps", "list"]).await);
    assert!(listed.contains("unheard: after") && listed.contains("the server keeps nothing"), "{listed}");
    bridge.stop().await.unwrap();
}
