//! What people get wrong.

use crate::scene::{CHANGES, Scene, until_state};
use harness::Publish;
use std::process::{Command, Output, Stdio};

fn crossfeed(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_crossfeed")).args(arguments).current_dir(folder.path()).output().unwrap()
}

#[test]
fn everything_wrong_with_a_file_is_told_together_before_anything_connects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crossfeed.toml");
    let text = r#"
[org.acme.login.client_credentials]
url = "acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "CROSSFEED_TEST_NOT_SET" }
[kafka.main]
broker = "localhost:9092"
[feed.a]
delivery = "at_least_once"
[feed.a.from.salesforce]
org = "acmee"
channels = ["nonsense"]
[feed.a.to.kafka]
cluster = "main"
topic = "{nothing}"
"#;
    std::fs::write(&path, text).unwrap();
    for command in ["check", "run"] {
        let output = crossfeed(&[command, "-c", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let said = String::from_utf8(output.stderr).unwrap();
        let said: Vec<&str> = said.lines().filter(|line| line.contains("crossfeed.toml:")).collect();
        let places: Vec<&str> =
            said.iter().map(|line| line.split("crossfeed.toml:").nth(1).unwrap().split(": ").next().unwrap()).collect();
        assert_eq!(places, ["3:8", "5:17", "6:1", "7:1", "11:8", "12:14", "15:10"], "{said:#?}");
    }
    assert!(!folder.path().join("crossfeed-positions").exists());
}

/// What only librdkafka or the login can judge is judged before anything connects, too.
#[test]
fn settings_that_cannot_work_are_told_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crossfeed.toml");
    let text = r#"
[org.acme.login.client_credentials]
url = "https://login.salesforce.com"
client_id = "id"
client_secret = { env = "PATH" }
[kafka.main]
brokers = "localhost:9092"
librdkafka = { "no.such.setting" = 1 }
[feed.a.from.kafka]
cluster = "main"
topics = ["t"]
[feed.a.to.platform_event]
org = "acme"
event = "X__e"
"#;
    std::fs::write(&path, text).unwrap();
    let output = crossfeed(&["check", "-c", path.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("My Domain") && said.contains("no.such.setting"), "{said}");
}

#[test]
fn a_missing_file_and_no_file_at_all_are_told() {
    let output = crossfeed(&["check", "-c", "/no/such/file.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("/no/such/file.toml: cannot be read: No such file"),
        "{said}"
    );
    let output = crossfeed(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("name a file with -c FILE"), "{said}");
}

#[test]
fn the_command_line_says_what_there_is() {
    let version = crossfeed(&["--version"]);
    assert_eq!(String::from_utf8_lossy(&version.stdout), concat!("crossfeed ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = String::from_utf8(crossfeed(&["--help"]).stdout).unwrap();
    for word in ["run", "check", "positions", "--config"] {
        assert!(help.contains(word), "{help}");
    }
}

/// Two feeds share the org, and a third wish to log in is made by neither: a locked user is our fault.
#[tokio::test]
async fn f28_a_wrong_secret_is_tried_once_and_says_what_to_check() {
    let Some(scene) = Scene::set("wrong_secret").await else { return };
    let second = scene.changes(&["/event/Low_Ink__e"], "latest").replace("feed.changes", "feed.second");
    let config = scene.config(&(scene.changes(&[CHANGES], "latest") + &second));
    std::fs::write(scene.path().join("client_secret"), "not the secret").unwrap();
    let mut bridge = harness::Bridge::start(scene.path(), &config).await.unwrap();
    for feed in ["changes", "second"] {
        let problem = until_state(&mut bridge, feed, "stopped").await.problem.unwrap();
        assert_eq!(problem.reason, "login");
        assert!(problem.text.contains("invalid_client"), "Salesforce's own word: {}", problem.text);
        assert!(problem.remedy.is_some_and(|remedy| remedy.contains("secret")), "what to check");
    }
    assert_eq!(scene.org.stats().await.unwrap().calls["token"], 1);
    assert!(!bridge.log_text().unwrap().contains("not the secret"));
}

#[tokio::test]
async fn one_feed_failing_never_stops_another() {
    let Some(scene) = Scene::set("failing").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    let unknown = scene.changes(&["/event/Nope__e"], "latest").replace("feed.changes", "feed.unknown_channel");
    let missing = scene
        .changes(&["/event/Low_Ink__e"], "latest")
        .replace("feed.changes", "feed.missing_topic")
        .replace("create =", "# create =");
    let mut bridge = scene.bridge(&(scene.changes(&[CHANGES], "earliest") + &unknown + &missing)).await;
    scene.caught_up(&mut bridge, CHANGES).await;
    let problem = until_state(&mut bridge, "unknown_channel", "waiting").await.problem.unwrap();
    assert_eq!(problem.reason, "channel");
    assert!(problem.text.contains("/event/Nope__e") && problem.text.contains("does not exist"), "{}", problem.text);
    let problem = until_state(&mut bridge, "missing_topic", "stopped").await.problem.unwrap();
    assert_eq!(problem.reason, "topic");
    assert!(problem.text.contains("failing.event.Low_Ink__e"), "{}", problem.text);
    assert!(problem.remedy.unwrap().contains("create ="));
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
}

/// At the most talkative level, in a run that logs in, subscribes, delivers, publishes and renews its token.
#[tokio::test]
async fn f56_no_secret_is_ever_logged() {
    let Some(scene) = Scene::set("secrets").await else { return };
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    let config = scene.config(&scene.changes(&[CHANGES], "earliest"));
    let (path, log) = (scene.path().join("crossfeed.toml"), scene.path().join("trace.log"));
    std::fs::write(&path, config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_crossfeed"))
        .args(["run", "-c", path.to_str().unwrap()])
        .env("RUST_LOG", "trace")
        .stderr(std::fs::File::create(&log).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&log).unwrap();
    let logged_in = async |times: usize| {
        let limit = crate::scene::LIMIT;
        let enough = async || Ok((read().matches("\"logged in\"").count() >= times).then_some(()));
        harness::until("it logs in", limit, enough).await.unwrap();
    };
    logged_in(1).await;
    scene.org.revoke_tokens().await.unwrap();
    logged_in(2).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let log = read();
    let secret = simulator::Options::default().client_secret;
    // An access token begins with the org's 15-character id and an exclamation mark.
    for secret in [&*secret, "00Dxx0000001gPL!", "BAYEUX_BROWSER="] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} in {line:?}");
    }
    assert!(log.contains("\"TRACE\""), "it was talkative");
}
