//! The certificate of the connected app, which proves who signed an assertion.

use jsonwebtoken::DecodingKey;
use thiserror::Error;

/// An X.509 certificate with an RSA key.
#[derive(Clone)]
pub struct Certificate {
    pem: String,
    key: DecodingKey,
}

/// The text is not a PEM certificate with an RSA key.
#[derive(Debug, Error)]
#[error("not a PEM certificate with an RSA key")]
pub struct NotACertificate;

impl Certificate {
    /// Reads a PEM certificate (RFC 7468).
    ///
    /// # Errors
    /// When the text is something else, or its key is not an RSA key.
    pub fn from_pem(pem: &str) -> Result<Self, NotACertificate> {
        if !pem.trim_start().starts_with(BEGIN) {
            return Err(NotACertificate);
        }
        let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| NotACertificate)?;
        Ok(Self { pem: pem.to_owned(), key })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn key(&self) -> &DecodingKey {
        &self.key
    }

    /// Whether `base64` is this certificate, as `X509Certificate` of XML signatures has it.
    pub(crate) fn is(&self, base64: &str) -> bool {
        let own = self.pem.lines().filter(|line| !line.starts_with("-----")).flat_map(str::chars);
        own.filter(|c| !c.is_whitespace()).eq(base64.chars().filter(|c| !c.is_whitespace()))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
