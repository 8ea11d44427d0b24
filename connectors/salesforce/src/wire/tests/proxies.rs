//! Through a proxy, or around it.

use tokio::{net::TcpListener, process::Command};

use super::{forward::Forward, *};
use crate::stub::Log;

const USER: &str = "döm\\user@corp";
const PASSWORD: &str = "p%41ss:w@rd/?#ö \"^|";
/// Base64 of the two in UTF-8, with a colon between (RFC 7617).
const BASIC: &str = "Basic ZMO2bVx1c2VyQGNvcnA6cCU0MXNzOndAcmQvPyPDtiAiXnw=";

async fn proxy() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (listener, url)
}

fn through(url: Url, credentials: Option<(&str, &str)>) -> Proxy {
    let credentials = credentials.map(|(user, password)| (user.to_owned(), secret(password)));
    Proxy { url, credentials, no_proxy: None }
}

#[tokio::test]
async fn https_goes_through_a_tunnel_with_user_and_password() {
    let ours = Authority::new("ours");
    let stub = salesforce(ours.localhost().host()).await;
    let (listener, url) = proxy().await;
    let forward = Forward::serve(listener, Some(BASIC));
    let wire = Wire { proxy: Some(through(url, Some((USER, PASSWORD)))), ..trusting(&ours) };
    log_in(&stub.url, wire).await.unwrap();
    let port = stub.url.port().unwrap();
    assert_eq!(forward.lines(), [format!("CONNECT localhost:{port} HTTP/1.1")]);
    assert_eq!(stub.asked(TOKEN)[0].header("proxy-authorization"), "");
}

#[tokio::test]
async fn http_is_passed_on_with_user_and_password() {
    let stub = Stub::start(|stub, _| stub.granted()).await;
    let (listener, url) = proxy().await;
    let forward = Forward::serve(listener, Some(BASIC));
    let wire = Wire { proxy: Some(through(url, Some((USER, PASSWORD)))), ..Wire::default() };
    log_in(&stub.url, wire).await.unwrap();
    assert_eq!(forward.lines(), [format!("POST {}services/oauth2/token HTTP/1.1", stub.url)]);
}

#[tokio::test]
async fn a_proxy_with_tls_is_trusted_as_a_host_is() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let stub = salesforce(ours.localhost().host()).await;
    let (listener, url) = Tls::bind(ours.localhost().host()).await;
    let forward = Forward::serve(listener, Some(BASIC));
    let wire = Wire { proxy: Some(through(url, Some((USER, PASSWORD)))), ..trusting(&ours) };
    log_in(&stub.url, wire).await.unwrap();
    assert_eq!(forward.lines().len(), 1);

    let (listener, url) = Tls::bind(other.localhost().host()).await;
    let forward = Forward::serve(listener, None);
    let error = log_in(&stub.url, Wire { proxy: Some(through(url, None)), ..trusting(&ours) }).await.unwrap_err();
    assert_eq!(error.to_string(), "the certificate of the proxy was issued by an authority that is not trusted");
    assert!(forward.lines().is_empty());
}

#[tokio::test]
async fn a_proxy_that_opens_tls_is_told() {
    // What such a proxy shows is a certificate of its own authority for the host.
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let stub = salesforce(theirs.localhost().host()).await;
    let (listener, url) = proxy().await;
    let _forward = Forward::serve(listener, None);
    let error = log_in(&stub.url, Wire { proxy: Some(through(url, None)), ..trusting(&ours) }).await.unwrap_err();
    assert_eq!(error.to_string(), "the certificate of localhost was issued by an authority that is not trusted");
    assert!(error.remedy().unwrap().contains("a proxy opens TLS on the way"));
}

#[tokio::test]
async fn hosts_that_need_no_proxy_are_reached_without_it() {
    let ours = Authority::new("ours");
    let stub = salesforce(ours.localhost().host()).await;
    let (listener, url) = proxy().await;
    let forward = Forward::serve(listener, None);
    let check = async |no_proxy: &str, passed: usize| {
        let proxy = Proxy { no_proxy: Some(no_proxy.to_owned()), ..through(url.clone(), None) };
        log_in(&stub.url, Wire { proxy: Some(proxy), ..trusting(&ours) }).await.unwrap();
        assert_eq!(forward.lines().len(), passed, "{no_proxy}");
    };
    check("example.com, localhost", 0).await;
    check("*", 0).await;
    check("example.com,host", 1).await;
    check("", 2).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_proxy_is_told() {
    let ours = Authority::new("ours");
    let https = salesforce(ours.localhost().host()).await;
    let http = Stub::start(|stub, _| stub.granted()).await;
    let gone = Url::parse(&format!("https://localhost:{}", closed_port().await)).unwrap();
    let (listener, asks) = proxy().await;
    let _asks = Forward::serve(listener, Some(BASIC));
    let (listener, open) = proxy().await;
    let _open = Forward::serve(listener, None);
    let closed = Url::parse(&format!("http://127.0.0.1:{}", closed_port().await)).unwrap();

    let check = async |host: &Url, proxy: &Url, expected: ProxyProblem, words: &str, remedy: &str| {
        let wire = Wire { proxy: Some(through(proxy.clone(), Some((USER, "wrong")))), ..trusting(&ours) };
        let error = log_in(host, wire).await.unwrap_err();
        assert!(matches!(error, Error::Proxy { problem, .. } if problem == expected), "{error:?}");
        assert_eq!(error.to_string(), words);
        assert!(error.remedy().unwrap().contains(remedy), "{:?}", error.remedy());
        assert_eq!((error.disposition(), error.uncertain()), (Disposition::Transient, false));
    };
    let asked = "the proxy asks for a user and a password that it knows";
    check(&https.url, &asks, ProxyProblem::Credentials, asked, "check the user and the password").await;
    check(&http.url, &asks, ProxyProblem::Credentials, asked, "check the user and the password").await;
    check(&https.url, &closed, ProxyProblem::Unreachable, "cannot connect to the proxy", "the address of the proxy")
        .await;
    check(&gone, &open, ProxyProblem::NoTunnel, "the proxy does not connect to localhost", "the host name").await;
    let error = log_in(&gone, trusting(&ours)).await.unwrap_err();
    assert!(matches!(error, Error::Transport { sent: false, .. }), "{error:?}");
}

#[tokio::test]
async fn neither_the_password_of_a_proxy_nor_a_key_is_ever_printed() {
    let (log, _guard) = Log::capture();
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let client = ours.issue("client", 2020, 4000);
    let asks = salesforce(ours.localhost().host_for(&ours, &rustls::version::TLS13)).await;
    let strict = salesforce(ours.localhost().host_for(&other, &rustls::version::TLS13)).await;
    let http = Stub::start(|stub, _| stub.granted()).await;
    let (listener, good) = proxy().await;
    let forward = Forward::serve(listener, Some(BASIC));
    let (listener, bad) = proxy().await;
    let _bad = Forward::serve(listener, Some("Basic other"));
    let closed = Url::parse(&format!("http://127.0.0.1:{}", closed_port().await)).unwrap();
    for host in [&asks.url, &strict.url, &http.url] {
        for url in [&good, &bad, &closed] {
            let proxy = Some(through(url.clone(), Some((USER, PASSWORD))));
            let identity = Some(secret(&format!("{}{}", client.certificate(), client.key())));
            let wire = Wire { proxy, identity, ..trusting(&ours) };
            tracing::info!("{:?} {:?}", wire.client().unwrap(), wire.client().unwrap().build().unwrap());
            if let Err(error) = log_in(host, wire).await {
                tracing::info!("{error} {error:?} {error:#?} {:?}", error.remedy());
            }
        }
    }
    let log = log.text();
    assert_eq!((forward.lines().len(), asks.asked(TOKEN).len()), (3, 1));
    assert!(log.contains("intercepts") && log.contains("ClientCertificateRefused"), "nothing was captured:\n{log}");
    let user = USER.escape_debug().to_string();
    let key = client.key();
    let key = key.lines().filter(|line| !line.contains('-'));
    let encoded = BASIC.trim_start_matches("Basic ");
    for secret in key.chain([USER, &user, PASSWORD, "p%41ss", "p%2541ss", "pAss", encoded]) {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} in: {line:?}");
    }
}

#[tokio::test]
async fn without_a_proxy_the_variables_of_the_process_hold() {
    let ours = Authority::new("ours");
    let stub = salesforce(ours.localhost().host()).await;
    let (listener, url) = proxy().await;
    let forward = Forward::serve(listener, None);
    let check = async |no_proxy: &str, proxy: &str, passed: usize| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "wire::tests::proxies::a_login_of_a_process_with_variables"]);
        child.env("HTTPS_PROXY", url.as_str()).env("NO_PROXY", no_proxy).kill_on_drop(true);
        child.envs([(HOST, stub.url.as_str()), (PROXY, proxy)]).env(AUTHORITY, String::from_utf8(ours.pem()).unwrap());
        let output = tokio::time::timeout(Duration::from_secs(30), child.output()).await.expect("no end").unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        assert_eq!(forward.lines().len(), passed);
    };
    check("", "", 1).await;
    check("localhost", "", 1).await;
    // A proxy that is given takes the place of all of them.
    let (listener, given) = proxy().await;
    let forward = Forward::serve(listener, None);
    check("localhost", given.as_str(), 1).await;
    assert_eq!((forward.lines().len(), stub.asked(TOKEN).len()), (1, 3));
}

/// What the process does that the test above starts; in any other there is nothing to do.
#[tokio::test]
async fn a_login_of_a_process_with_variables() {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(host), Some(authority)) = (variable(HOST), variable(AUTHORITY)) else { return };
    let proxy = variable(PROXY).and_then(|url| Url::parse(&url).ok()).map(|url| through(url, None));
    let wire = Wire { authorities: Some(authority.into_bytes()), proxy, ..Wire::default() };
    log_in(&Url::parse(&host).unwrap(), wire).await.unwrap();
}

const HOST: &str = "TEST_HOST";
const PROXY: &str = "TEST_PROXY";
const AUTHORITY: &str = "TEST_AUTHORITY";

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
