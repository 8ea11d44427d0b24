//! `crossfeed check` of a CometD server.

use super::feed;
use crate::logins::{a_token, crossfeed, said};
use crate::scene::{LIMIT, Scene};
use harness::cometd_or_skip;
use serde_json::Value;
use simulator::{Generic, Options};

/// What is found of a feed with these lines: each finding's grade and text, and its remedy.
async fn found(scene: &Scene, url: &str, channels: &[&str], lines: &str) -> Vec<String> {
    let config = scene.config(&feed(scene, "ticks", url, channels, lines));
    std::fs::write(scene.path().join("crossfeed.toml"), config).unwrap();
    let output = crossfeed(scene.path(), &["check", "--json"]).await;
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let sections = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")));
    let section = sections.filter(|it| it["about"] == "server 127.0.0.1 (feed ticks)").collect::<Vec<_>>();
    let [section] = &*section else { panic!("{}", said(&output)) };
    let findings = section["findings"].as_array().unwrap().iter().map(|it| {
        let remedy = it["remedy"].as_str().map(|remedy| format!(" -> {remedy}")).unwrap_or_default();
        format!("{}: {}{remedy}", it["grade"].as_str().unwrap(), it["text"].as_str().unwrap())
    });
    let findings: Vec<String> = findings.collect();
    let bad = findings.iter().any(|finding| finding.starts_with("bad"));
    assert!(!bad || output.status.code() != Some(0), "{findings:?}");
    findings
}

#[track_caller]
fn check(found: &[String], expected: &[&str]) {
    let as_expected = found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(found.len() == expected.len() && as_expected, "{found:#?}");
}

#[tokio::test]
async fn a_check_tells_what_a_server_is_and_what_it_lacks() {
    let Some(scene) = Scene::set("bayeux_check").await else { return };
    let org = &scene.org;
    // Salesforce has no WebSocket and no acknowledgements.
    let url = format!("{}/cometd/64.0", org.url());
    let secret = crate::logins::file(scene.path(), "token", &format!("Bearer {}", a_token(org).await));
    let header = format!("headers = {{ Authorization = {secret} }}\n");
    let no_socket = "no WebSocket, HTTP 405: ";
    let event = ["/event/Low_Ink__e"];
    check(
        &found(&scene, &url, &event, &header).await,
        &[
            "note: it takes no WebSocket: long polling is used",
            "good: it answers over long-polling",
            "note: it does not acknowledge: the events of a reply that is lost are lost",
            "good: channel /event/Low_Ink__e can be read",
        ],
    );
    check(
        &found(&scene, &url, &["/event/Nothing__e", event[0]], &format!("{header}replay = true")).await,
        &[
            "good: it answers over long-polling",
            "note: it does not acknowledge: a lost reply costs a new session",
            "bad: channel /event/Nothing__e is refused: ",
            "good: channel /event/Low_Ink__e can be read",
        ],
    );
    let refused = found(&scene, &url, &event, "transport = \"websocket\"").await;
    check(&refused, &[&format!("bad: no session: handshake: {no_socket}")]);
    assert!(refused[0].contains("-> write transport = \"auto\""), "{refused:?}");
    let unknown = found(&scene, &url, &event, "transport = \"long-polling\"").await;
    check(&unknown, &["bad: no session: handshake: 401"]);
    assert!(unknown[0].contains("-> check what `headers` sends"), "{unknown:?}");
    // Nobody is there any more.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = found(&scene, &format!("http://{nobody}/cometd"), &["/a"], "").await;
    assert!(away.len() == 1 && away[0].starts_with("bad: no session: ") && away[0].contains("-> "), "{away:?}");
    assert_eq!(org.stats().await.unwrap().channel(event[0]).delivered, 0);
    let sessions = org.stats().await.unwrap().sessions;
    assert_eq!((sessions.opened, sessions.disconnected), (2, 2), "it says goodbye");
}

#[tokio::test]
async fn a_check_of_other_servers_subscribes_and_says_goodbye() {
    let generic = Some(Generic { replay: true, ..Generic::default() });
    let Some(scene) = Scene::set_with("bayeux_check_2", Options { generic, ..Options::default() }).await else {
        return;
    };
    let url = format!("{}/cometd", scene.org.url());
    let replaying = found(&scene, &url, &["/a"], "replay = true").await;
    check(&replaying, &["good: it answers over long-polling", "good: channel /a can be read"]);
    let Some(server) = cometd_or_skip(&["maxInterval=600000"]).await else { return };
    check(
        &found(&scene, server.url(), &["/a", "/b/**"], "").await,
        &["good: it answers over websocket", "good: channel /a can be read", "good: channel /b/** can be read"],
    );
    let without = found(&scene, server.url(), &["/a"], "replay = true").await;
    check(&without, &["good: it answers over long-polling", "bad: it has no replay extension -> write replay = false"]);
    let goodbye = async || Ok((server.sessions().await? == 0).then_some(()));
    harness::until("it said goodbye", LIMIT, goodbye).await.unwrap();
}
