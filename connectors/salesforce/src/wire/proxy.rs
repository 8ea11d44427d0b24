//! The proxy that leads to a host.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{NoProxy, header::HeaderValue};
use url::Url;

use crate::{Error, Secret};

/// An HTTP proxy. It opens a tunnel to a host with https (RFC 9110, 9.3.6, *CONNECT*), and passes on what goes to one
/// with http.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, `http://` or `https://`, without user and password.
    pub url: Url,
    /// Its user and password, where it asks for them.
    pub credentials: Option<(String, Secret)>,
    /// Hosts that are reached without it, separated by commas, as in the variable `NO_PROXY`.
    pub no_proxy: Option<String>,
}

impl Proxy {
    pub(super) fn to_reqwest(&self) -> Result<reqwest::Proxy, Error> {
        self.check()?;
        let proxy = reqwest::Proxy::all(self.url.clone()).map_err(|_| refuse("its url cannot be used"))?;
        let proxy = proxy.no_proxy(self.no_proxy.as_deref().and_then(NoProxy::from_string));
        let Some((user, password)) = &self.credentials else { return Ok(proxy) };
        // Not in the url: what stands there is decoded once more, and a `%41` in a password would become an `A`.
        let credentials = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
        let header = HeaderValue::try_from(format!("Basic {credentials}"));
        let mut header = header.map_err(|_| refuse("its user and password cannot be sent"))?;
        header.set_sensitive(true);
        Ok(proxy.custom_http_auth(header))
    }

    fn check(&self) -> Result<(), Error> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return Err(refuse("its url does not begin with http:// or https://"));
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(refuse("its url holds a user name or a password"));
        }
        if self.url.path() != "/" || self.url.query().is_some() || self.url.fragment().is_some() {
            return Err(refuse("its url holds more than a host and a port"));
        }
        match &self.credentials {
            // RFC 7617, 2.
            Some((user, _)) if user.contains(':') => Err(refuse("its user name holds a colon")),
            _ => Ok(()),
        }
    }
}

fn refuse(what: &str) -> Error {
    Error::Configuration {
        problem: format!("the proxy cannot be used: {what}"),
        remedy: "give `network.proxy` a url as in http://proxy.example.com:3128, and user and password beside it",
    }
}
