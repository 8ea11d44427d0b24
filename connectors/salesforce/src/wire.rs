//! How the network is reached: whose certificates are trusted, which proxy, how long is waited.

mod certificate;
mod failure;
mod pem;
mod proxy;

use std::time::Duration;

use reqwest::{ClientBuilder, tls};

pub use self::{
    certificate::{CertificateProblem, explain},
    failure::ProxyProblem,
    proxy::Proxy,
};
use crate::{Error, Secret};

/// How a host is reached. The same holds for the calls and the streaming session, and for the host that gives tokens
/// unless another is named for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Wire {
    /// Certificates, PEM, of authorities that are trusted besides the system's own.
    pub authorities: Option<Vec<u8>>,
    /// A client certificate, with those between it and its authority, and its key without a passphrase, PEM, in one.
    ///
    /// Salesforce asks for one on port 8443 of the org's My Domain only, which the login url then names, as in
    /// `https://acme.my.salesforce.com:8443` (Salesforce Help, *Set Up a Mutual Authentication Certificate*, and
    /// *Configure Your API Client to Use Mutual Authentication*).
    pub identity: Option<Secret>,
    /// The proxy that leads there. Without one the variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of
    /// the process hold; with one they do not.
    pub proxy: Option<Proxy>,
    /// How long connecting may take, proxy and TLS included; 10 s by default.
    pub connect_timeout: Duration,
    /// How long a call may wait for the next piece of its reply; 60 s by default.
    pub read_timeout: Duration,
    /// How long a call may take, from connecting to the last byte of the reply; 120 s by default.
    pub total_timeout: Duration,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            authorities: None,
            identity: None,
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            // Salesforce counts a call over 20 s as a long one; 200 rows take seconds, triggers included.
            total_timeout: Duration::from_secs(120),
        }
    }
}

impl Wire {
    /// A client that reaches the host so. Limits of time are those of connecting alone: whoever holds a reply open for
    /// long sets its own.
    ///
    /// # Errors
    /// [`Error::Configuration`]: a certificate, a key or the proxy cannot be used.
    pub fn client(&self) -> Result<ClientBuilder, Error> {
        let mut client =
            ClientBuilder::new().connect_timeout(self.connect_timeout).tls_version_min(tls::Version::TLS_1_2);
        if let Some(bundle) = &self.authorities {
            client = client.tls_certs_merge(pem::authorities(bundle)?);
        }
        if let Some(identity) = &self.identity {
            client = client.identity(pem::identity(identity.expose().as_bytes())?);
        }
        if let Some(proxy) = &self.proxy {
            client = client.proxy(proxy.to_reqwest()?);
        }
        Ok(client)
    }

    /// Finds what cannot work before anything connects.
    ///
    /// # Errors
    /// As [`Wire::client`].
    pub fn check(&self) -> Result<(), Error> {
        self.client().map(drop)
    }
}

#[cfg(test)]
mod tests;
