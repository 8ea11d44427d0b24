//! TLS, and clients that have to show a certificate.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use simulator::{Options, Simulator, Tls, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::client::{ACCOUNTS, Org, org, quick};

/// A CA, and files of certificates that it issued.
struct Files {
    ca: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let files = Self { ca, dir: TempDir::new().unwrap() };
        files.write("ca.pem", &files.ca.pem());
        let (certificate, key) = files.issue("127.0.0.1");
        files.write("server.pem", &certificate);
        files.write("server.key", &key);
        files
    }

    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.ca).unwrap().pem(), key.serialize_pem())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tls(&self, client_ca: Option<&Path>) -> Tls {
        Tls::read(&self.path("server.pem"), &self.path("server.key"), client_ca).unwrap()
    }

    /// A client that trusts the CA, and shows a certificate where there is one.
    fn client(&self, identity: Option<(String, String)>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.ca.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(20));
        let client = client.tls_certs_only([root]);
        let client = match identity {
            Some((certificate, key)) => {
                client.identity(reqwest::Identity::from_pem((certificate + &key).as_bytes()).unwrap())
            }
            None => client,
        };
        client.build().unwrap()
    }
}

async fn org_with(tls: Tls) -> Org {
    let plain = org(Options { tls: Some(tls), ..quick() }).await;
    Org { base: plain.base.replace("http://", "https://"), ..plain }
}

#[tokio::test]
async fn a_client_that_trusts_the_ca_gets_through_and_another_does_not() {
    let files = Files::new();
    let mut org = org_with(files.tls(None)).await;
    let stranger = org.http.get(&org.base).send().await.unwrap_err();
    assert!(stranger.is_connect(), "{stranger:?}");
    org.http = files.client(None);
    let form =
        [("grant_type", "client_credentials"), ("client_id", "crossfeed-demo"), ("client_secret", "simulator-secret")];
    let reply = org.send(org.http.post(format!("{}/services/oauth2/token", org.base)).form(&form)).await.json();
    assert_eq!(reply["instance_url"], org.base.as_str());
    assert!(reply["id"].as_str().unwrap().starts_with("https://"));
    org.publish(ACCOUNTS, 2).await;
    assert_eq!(org.client().await.subscribe(ACCOUNTS, -2).await.ids().len(), 2);
    let plain = org.http.get(org.base.replace("https://", "http://")).send().await;
    assert!(plain.is_err(), "{plain:?}");
}

#[tokio::test]
async fn a_client_must_show_a_certificate_of_the_client_ca() {
    let (files, strangers) = (Files::new(), Files::new());
    let org = org_with(files.tls(Some(&files.path("ca.pem")))).await;
    for (identity, is_let_in) in
        [(None, false), (Some(strangers.issue("bridge")), false), (Some(files.issue("bridge")), true)]
    {
        let answer = files.client(identity).get(&org.base).send().await;
        assert_eq!(answer.is_ok(), is_let_in, "{answer:?}");
    }
}

#[tokio::test]
async fn a_shutdown_answers_what_is_held() {
    let files = Files::new();
    let mut org = org_with(files.tls(None)).await;
    org.http = files.client(None);
    let client = org.client().await;
    let held = client.held().await;
    let (stop, served) = (org.stop.take().unwrap(), &mut org.served);
    stop.send(()).unwrap();
    assert_eq!(held.await.unwrap().status, 503);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_does_not_shake_hands_holds_up_nobody() {
    let files = Files::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let simulator = Simulator::new(Options { tls: Some(files.tls(None)), ..quick() });
    let served = tokio::spawn(serve(listener, simulator, std::future::pending::<()>()));
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();
    let reply = files.client(None).get(format!("https://{address}/")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    served.abort();
}

#[test]
fn files_that_are_no_good_are_named() {
    let files = Files::new();
    files.write("empty.pem", "nothing here\n");
    files.write("other.key", &files.issue("127.0.0.1").1);
    for (certificate, key, client_ca, wanted) in [
        ("none.pem", "server.key", None, "cannot read the certificate from"),
        ("empty.pem", "server.key", None, "no certificate in"),
        ("server.pem", "none.key", None, "cannot read the private key from"),
        ("server.pem", "server.pem", None, "cannot read the private key from"),
        ("server.pem", "other.key", None, "certificate and key do not go together"),
        ("server.pem", "server.key", Some("empty.pem"), "no certificate in"),
    ] {
        let client_ca = client_ca.map(|name| files.path(name));
        let why = Tls::read(&files.path(certificate), &files.path(key), client_ca.as_deref()).unwrap_err();
        assert!(why.to_string().starts_with(wanted), "{certificate} {key}: {why}");
    }
    assert_eq!(format!("{:?}", files.tls(None)), "Tls { .. }", "the key is not shown");
}

#[test]
fn the_program_serves_https_or_says_why_not() {
    let files = Files::new();
    let run = |certificate: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_crossfeed-simulator"));
        program.args(["--listen", "127.0.0.1:0", "--tls-cert"]).arg(files.path(certificate));
        program.arg("--tls-key").arg(files.path("server.key")).stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    };
    let ended = run("none.pem").output().unwrap();
    assert!(!ended.status.success() && ended.stdout.is_empty());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("cannot read the certificate from"));
    let mut program = run("server.pem").spawn().unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(program.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert!(line.starts_with("listening on https://127.0.0.1:"), "{line}");
    assert!(Command::new("kill").arg(program.id().to_string()).status().unwrap().success());
    assert!(program.wait().unwrap().success());
}
