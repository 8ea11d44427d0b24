//! Positions seen and moved by a person, with the program itself.

mod files;

use crate::logins::{crossfeed, said};
use crate::scene::{CHANGES, LIMIT, ORDERS, Scene, until_state};
use harness::{Bridge, Publish};
use serde_json::Value;
use std::path::Path;

/// The program's standard output, once it has done what it was told.
pub(crate) async fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = crossfeed(folder, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What the program says where it refuses.
pub(crate) async fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = crossfeed(folder, arguments).await;
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stderr).unwrap()
}

/// The positions that are listed, by channel, as JSON.
pub(crate) async fn listed(folder: &Path) -> Vec<(String, Value)> {
    let lines = done(folder, &["positions", "list", "--json"]).await;
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| (line["channel"].as_str().unwrap().to_owned(), line["position"].clone())).collect()
}

/// A feed of two channels that has carried some events of the first, and stopped.
async fn stopped(name: &'static str, events: u64, start: &str) -> Option<(Scene, Bridge)> {
    let scene = Scene::set(name).await?;
    scene.org.publish(&Publish::new(CHANGES, events)).await.unwrap();
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES, ORDERS], "earliest")).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    bridge.stop().await.unwrap();
    let config = scene.config(&scene.changes(&[CHANGES, ORDERS], start));
    std::fs::write(scene.path().join("crossfeed.toml"), config).unwrap();
    Some((scene, bridge))
}

#[tokio::test]
async fn f54_a_position_can_be_seen_exported_set_and_reset() {
    let Some((scene, mut bridge)) = stopped("f54", 10, "latest").await else { return };
    let folder = scene.path();
    let newest = scene.org.newest(CHANGES).await.unwrap().unwrap().to_string();
    // Seen, without the secret of the file.
    std::fs::rename(folder.join("client_secret"), folder.join("hidden")).unwrap();
    let shown = done(folder, &["positions", "show", "changes"]).await;
    for expected in [
        "belongs to org 00Dxx0000001gPLEAY and Kafka cluster ",
        &format!("{CHANGES}\n  position: {newest}\n  time: "),
        "events are kept for 72 h: 7",
        &format!("{ORDERS}\n  no position: the configured start holds, latest"),
        "never changed by hand",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let saved = listed(folder).await;
    assert_eq!((saved.len(), &saved[0].1["at"]["id"]), (1, &Value::from(newest.clone())));
    done(folder, &["positions", "export", "-o", "kept.jsonl"]).await;
    // A dry run, and a question that nobody can answer, change nothing.
    let set = ["positions", "set", "changes", CHANGES, "--to", "earliest"];
    let of_changes = async || listed(folder).await.into_iter().find(|(channel, _)| channel == CHANGES).unwrap().1;
    let plan = done(folder, &[&set[..], &["--dry-run"]].concat()).await;
    assert!(plan.contains(&format!("{newest} -> earliest: repeats up to 7")), "{plan}");
    assert!(refused(folder, &set, 2).await.contains("add --yes"), "it says what to do");
    assert_eq!(listed(folder).await, saved);
    // Set: it holds against the start of the file, and everything comes again.
    done(folder, &[&set[..], &["--yes", "--reason", "a test"]].concat()).await;
    assert_eq!(of_changes().await, Value::from("earliest"));
    std::fs::rename(folder.join("hidden"), folder.join("client_secret")).unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    bridge.stop().await.unwrap();
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_whole() && verdict.made == 10 && verdict.doubled == 10, "{verdict}");
    // Moved by its id, and back by the file that was kept: the time comes back as well.
    done(folder, &["positions", "set", "changes", CHANGES, "--to", "3", "--yes"]).await;
    assert_eq!(of_changes().await, serde_json::json!({"at": {"id": "3"}}));
    done(folder, &["positions", "import", "kept.jsonl", "--yes"]).await;
    assert_eq!(of_changes().await, saved[0].1);
    // Reset: the start of the file holds again, and that is said first.
    let plan = done(folder, &["positions", "reset", "changes", "--all", "--yes"]).await;
    assert!(plan.contains("starts anew at the configured start, latest: skips up to"), "{plan}");
    assert_eq!(listed(folder).await, []);
    let shown = done(folder, &["positions", "show", "changes", CHANGES]).await;
    let history: Vec<&str> = shown.lines().skip_while(|line| *line != "changed by hand").skip(2).collect();
    assert!(history.len() == 4 && history[0].contains("earliest, no event yet") && history[0].ends_with("a test"));
    assert!(history.iter().all(|line| line.contains(" (uid ") && line.contains(", pid ")), "{shown}");
    let all = done(folder, &["positions", "list", "--history", "--json"]).await;
    assert_eq!(all.lines().count(), 5, "{all}");
}

/// What comes between the command and the opening of the feed belongs to what comes from now on.
#[tokio::test]
async fn f12_a_position_set_to_latest_loses_nothing_that_comes_before_the_feed_opens() {
    let Some((scene, mut bridge)) = stopped("set_latest", 1, "earliest").await else { return };
    done(scene.path(), &["positions", "set", "changes", ORDERS, "--to", "latest", "--yes"]).await;
    scene.org.publish(&Publish::new(ORDERS, 7)).await.unwrap();
    bridge.start_again().await.unwrap();
    scene.caught_up(&mut bridge, ORDERS).await;
    bridge.stop().await.unwrap();
    let verdict = scene.verdict(ORDERS).await;
    assert!(verdict.is_exact() && verdict.made == 7, "{verdict}");
}

/// The bridge pauses the feed, moves it and lets it go on: nothing is lost on the way, and the history says who it was.
#[tokio::test]
async fn f54_a_position_of_a_running_feed_is_moved_by_its_bridge() {
    let Some((scene, mut bridge)) = stopped("f54_running", 10, "earliest").await else { return };
    let folder = scene.path();
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
    let set = ["positions", "set", "changes", CHANGES, "--to", "earliest"];
    let dry = done(folder, &[&set[..], &["--dry-run"]].concat()).await;
    assert!(dry.contains("repeats up to 7") && dry.ends_with("nothing was changed\n"), "{dry}");
    let reopened = async || bridge.log_text().unwrap().matches("\"subscribing\"").count();
    let before = reopened().await;
    for wrong in ["set changes /data/Nope --to earliest --yes", "set changes /data/AccountChangeEvent --to earliest"] {
        let arguments: Vec<&str> = std::iter::once("positions").chain(wrong.split(' ')).collect();
        refused(folder, &arguments, 2).await;
    }
    assert_eq!(reopened().await, before, "the feed was not disturbed");
    let said = done(folder, &[&set[..], &["--yes", "--reason", "a test"]].concat()).await;
    assert!(said.contains("done by the running bridge:\nchanges /data/AccountChangeEvent: "), "{said}");
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    // Another feed's name, and a body that is none, are refused by the bridge itself.
    for (feed, body, status, expected) in [
        ("changes", "{}", 400, "missing field `changes`"),
        ("changes", r#"{"changes":[{"feed":"other","channel":"/x","to":"latest"}]}"#, 400, "but this is `changes`"),
        ("changes", r#"{"changes":[{"feed":"changes","channel":"/x","to":"latest"}]}"#, 404, "has no channel `/x`"),
        ("nope", r#"{"changes":[{"feed":"nope","channel":"/x","to":"latest"}]}"#, 404, "there is no feed `nope`"),
    ] {
        let (was, said) = post(folder, &format!("/feeds/{feed}/positions"), body).await;
        assert!(was == status && said.contains(expected), "{body}: {was} {said}");
    }
    let change = format!(r#"{{"changes":[{{"feed":"changes","channel":"{CHANGES}","to":"latest"}}],"dry_run":true}}"#);
    let (status, plan) = post(folder, "/feeds/changes/positions", &change).await;
    assert!(status == 200 && plan.contains(r#""effect":{"skips":{"#), "{plan}");
    let history = done(folder, &["positions", "list", "--history"]).await;
    assert!(history.lines().count() == 2 && history.contains("user id ") && history.contains("a test"), "{history}");
    bridge.stop().await.unwrap();
    let verdict = scene.verdict(CHANGES).await;
    assert!(verdict.is_whole() && verdict.made == 15 && verdict.doubled == 10, "{verdict}");
}

/// Asks over the bridge's socket.
async fn post(folder: &Path, path: &str, body: &str) -> (u16, String) {
    let client = reqwest::Client::builder().unix_socket(folder.join("positions/admin.sock")).build().unwrap();
    let answer = client.post(format!("http://crossfeed{path}")).body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn f54_what_is_asked_wrongly_changes_nothing_and_is_answered_with_what_is_known() {
    let Some((scene, _bridge)) = stopped("f54_wrong", 2, "latest").await else { return };
    let folder = scene.path();
    let saved = listed(folder).await;
    done(folder, &["positions", "export", "-o", "kept.jsonl"]).await;
    let kept = std::fs::read_to_string(folder.join("kept.jsonl")).unwrap();
    let file = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    file("foreign.jsonl", kept.replace("00Dxx0000001gPLEAY", "00Dyy0000001gPLEAY"));
    file("later.jsonl", kept.replace("\"crossfeed_positions\":1", "\"crossfeed_positions\":2"));
    file("broken.jsonl", kept.replace("{\"at\":", "{\"at\""));
    file("unknown.jsonl", kept.replace("\"channel\":\"/data/", "\"channel\":\"/data/No"));
    file("unbound.jsonl", kept.replace("\"changes\":{", "\"others\":{"));
    let known = format!("known: {CHANGES}, {ORDERS}");
    for (arguments, code, expected) in [
        ("show nope", 2, "there is no feed `nope`; known: changes"),
        ("show changes /data/Nope", 2, &*known),
        ("export nope", 2, "known: changes"),
        ("set nope /x --to earliest --yes", 2, "known: changes"),
        ("set changes /data/Nope --to earliest --yes", 2, &*known),
        ("set changes /data/AccountChangeEvent --to -2 --yes", 2, "write `earliest`, `latest`"),
        ("set changes /data/AccountChangeEvent --to tip --yes", 2, "write `earliest`, `latest`"),
        ("set changes /data/AccountChangeEvent --yes", 2, "--to"),
        ("set changes /data/AccountChangeEvent --to latest --yes --dry-run", 2, "cannot be used with"),
        ("reset changes --yes", 2, "CHANNEL"),
        ("reset changes /data/Nope --yes", 2, &*known),
        ("reset changes --all", 2, "add --yes"),
        ("import kept.jsonl --feed nope --yes", 2, "known: changes"),
        ("import missing.jsonl --yes", 2, "missing.jsonl cannot be read"),
        ("import crossfeed.toml --yes", 2, "crossfeed.toml:1: this is no file that `crossfeed positions export` wrote"),
        ("import later.jsonl --yes", 2, "later.jsonl:1: format 2; this version knows format 1"),
        ("import broken.jsonl --yes", 2, "broken.jsonl:2: "),
        ("import unknown.jsonl --yes", 2, &*known),
        ("import foreign.jsonl --yes", 2, "belong to org 00Dxx0000001gPLEAY, but this is 00Dyy0000001gPLEAY"),
        ("import foreign.jsonl --dry-run", 2, "or take them all the same with --force"),
        ("import unbound.jsonl --yes", 2, "unbound.jsonl:1: nothing says to which org"),
    ] {
        let arguments: Vec<&str> = std::iter::once("positions").chain(arguments.split(' ')).collect();
        let said = refused(folder, &arguments, code).await;
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert_eq!(listed(folder).await, saved);
    let forced = done(folder, &["positions", "import", "foreign.jsonl", "--force", "--yes"]).await;
    assert!(forced.contains("stays as it is") && forced.contains("nothing to change"), "{forced}");
}

#[tokio::test]
async fn f23_neither_feeds_nor_configurations_share_a_position() {
    let Some(scene) = Scene::set("f23").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 5)).await.unwrap();
    // Two feeds of one file read one channel, each from where it stands itself.
    let twin = scene.changes(&[CHANGES], "latest").replace("feed.changes", "feed.changes-2");
    let feeds = scene.changes(&[CHANGES], "earliest") + &twin;
    let mut bridge = scene.bridge(&feeds).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    until_state(&mut bridge, "changes-2", "running").await;
    let newest = scene.org.newest(CHANGES).await.unwrap().unwrap().to_string();
    let both = async || Ok((listed(scene.path()).await.len() == 2).then_some(()));
    harness::until("the second has begun", LIMIT, both).await.unwrap();
    let positions: Vec<Value> = listed(scene.path()).await.into_iter().map(|(_, position)| position).collect();
    assert_eq!(positions[0]["at"]["id"], Value::from(newest), "{positions:?}");
    assert!(positions[1]["begun"]["date"].is_string(), "{positions:?}");
    // Another file with the same folder: its process is refused.
    std::fs::write(scene.path().join("other.toml"), scene.config(&feeds)).unwrap();
    let said = refused(scene.path(), &["-c", "other.toml", "run"], 1).await;
    assert!(said.contains(&format!("is in use by pid {}", bridge.pid())), "{said}");
    bridge.stop().await.unwrap();
    // The name of a feed that had positions is taken for another org: it does not run with them.
    let options = simulator::Options { org_id: "00Dyy0000001gPLEAY".to_owned(), ..simulator::Options::default() };
    let other = harness::Org::within(options).await.unwrap();
    let config = scene.config(&feeds).replace(scene.org.url(), other.url());
    let mut bridge = Bridge::start(scene.path(), &config).await.unwrap();
    let feed = until_state(&mut bridge, "changes", "stopped").await;
    let text = feed.problem.unwrap().text;
    assert!(text.contains("belong to org 00Dxx0000001gPLEAY, but this is 00Dyy0000001gPLEAY"), "{text}");
    bridge.stop().await.unwrap();
    // What a person does then.
    done(scene.path(), &["positions", "reset", "changes", "--all", "--yes"]).await;
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
    until_state(&mut bridge, "changes-2", "stopped").await;
}
