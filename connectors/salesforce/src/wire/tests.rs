#![allow(clippy::unwrap_used, clippy::panic)]

mod authority;
mod forward;
mod proxies;
mod timeouts;
mod tls;

use std::sync::Arc;

use rustls::ServerConfig;
use url::Url;

use self::{
    authority::{Authority, Issued},
    tls::Tls,
};
use super::*;
use crate::{
    ClientCredentials, Disposition, Login, Options, Org,
    stub::{SECRET, Stub, TOKEN},
};

/// Logs in at `url` over `wire`, in a time that is bounded.
async fn log_in(url: &Url, wire: Wire) -> Result<(), Error> {
    let login = ClientCredentials { url: url.clone(), client_id: secret("id"), client_secret: secret(SECRET) };
    let org = Org::new(Login::ClientCredentials(login), Options { wire, ..Options::default() })?;
    tokio::time::timeout(Duration::from_secs(20), org.token()).await.expect("no end").map(drop)
}

async fn salesforce(tls: Arc<ServerConfig>) -> Stub {
    let (listener, url) = Tls::bind(tls).await;
    Stub::serve(listener, url, |stub, _| stub.granted())
}

fn trusting(authority: &Authority) -> Wire {
    Wire { authorities: Some(authority.pem()), ..Wire::default() }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

#[tokio::test]
async fn a_certificate_of_an_authority_of_ones_own_is_trusted() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let stub = salesforce(ours.localhost().host()).await;
    log_in(&stub.url, trusting(&ours)).await.unwrap();
    let both = [b"what a person wrote\n".to_vec(), other.pem(), ours.pem()].concat();
    log_in(&stub.url, Wire { authorities: Some(both), ..Wire::default() }).await.unwrap();
    assert_eq!(stub.asked(TOKEN).len(), 2);
}

#[tokio::test]
async fn a_certificate_that_fails_tells_why() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let check = async |issued: Issued, expected: CertificateProblem, words: &str, remedy: &str| {
        let stub = salesforce(issued.host()).await;
        let error = log_in(&stub.url, trusting(&ours)).await.unwrap_err();
        let Error::Certificate { host, problem, .. } = &error else { panic!("{error:?}") };
        assert_eq!((host.as_str(), problem), ("localhost", &expected));
        assert_eq!(error.to_string(), words);
        assert!(error.remedy().unwrap().contains(remedy), "{:?}", error.remedy());
        assert_eq!((error.disposition(), error.uncertain()), (Disposition::Transient, false));
        assert!(stub.asked(TOKEN).is_empty());
    };
    let expired = "the certificate of localhost has expired";
    check(ours.issue("localhost", 2020, 2024), CertificateProblem::Expired, expired, "clock").await;
    let early = "the certificate of localhost is not valid yet";
    check(ours.issue("localhost", 3000, 4000), CertificateProblem::NotYetValid, early, "clock").await;
    let unknown = "the certificate of localhost was issued by an authority that is not trusted";
    check(other.localhost(), CertificateProblem::UnknownIssuer, unknown, "`network.authorities`").await;
    let mismatch = "the certificate of localhost is for another host";
    check(ours.issue("other.example", 2020, 4000), CertificateProblem::HostMismatch, mismatch, "url").await;
}

#[tokio::test]
async fn without_an_authority_of_its_own_the_system_s_are_asked() {
    let stub = salesforce(Authority::new("ours").localhost().host()).await;
    let error = log_in(&stub.url, Wire::default()).await.unwrap_err();
    assert_eq!(explain(&error), Some(CertificateProblem::UnknownIssuer), "{error:?}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_refusal_told() {
    use CertificateProblem::{ClientCertificateNeeded, ClientCertificateRefused};
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let stub = salesforce(ours.localhost().host_for(&ours, version)).await;
        let check = async |identity: Option<Issued>, expected: Result<(), CertificateProblem>| {
            let identity = identity.map(|issued| secret(&format!("{}{}", issued.certificate(), issued.key())));
            let logged_in = log_in(&stub.url, Wire { identity, ..trusting(&ours) }).await;
            if let Err(error) = &logged_in {
                assert!(matches!(error, Error::Certificate { .. }), "{error:?}");
                assert_eq!((error.disposition(), error.uncertain()), (Disposition::Transient, false));
                assert!(error.remedy().unwrap().contains("`network.identity`"));
            }
            assert_eq!(logged_in.map_err(|error| explain(&error).unwrap()), expected, "{version:?}");
        };
        check(Some(ours.issue("client", 2020, 4000)), Ok(())).await;
        check(None, Err(ClientCertificateNeeded)).await;
        check(Some(ours.issue("client", 2020, 2024)), Err(ClientCertificateRefused)).await;
        check(Some(other.issue("client", 2020, 4000)), Err(ClientCertificateRefused)).await;
        assert_eq!(stub.asked(TOKEN).len(), 1);
    }
}

#[test]
fn what_no_test_can_bring_about_is_explained_too() {
    use rustls::{AlertDescription, CertificateError, Error::*};
    let check = |error: rustls::Error, expected: Option<CertificateProblem>| {
        assert_eq!(explain(&std::io::Error::other(std::io::Error::other(error))), expected);
    };
    check(InvalidCertificate(CertificateError::Revoked), Some(CertificateProblem::Revoked));
    let encoding = CertificateProblem::Other("BadEncoding".into());
    check(InvalidCertificate(CertificateError::BadEncoding), Some(encoding));
    check(AlertReceived(AlertDescription::AccessDenied), Some(CertificateProblem::ClientCertificateRefused));
    check(AlertReceived(AlertDescription::HandshakeFailure), None);
    check(DecryptError, None);
}

#[test]
fn what_cannot_be_read_is_told_apart_and_never_shown() {
    let ours = Authority::new("ours");
    let (one, another) = (ours.localhost(), ours.localhost());
    let (certificate, key) = (one.certificate(), one.key());
    let check = |wire: Wire, problem: &str, remedy: &str| {
        let error = wire.check().unwrap_err();
        assert_eq!(error.to_string(), problem);
        assert!(error.is_fatal() && error.remedy().unwrap().contains(remedy), "{error:?}");
        let shown = format!("{error:?}");
        assert!(
            key.lines().chain(certificate.lines()).all(|line| line.contains('-') || !shown.contains(line)),
            "{shown}"
        );
    };
    let authorities = |pem: &str, what: &str| {
        let wire = Wire { authorities: Some(pem.into()), ..Wire::default() };
        check(wire, &format!("the certificates of the authorities cannot be used: {what}"), "`network.authorities`");
    };
    authorities("", "there is none");
    authorities(&key, "there is none");
    authorities("-----BEGIN CERTIFICATE-----\nMIIB", "a section has no end");
    authorities("-----BEGIN CERTIFICATE\nMIIB", "a section does not begin as it should");
    authorities("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", "a section holds other than base64");
    let none = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    authorities(&format!("{certificate}{none}"), "number 2 is none");

    let identity = |pem: &str, what: &str| {
        let wire = Wire { identity: Some(secret(pem)), ..Wire::default() };
        check(wire, &format!("the client certificate cannot be used: {what}"), "`network.identity`");
    };
    identity("", "there is no key");
    identity(&certificate, "there is no key");
    identity(&key, "there is a key, but no certificate");
    identity(&format!("{certificate}{key}{key}"), "there is more than one key");
    identity(&format!("{certificate}{}", another.key()), "the key is not that of the first certificate");
    identity(&format!("{none}{key}"), "the first certificate is none");
    let label = |of: &str| key.replace("PRIVATE KEY", of);
    identity(&format!("{certificate}{}", label("ENCRYPTED PRIVATE KEY")), "its key is encrypted");
    identity(&format!("{certificate}{}", label("RSA PRIVATE KEY")), "the key is none, or of a kind that is not known");

    let proxy = |url: &str, user: &str, what: &str| {
        let credentials = Some((user.to_owned(), secret("pass")));
        let proxy = Proxy { url: Url::parse(url).unwrap(), credentials, no_proxy: None };
        let wire = Wire { proxy: Some(proxy), ..Wire::default() };
        check(wire, &format!("the proxy cannot be used: {what}"), "`network.proxy`");
    };
    proxy("socks5://proxy:1080", "", "its url does not begin with http:// or https://");
    proxy("http://user:hidden@proxy:3128", "", "its url holds a user name or a password");
    proxy("http://proxy:3128/path", "", "its url holds more than a host and a port");
    proxy("http://proxy:3128", "us:er", "its user name holds a colon");
    let good = Wire { identity: Some(secret(&format!("{key}{certificate}"))), ..trusting(&ours) };
    good.check().unwrap();
}
