//! A person's consent, given by what stands in for a browser.

use super::{crossfeed, file, said};
use crate::scene::{CHANGES, LIMIT, Scene, until_state};
use harness::Org;
use serde_json::json;
use simulator::Options;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

/// An address of this machine for a browser to end at.
pub(super) async fn free_address() -> String {
    let listener = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
    format!("http://localhost:{}/OauthRedirect", listener.local_addr().unwrap().port())
}

/// Starts `crossfeed login`, and waits for the address that it shows.
async fn begun(folder: &Path, arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crossfeed"))
        .arg("login")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let address = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(address) = line.trim().strip_prefix("http") {
                return format!("http{address}");
            }
        }
        panic!("no address was shown");
    };
    let address = tokio::time::timeout(LIMIT, address).await.unwrap();
    (child, address)
}

fn browser(follow: bool) -> reqwest::Client {
    let policy = if follow { reqwest::redirect::Policy::default() } else { reqwest::redirect::Policy::none() };
    reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap()
}

async fn ended(child: Child) -> (bool, String) {
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await.unwrap().unwrap();
    (output.status.success(), said(&output))
}

/// Logs in with a browser on this machine.
pub(super) async fn consent(folder: &Path, org: &str) {
    let (child, address) = begun(folder, &[org]).await;
    let page = browser(true).get(&address).send().await.unwrap().text().await.unwrap();
    let (succeeded, said) = ended(child).await;
    assert!(succeeded && page.contains("logged in"), "{page}\n{said}");
}

/// An org that asks for consent at a free address, and its part of a file.
async fn scene(folder: &Path) -> (Org, String) {
    let redirect = free_address().await;
    let org = Org::within(Options { redirect_uris: vec![redirect.clone()], ..Options::default() }).await.unwrap();
    let secret = file(folder, "secret", &Options::default().client_secret);
    let key = file(folder, "encryption_key", "correct horse battery staple");
    let config = format!(
        "positions = \"{}/positions\"\nadmin = \"127.0.0.1:0\"\n[org.acme.login.authorization_code]\nurl = \"{}\"\n\
         client_id = \"crossfeed-demo\"\nclient_secret = {secret}\nredirect_uri = \"{redirect}\"\nencryption_key = {key}\n",
        folder.display(),
        org.url(),
    );
    (org, config)
}

const FEED: &str = "[kafka.main]\nbrokers = \"127.0.0.1:1\"\n[feed.x.from.kafka]\ncluster = \"main\"\ntopics = [\"t\"]\n\
    [feed.x.to.platform_event]\norg = \"acme\"\nevent = \"Low_Ink__e\"\n";

#[tokio::test]
async fn a_person_logs_in_with_a_browser_and_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let (org, config) = scene(folder.path()).await;
    std::fs::write(folder.path().join("crossfeed.toml"), config + FEED).unwrap();
    let token = folder.path().join("positions/logins/acme.token");

    consent(folder.path(), "acme").await;
    assert_eq!(token.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // The browser is elsewhere: what it could not open is pasted.
    let (mut child, address) = begun(folder.path(), &["acme", "--no-browser"]).await;
    let redirect = browser(false).get(&address).send().await.unwrap();
    let pasted = redirect.headers()["location"].to_str().unwrap().to_owned();
    child.stdin.take().unwrap().write_all(format!("{pasted}\n").as_bytes()).await.unwrap();
    let (succeeded, told) = ended(child).await;
    assert!(succeeded && told.contains("00Dxx0000001gPLEAY"), "{told}");

    // Somebody else's answer is none.
    let (mut child, _) = begun(folder.path(), &["acme", "--no-browser"]).await;
    child.stdin.take().unwrap().write_all(format!("{pasted}\n").as_bytes()).await.unwrap();
    let (succeeded, told) = ended(child).await;
    assert!(!succeeded && told.contains("another login"), "{told}");

    org.policy(&json!({"consent": "deny"})).await.unwrap();
    let (child, address) = begun(folder.path(), &["acme"]).await;
    let page = browser(true).get(&address).send().await.unwrap().text().await.unwrap();
    let (succeeded, told) = ended(child).await;
    assert!(!succeeded && page.contains("failed") && told.contains("denied"), "{page}\n{told}");
    assert!(token.exists(), "what was kept before is kept still");

    let output = crossfeed(folder.path(), &["logout", "acme"]).await;
    assert!(output.status.success() && !token.exists(), "{}", said(&output));
    let output = crossfeed(folder.path(), &["logout", "acme"]).await;
    assert!(output.status.success() && said(&output).contains("no refresh token"), "{}", said(&output));
}

#[tokio::test]
async fn what_cannot_be_logged_in_to_with_a_browser_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_org, config) = scene(folder.path()).await;
    let other = "[org.other.login.access_token]\nurl = \"https://a.my.salesforce.com\"\ntoken = { env = \"PATH\" }\n";
    std::fs::write(folder.path().join("crossfeed.toml"), config + other + FEED).unwrap();
    for (org, part) in [("nope", "acme, other"), ("other", "access_token")] {
        let output = crossfeed(folder.path(), &["login", org]).await;
        assert!(output.status.code() == Some(2) && said(&output).contains(part), "{}", said(&output));
    }
}

/// Salesforce gives a new refresh token with each access token, and the old one is dead at once: also while the reply
/// with the new one is on its way, and the bridge is told to stop.
#[tokio::test]
async fn a_refresh_token_that_is_just_being_replaced_survives_a_shutdown() {
    let redirect = free_address().await;
    let options = Options { redirect_uris: vec![redirect.clone()], ..Options::default() };
    let Some(scene) = Scene::set_with("rotation", options).await else { return };
    scene.org.policy(&json!({"rotation": true})).await.unwrap();
    let secret = file(scene.path(), "secret", &Options::default().client_secret);
    let config = format!(
        "positions = \"{}/positions\"\nadmin = \"127.0.0.1:0\"\n[org.acme.login.authorization_code]\nurl = \"{}\"\n\
         client_id = \"crossfeed-demo\"\nclient_secret = {secret}\nredirect_uri = \"{redirect}\"\n\
         [kafka.main]\nbrokers = \"{}\"\n",
        scene.path().display(),
        scene.org.url(),
        scene.cluster.brokers,
    ) + &scene.changes(&[CHANGES], "earliest");
    std::fs::write(scene.path().join("crossfeed.toml"), &config).unwrap();
    consent(scene.path(), "acme").await;
    let calls = async |of: &str| scene.org.stats().await.unwrap().calls[of];
    let mut bridge = harness::Bridge::start(scene.path(), &config).await.unwrap();
    for kill in [false, true, false] {
        until_state(&mut bridge, "changes", "running").await;
        let (tokens, handshakes) = (calls("token").await, calls("handshake").await);
        scene.org.policy(&json!({"token_delay_ms": if kill { 0 } else { 1500 }})).await.unwrap();
        scene.org.revoke_tokens().await.unwrap();
        let asked = async || Ok((calls("token").await > tokens).then_some(()));
        harness::until("another token is asked for", LIMIT, asked).await.unwrap();
        if kill {
            // Once the reply has come, as a session that uses it shows, also a kill loses nothing.
            let used = async || Ok((calls("handshake").await > handshakes).then_some(()));
            harness::until("the new token is used", LIMIT, used).await.unwrap();
        } else {
            bridge.stop().await.unwrap();
        }
        scene.org.policy(&json!({"token_delay_ms": 0})).await.unwrap();
        bridge.start_again().await.unwrap();
    }
    until_state(&mut bridge, "changes", "running").await;
}
