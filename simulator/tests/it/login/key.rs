//! Keys and certificates of apps.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use simulator::{Certificate, Options};

use crate::client::quick;

/// A private key and its certificate, both in PEM.
pub(super) struct Key {
    pub(super) private: String,
    pub(super) certificate: String,
}

impl Key {
    pub(super) fn new() -> Self {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(vec!["app.example".to_owned()]).unwrap().self_signed(&pair).unwrap();
        Self { private: pair.serialize_pem(), certificate: certificate.pem() }
    }

    /// Options of an org that knows this key.
    pub(super) fn options(&self) -> Options {
        Options { certificate: Some(Certificate::from_pem(&self.certificate).unwrap()), ..quick() }
    }
}

#[test]
fn a_certificate_is_told_from_other_things() {
    let key = Key::new();
    assert!(Certificate::from_pem(&key.certificate).is_ok());
    let elliptic = KeyPair::generate().unwrap();
    let elliptic = CertificateParams::new(vec![]).unwrap().self_signed(&elliptic).unwrap().pem();
    for text in [key.private.as_str(), "", "x", &elliptic, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"] {
        assert!(Certificate::from_pem(text).is_err(), "{text}");
    }
}
