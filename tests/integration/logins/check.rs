//! `crossfeed check` against what is there.

use super::{crossfeed, said};
use crate::scene::{CHANGES, ORDERS, Scene};
use serde_json::Value;

fn sections(output: &std::process::Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// The findings of this grade, all sections together, with their remedies.
fn graded(sections: &[Value], grade: &str) -> Vec<String> {
    let findings = sections.iter().flat_map(|section| section["findings"].as_array().unwrap());
    let of_grade = findings.filter(|finding| finding["grade"] == grade);
    of_grade.map(|it| format!("{} -> {}", it["text"].as_str().unwrap(), it["remedy"].as_str().unwrap_or("-"))).collect()
}

#[track_caller]
fn one_has(findings: &[String], parts: &[&str]) {
    let found = findings.iter().any(|finding| parts.iter().all(|part| finding.contains(part)));
    assert!(found, "nothing says {parts:?} in: {findings:#?}");
}

#[tokio::test]
async fn a_check_of_what_is_in_order_tells_what_there_is_in_eight_calls() {
    let Some(scene) = Scene::set("check_good").await else { return };
    let feeds = scene.changes(&[CHANGES, ORDERS, "/topic/InvoiceStatements", "/u/notifications"], "latest");
    let config = scene.config(&feeds);
    for channel in ["/topic/InvoiceStatements", "/u/notifications"] {
        scene.org.add_channel(channel, None).await.unwrap();
    }
    std::fs::write(scene.path().join("crossfeed.toml"), config).unwrap();
    let output = crossfeed(scene.path(), &["check", "--json"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let sections = sections(&output);
    let good = graded(&sections, "good");
    one_has(&good, &["client_credentials", "integration@simulator.example"]);
    one_has(&good, &["00Dxx0000001gPLEAY", "developer (Developer Edition)"]);
    one_has(&good, &["session lives 2h"]);
    one_has(&good, &["API calls of the day", "of 15000 used"]);
    one_has(&good, &["API version 64.0"]);
    for channel in [CHANGES, ORDERS, "/topic/InvoiceStatements", "/u/notifications"] {
        one_has(&good, &[channel, "can be read"]);
    }
    one_has(&good, &["cluster id"]);
    one_has(&good, &["check_good.data.AccountChangeEvent", "will be created"]);
    // All subscriptions go in one request; the counter counts its messages.
    let requests = async || {
        let calls = scene.org.stats().await.unwrap().calls;
        let all = calls.iter().filter(|(name, _)| !matches!(name.as_str(), "api" | "subscribe"));
        all.map(|(_, count)| count).sum::<u64>() + calls["subscribe"] / 4
    };
    assert_eq!(requests().await, 8, "{:?}", scene.org.stats().await.unwrap().calls);

    let token = super::file(scene.path(), "token", &super::a_token(&scene.org).await);
    let given = scene.config(&feeds).replace("login.client_credentials", "login.access_token");
    let given = given.lines().filter(|line| !line.starts_with("client_id")).map(|line| match line {
        line if line.starts_with("client_secret") => format!("token = {token}\n"),
        line => format!("{line}\n"),
    });
    std::fs::write(scene.path().join("crossfeed.toml"), given.collect::<String>()).unwrap();
    let before = requests().await;
    let output = crossfeed(scene.path(), &["check"]).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(requests().await - before, 8);
}

#[tokio::test]
async fn f58_a_check_tells_everything_that_will_not_work_at_once() {
    let Some(scene) = Scene::set("check_bad").await else { return };
    let misspelt = scene.changes(&[CHANGES, "/event/Nope__e"], "latest").replace("create =", "# create =");
    let shipments = scene.shipments().replace("Shipment__e", "Shipmnt__e");
    let other = scene.changes(&["/event/Low_Ink__e"], "latest").replace("feed.changes", "feed.other");
    let other = other.replace("org = \"acme\"", "org = \"wrong\"").replace("cluster = \"main\"", "cluster = \"down\"");
    let config = scene.config(&(misspelt + &shipments + &other))
        + &format!(
            "[org.wrong.login.client_credentials]\nurl = \"{}\"\nclient_id = \"crossfeed-demo\"\n\
             client_secret = {{ env = \"PATH\" }}\n[kafka.down]\nbrokers = \"127.0.0.1:1\"\n",
            scene.org.url()
        );
    std::fs::write(scene.path().join("crossfeed.toml"), config).unwrap();
    let output = crossfeed(scene.path(), &["check", "--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let sections = sections(&output);
    let bad = graded(&sections, "bad");
    one_has(&bad, &["/event/Nope__e", "refused", "does not exist", "spelling"]);
    one_has(&bad, &["no event Shipmnt__e", "case counts"]);
    one_has(&bad, &["invalid_client", "client secret"]);
    one_has(&bad, &["check_bad.data.AccountChangeEvent", "is not there", "create ="]);
    one_has(&bad, &["check_bad.shipments", "is not there", "correct its name"]);
    one_has(&bad, &["127.0.0.1:1", "brokers"]);
    assert!(bad.iter().all(|finding| !finding.ends_with("-> -")), "each has a remedy: {bad:#?}");
    one_has(&graded(&sections, "good"), &[CHANGES, "can be read"]);
}

#[tokio::test]
async fn a_check_finds_positions_of_another_org() {
    let Some(scene) = Scene::set("check_foreign").await else { return };
    let feeds = scene.changes(&[CHANGES], "earliest");
    scene.org.publish(&harness::Publish::new(CHANGES, 1)).await.unwrap();
    let mut bridge = scene.bridge(&feeds).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    bridge.stop().await.unwrap();
    let options = simulator::Options { org_id: "00Dyy0000001gPLEAY".to_owned(), ..simulator::Options::default() };
    let other = harness::Org::within(options).await.unwrap();
    let config = scene.config(&feeds).replace(scene.org.url(), other.url());
    std::fs::write(scene.path().join("crossfeed.toml"), config).unwrap();
    let output = crossfeed(scene.path(), &["check"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("belong to org 00Dxx0000001gPLEAY, but this is 00Dyy0000001gPLEAY"),
        "{}",
        said(&output)
    );
}
