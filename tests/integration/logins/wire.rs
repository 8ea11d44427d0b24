//! An org behind a proxy, with a certificate of a private authority.

use crate::scene::{CHANGES, Scene, until_state};
use harness::Publish;
use simulator::{Options, Tls};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that leads anywhere who gives this user and password (RFC 9110, 9.3.6 and 11.7), and counts whom it led.
async fn proxy(authorization: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let led = Arc::new(AtomicUsize::new(0));
    let count = led.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move { lead(stream, authorization, &count).await });
        }
    });
    (address, led)
}

async fn lead(mut client: TcpStream, authorization: &str, count: &AtomicUsize) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let Some(target) = target.filter(|_| head.to_lowercase().contains(&authorization.to_lowercase())) else {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"p\"\r\ncontent-length: 0\r\n\r\n";
        return client.write_all(refusal.as_bytes()).await;
    };
    let mut host = TcpStream::connect(target).await?;
    count.fetch_add(1, Ordering::Relaxed);
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut host).await.map(drop)
}

#[tokio::test]
async fn events_come_through_a_proxy_from_a_host_of_a_private_authority_and_failures_say_why() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let host_key = rcgen::KeyPair::generate().unwrap();
    let host =
        rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&host_key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let authorities = write("authorities.pem", &authority_pem);
    let tls = Tls::read(&write("host.pem", &host.pem()), &write("host.key", &host_key.serialize_pem()), None).unwrap();
    let Some(scene) = Scene::set_with("wire", Options { tls: Some(tls), ..Options::default() }).await else { return };
    // user:p@ss, as RFC 7617 writes it.
    let (proxy, led) = proxy("proxy-authorization: basic dXNlcjpwQHNz").await;
    let password = super::file(folder.path(), "proxy_password", "p@ss");
    let feeds = scene.changes(&[CHANGES], "earliest");
    let network = |more: &str| format!("[org.acme.network]\nproxy = \"{proxy}\"\nproxy_user = \"user\"\n{more}");
    let trusting = format!("authorities = \"{}\"\nproxy_password = {password}\n", authorities.display());

    let strange = scene.config(&feeds) + &network(&format!("proxy_password = {password}\n"));
    let mut bridge = harness::Bridge::start(scene.path(), &strange).await.unwrap();
    let problem = until_state(&mut bridge, "changes", "waiting").await.problem.unwrap();
    assert!(problem.text.contains("was issued by an authority that is not trusted"), "{}", problem.text);
    assert!(problem.remedy.unwrap().contains("network.authorities"));
    bridge.stop().await.unwrap();

    let wrong = super::file(folder.path(), "wrong", "not the password");
    let refused = network(&trusting).replace(&password, &wrong);
    let mut bridge = harness::Bridge::start(scene.path(), &(scene.config(&feeds) + &refused)).await.unwrap();
    let problem = until_state(&mut bridge, "changes", "waiting").await.problem.unwrap();
    assert!(problem.text.contains("the proxy asks for a user and a password"), "{}", problem.text);
    bridge.stop().await.unwrap();

    let before = led.load(Ordering::Relaxed);
    scene.org.publish(&Publish::new(CHANGES, 10)).await.unwrap();
    let mut bridge = harness::Bridge::start(scene.path(), &(scene.config(&feeds) + &network(&trusting))).await.unwrap();
    scene.caught_up(&mut bridge, CHANGES).await;
    assert!(led.load(Ordering::Relaxed) >= before + 2, "the login and the session both went through the proxy");
    bridge.stop().await.unwrap();
    assert!(!bridge.log_text().unwrap().contains("p@ss"));
}
