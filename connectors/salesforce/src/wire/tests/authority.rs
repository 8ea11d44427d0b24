//! An authority that issues certificates, good and bad ones.

use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{WantsServerCert, WebPkiClientVerifier},
};

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A certificate and its key.
pub(super) struct Issued {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub(super) fn pem(&self) -> Vec<u8> {
        self.certificate.pem().into_bytes()
    }

    /// A certificate for `host` that is valid from the beginning of one year to that of another.
    pub(super) fn issue(&self, host: &str, from: i32, to: i32) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        Issued { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// One for this machine that is valid.
    pub(super) fn localhost(&self) -> Issued {
        self.issue("localhost", 2020, 4000)
    }
}

impl Issued {
    pub(super) fn certificate(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// A host that has this certificate.
    pub(super) fn host(&self) -> Arc<ServerConfig> {
        self.finish(versions(rustls::ALL_VERSIONS).with_no_client_auth())
    }

    /// One that asks for a client certificate of `authority`.
    pub(super) fn host_for(
        &self,
        authority: &Authority,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.certificate.der().clone()).unwrap();
        let provider = aws_lc_rs::default_provider().into();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        self.finish(versions(&[version]).with_client_cert_verifier(verifier))
    }

    fn finish(&self, config: rustls::ConfigBuilder<ServerConfig, WantsServerCert>) -> Arc<ServerConfig> {
        let certificates: Vec<CertificateDer<'static>> = vec![self.certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        config.with_single_cert(certificates, key).unwrap().into()
    }
}

fn versions(
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = aws_lc_rs::default_provider().into();
    ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap()
}
