//! Certificates and keys as people give them: PEM (RFC 7468). No byte of them is ever shown.

use reqwest::{Certificate, Identity};
use rustls::{
    InconsistentKeys, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};

use crate::Error;

/// The certificates of a bundle, each of which can be trusted as an authority's.
pub(super) fn authorities(bundle: &[u8]) -> Result<Vec<Certificate>, Error> {
    let refuse = |what: &str| Error::Configuration {
        problem: format!("the certificates of the authorities cannot be used: {what}"),
        remedy: "give `network.authorities` one or more certificates in PEM, each from BEGIN CERTIFICATE to its END",
    };
    let certificates: Vec<CertificateDer<'_>> = all(bundle).map_err(refuse)?;
    if certificates.is_empty() {
        return Err(refuse("there is none"));
    }
    let mut store = RootCertStore::empty();
    for (number, certificate) in (1..).zip(&certificates) {
        store.add(certificate.clone()).map_err(|_| refuse(&format!("number {number} is none")))?;
    }
    certificates
        .iter()
        .map(|certificate| Certificate::from_der(certificate).map_err(|_| refuse("the TLS library does not take them")))
        .collect()
}

/// A client certificate and its key.
pub(super) fn identity(pem: &[u8]) -> Result<Identity, Error> {
    let refuse = |what: &str| Error::Configuration {
        problem: format!("the client certificate cannot be used: {what}"),
        remedy: "give `network.identity` a certificate and its key in PEM, the key without a passphrase (openssl pkey)",
    };
    if pem.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED) {
        return Err(refuse("its key is encrypted"));
    }
    let certificates: Vec<CertificateDer<'static>> = all(pem).map_err(refuse)?;
    let keys: Vec<PrivateKeyDer<'static>> = all(pem).map_err(refuse)?;
    let key = match <[PrivateKeyDer<'static>; 1]>::try_from(keys) {
        Ok([key]) => key,
        Err(keys) if keys.is_empty() => return Err(refuse("there is no key")),
        Err(_) => return Err(refuse("there is more than one key")),
    };
    if certificates.is_empty() {
        return Err(refuse("there is a key, but no certificate"));
    }
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| aws_lc_rs::default_provider().into());
    CertifiedKey::from_der(certificates, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            refuse("the key is not that of the first certificate")
        }
        rustls::Error::InvalidCertificate(_) => refuse("the first certificate is none"),
        _ => refuse("the key is none, or of a kind that is not known"),
    })?;
    Identity::from_pem(pem).map_err(|_| refuse("it holds more than certificates and a key"))
}

/// Every section of one kind; what else there is, is passed over.
fn all<T: PemObject>(pem: &[u8]) -> Result<Vec<T>, &'static str> {
    T::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section does not begin as it should",
        pem::Error::Base64Decode(_) => "a section holds other than base64",
        _ => "it is no PEM",
    })
}

/// In the label of a section (RFC 7468, 11), or in its first line (`Proc-Type: 4,ENCRYPTED`).
const ENCRYPTED: &[u8] = b"ENCRYPTED";
