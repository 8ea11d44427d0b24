//! Every way into an org, by the program itself.

mod assertion;
mod browser;
mod check;
mod refused;
mod wire;

use crate::scene::{LIMIT, Scene};
use harness::{Org, Publish};
use simulator::Options;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A key and its certificate, PEM: what an app's administrator uploads.
pub(super) struct Key {
    pub(super) private: String,
    pub(super) certificate: String,
}

impl Key {
    pub(super) fn new() -> Self {
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap();
        Self { private: pair.serialize_pem(), certificate: certificate.pem() }
    }
}

/// Runs the program to its end, while the org of this process answers it.
pub(super) async fn crossfeed(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_crossfeed"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(LIMIT, command.output()).await.unwrap().unwrap()
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A file in the folder, as the configuration names it.
pub(super) fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    format!("{{ file = \"{}\" }}", path.display())
}

/// A token of the org's, got without the bridge.
pub(super) async fn a_token(org: &Org) -> String {
    let options = Options::default();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &options.client_id),
        ("client_secret", &options.client_secret),
    ];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = client.post(format!("{}/services/oauth2/token", org.url())).form(&form).send().await.unwrap();
    let reply: serde_json::Value = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
    reply["access_token"].as_str().unwrap().to_owned()
}

/// One org of the file for each way, and a feed from each: an event comes by all of them.
#[tokio::test]
async fn an_event_comes_by_every_way_to_log_in() {
    let key = Key::new();
    let certificate = simulator::Certificate::from_pem(&key.certificate).unwrap();
    let redirect = browser::free_address().await;
    let options =
        Options { certificate: Some(certificate), redirect_uris: vec![redirect.clone()], ..Options::default() };
    let Some(scene) = Scene::set_with("every_login", options).await else { return };
    let (folder, url) = (scene.path(), scene.org.url());
    let secret = file(folder, "secret", &Options::default().client_secret);
    let password = file(folder, "password", &Options::default().password);
    let security_token = file(folder, "security_token", &Options::default().security_token);
    let key_file = file(folder, "key", &key.private);
    let token =
        serde_json::json!({"status": 0, "result": {"accessToken": a_token(&scene.org).await, "instanceUrl": url}});
    std::fs::write(folder.join("token.json"), token.to_string()).unwrap();
    let user = format!("client_id = \"crossfeed-demo\"\nusername = \"{}\"", Options::default().user_name);
    let with_password = format!("password = {password}\nsecurity_token = {security_token}");
    let mut ways = vec![
        ("client_credentials", format!("client_id = \"crossfeed-demo\"\nclient_secret = {secret}")),
        ("jwt", format!("{user}\nkey = {key_file}")),
        (
            "authorization_code",
            format!("client_id = \"crossfeed-demo\"\nclient_secret = {secret}\nredirect_uri = \"{redirect}\""),
        ),
        ("password", format!("username = \"{}\"\n{with_password}", Options::default().user_name)),
        ("username_password", format!("{user}\nclient_secret = {secret}\n{with_password}")),
        ("access_token", format!("token = {{ command = [\"cat\", \"{}/token.json\"] }}", folder.display())),
    ];
    if let Some(signed) = assertion::signed(&key, url) {
        ways.push(("saml", format!("assertion = {}", file(folder, "assertion.xml", &signed))));
    }
    let mut config = format!("positions = \"{}/positions\"\nadmin = \"127.0.0.1:0\"\n", folder.display());
    config += &format!("[kafka.main]\nbrokers = \"{}\"\n", scene.cluster.brokers);
    for (way, fields) in &ways {
        config += &format!("[org.{way}.login.{way}]\nurl = \"{url}\"\n{fields}\n");
        config += &format!(
            "[feed.{way}]\ndelivery = \"at_least_once\"\n[feed.{way}.from.salesforce]\norg = \"{way}\"\n\
             channels = [\"/event/Low_Ink__e\"]\nstart = \"earliest\"\n\
             [feed.{way}.to.kafka]\ncluster = \"main\"\ntopic = \"every_login.{way}\"\ncreate = {{ replication = 1 }}\n"
        );
    }
    std::fs::write(folder.join("crossfeed.toml"), &config).unwrap();
    browser::consent(folder, "authorization_code").await;

    scene.org.publish(&Publish::new("/event/Low_Ink__e", 3)).await.unwrap();
    let newest = scene.org.newest("/event/Low_Ink__e").await.unwrap().unwrap().to_string();
    let trace = [("RUST_LOG", "trace")];
    let mut bridge = harness::Bridge::start_in(folder, &config, &trace).await.unwrap();
    for (way, _) in &ways {
        let durable = |it: &harness::Status| it.is_at(way, "/event/Low_Ink__e", &newest);
        bridge.wait_for(&format!("events come by {way}"), LIMIT, durable).await.unwrap();
    }
    let metrics = bridge.metrics().await.unwrap();
    for (way, _) in &ways {
        let granted = format!("crossfeed_org_logins_total{{org=\"{way}\",outcome=\"granted\"}} 1");
        assert!(metrics.contains(&granted), "{way} logged in once:\n{metrics}");
    }
    bridge.stop().await.unwrap();
    // Ours alone is the one token that was made from our refresh token.
    assert_eq!(scene.org.stats().await.unwrap().calls["revoke"], 1);
    let log = bridge.log_text().unwrap();
    assert!(log.contains("Summer '27"), "that Salesforce retires the SOAP login is said");
    assert!(log.contains("\"TRACE\""), "the log is not at trace level");
    // A line of the key, and of what was signed; refresh tokens of the simulator's, as Salesforce's, begin so.
    let key_line = key.private.lines().nth(1).unwrap();
    for secret in ["simulator-secret", "simulator-password", "simulator-token", "00Dxx0000001gPL!", "5Aep861", key_line]
    {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
}

#[test]
fn every_example_of_the_login_guide_passes_the_check() {
    let guide = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(), std::path::PathBuf::from);
    let guide = std::fs::read_to_string(guide.join("docs/login.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    let with_login: Vec<&&str> = blocks.iter().filter(|block| block.contains("[org.acme.login.")).collect();
    assert!(with_login.len() >= 7, "one for each way: {with_login:?}");
    let folder = tempfile::tempdir().unwrap();
    let key = Key::new();
    std::fs::write(folder.path().join("crossfeed.pem"), format!("{}{}", key.certificate, key.private)).unwrap();
    for block in blocks {
        let login = if block.contains("[org.acme.login.") { "" } else { ANY_LOGIN };
        let config = format!("{block}\n{login}\n{ANY_FEED}");
        let path = folder.path().join("crossfeed.toml");
        std::fs::write(&path, &config).unwrap();
        let names = config.lines().filter_map(|line| line.strip_prefix("# env: ")).flat_map(str::split_whitespace);
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossfeed"));
        command.args(["check", "--offline"]).current_dir(folder.path()).env_clear();
        // Where a key is asked for, this is one.
        command.envs(names.map(|name| (name, &key.private)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}\n{config}", said(&output));
    }
}

const ANY_LOGIN: &str =
    "# env: ANY\n[org.acme.login.access_token]\nurl = \"https://acme.my.salesforce.com\"\ntoken = { env = \"ANY\" }\n";
const ANY_FEED: &str = "[kafka.main]\nbrokers = \"localhost:9092\"\n[feed.x.from.kafka]\ncluster = \"main\"\n\
    topics = [\"t\"]\n[feed.x.to.platform_event]\norg = \"acme\"\nevent = \"X__e\"\n";
