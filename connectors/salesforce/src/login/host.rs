//! The host to log in to: what kind it is decides who a login is for and what works there.

use url::{Host as UrlHost, Url};

use crate::Error;

/// What kind of host it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// `login.salesforce.com`, shared by all production orgs.
    Login,
    /// `test.salesforce.com`, shared by all sandboxes.
    Test,
    /// An org's own host below `my.salesforce.com`.
    MyDomain {
        /// Whether it is a sandbox's or a scratch org's, whose users `test.salesforce.com` knows.
        sandbox: bool,
    },
    /// An Experience site, a domain of one's own, another cloud, or this machine.
    Other,
}

impl Host {
    pub(super) fn of(url: &Url) -> Self {
        match url.host_str() {
            Some("login.salesforce.com") => Self::Login,
            Some("test.salesforce.com") => Self::Test,
            Some(host) if TEST_PARTITIONS.iter().any(|end| host.ends_with(end)) => Self::MyDomain { sandbox: true },
            Some(host) if host.ends_with(".my.salesforce.com") => Self::MyDomain { sandbox: false },
            _ => Self::Other,
        }
    }

    /// Whom an assertion that is sent to `url` is for (Salesforce Help, *OAuth 2.0 JWT Bearer Flow*).
    pub(super) fn audience(url: &Url) -> String {
        match Self::of(url) {
            Self::Login | Self::MyDomain { sandbox: false } => "https://login.salesforce.com".into(),
            Self::Test | Self::MyDomain { sandbox: true } => "https://test.salesforce.com".into(),
            Self::Other => url.origin().ascii_serialization(),
        }
    }
}

const TEST_PARTITIONS: [&str; 2] = [".sandbox.my.salesforce.com", ".scratch.my.salesforce.com"];

/// Finds a url that cannot be logged in to.
pub(super) fn check(url: &Url) -> Result<(), Error> {
    let refuse = |what: &str| {
        let host = url.host_str().unwrap_or_default();
        Err(Error::Configuration {
            problem: format!("the login url of {host} {what}"),
            remedy: "give the org's My Domain and nothing after it, as in https://acme.my.salesforce.com",
        })
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => tracing::warn!(host = url.host_str(), "the login url is not https: the secret is sent in the clear"),
        _ => return refuse("does not begin with https://"),
    }
    if url.host().is_none() {
        return refuse("has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user name or a password");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("holds more than a host");
    }
    Ok(())
}

/// Whether it leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Ipv4(address)) => address.is_loopback(),
        Some(UrlHost::Ipv6(address)) => address.is_loopback(),
        Some(UrlHost::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_assertion_is_for_the_host_that_knows_the_user() {
        let check = |url: &str, host: Host, audience: &str| {
            let url = url.parse().unwrap();
            assert_eq!((Host::of(&url), Host::audience(&url).as_str()), (host, audience), "{url}");
        };
        let (production, test) = ("https://login.salesforce.com", "https://test.salesforce.com");
        check("https://login.salesforce.com", Host::Login, production);
        check("https://TEST.salesforce.com/", Host::Test, test);
        check("https://acme.my.salesforce.com", Host::MyDomain { sandbox: false }, production);
        check("https://acme-dev-ed.develop.my.salesforce.com", Host::MyDomain { sandbox: false }, production);
        check("https://acme--uat.sandbox.my.salesforce.com", Host::MyDomain { sandbox: true }, test);
        check("https://acme-1234.scratch.my.salesforce.com", Host::MyDomain { sandbox: true }, test);
        check("https://acme.my.site.com", Host::Other, "https://acme.my.site.com");
        check("https://acme.my.salesforce.mil", Host::Other, "https://acme.my.salesforce.mil");
        check("https://crm.acme.com/", Host::Other, "https://crm.acme.com");
        check("http://localhost:8080/", Host::Other, "http://localhost:8080");
        check("https://my.salesforce.com.evil.com", Host::Other, "https://my.salesforce.com.evil.com");
    }
}
