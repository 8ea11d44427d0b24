//! The org: what all who work with it share.

mod gate;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client, Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};

use self::gate::Gate;
use crate::{Error, Login, Token, Wire, login::endpoint, reply::Reply};

/// An org of Salesforce's, with one token for all its users. A clone is the same org.
#[derive(Clone)]
pub struct Org {
    gate: Arc<Gate>,
    http: Client,
    api_version: Arc<str>,
}

/// How an org is spoken to.
#[derive(Clone)]
pub struct Options {
    /// Version of the REST API; `64.0` by default.
    pub api_version: String,
    /// How the org is reached.
    pub wire: Wire,
    /// How the host that gives the tokens is reached, where that differs.
    pub login_wire: Option<Wire>,
    /// How long a login that failed, but may work later, is not tried again: until then all callers get its error.
    /// 6 s by default, and ten times as long where Salesforce says that there are too many logins.
    pub login_pause: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Sent as `Sforce-Call-Options: client=…`; it comes back in the `changeOrigin` of the changes these calls make,
    /// so that a reader can leave out its own (REST API Developer Guide, *Call Options Header*).
    pub client: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_version: "64.0".into(),
            wire: Wire::default(),
            login_wire: None,
            login_pause: Duration::from_secs(6),
            user_agent: concat!("crossfeed/", env!("CARGO_PKG_VERSION")).into(),
            client: None,
        }
    }
}

impl Org {
    /// Takes what is needed to log in. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Configuration`], if it could never work.
    pub fn new(login: Login, options: Options) -> Result<Self, Error> {
        login.check()?;
        check_version(&options.api_version)?;
        let http = client(&options, &options.wire)?;
        let login_http = match &options.login_wire {
            Some(wire) => client(&options, wire)?,
            None => http.clone(),
        };
        let gate = Arc::new(Gate::new(login, login_http, options.login_pause));
        Ok(Self { gate, http, api_version: options.api_version.into() })
    }

    /// The token, with a login at the first use. However many ask at once, there is one login, and all get its outcome.
    ///
    /// # Errors
    /// The error of the login. One that failed for good is remembered: every later call gets the same error and
    /// nothing is sent, since repeated failures lock the user out. A new `Org` starts afresh.
    pub async fn token(&self) -> Result<Arc<Token>, Error> {
        self.gate.token(None).await
    }

    /// The token to use in place of `stale`, which a call was answered with 401 for: the newer one if there is one
    /// already, else that of one more login.
    ///
    /// # Errors
    /// As [`Org::token`]; always [`Error::Login`] where the login cannot be renewed.
    pub async fn replace(&self, stale: &Token) -> Result<Arc<Token>, Error> {
        self.gate.token(Some(stale)).await
    }

    /// One call of the REST API, below `/services/data/v…/`, with one repeat if the token has expired.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Reply, Error> {
        let token = self.token().await?;
        let first = self.call_with(&token, method.clone(), path, body.clone()).await;
        match first {
            Err(ref error @ Error::Unauthorized { .. }) if !error.is_fatal() => {
                let token = self.replace(&token).await?;
                self.call_with(&token, method, path, body).await
            }
            other => other,
        }
    }

    async fn call_with(&self, token: &Token, method: Method, path: &str, body: Option<Bytes>) -> Result<Reply, Error> {
        let url = endpoint(&token.instance_url, &format!("/services/data/v{}/{path}", self.api_version));
        let mut request = self
            .http
            .request(method, url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, token.authorization());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json; charset=UTF-8").body(body);
        }
        let reply = Reply::of(request).await?.without(&[token.secret()]);
        if reply.status.is_success() { Ok(reply) } else { Err(reply.error()) }
    }
}

/// A client for calls, which all have an end.
fn client(options: &Options, wire: &Wire) -> Result<Client, Error> {
    let client = wire
        .client()?
        .read_timeout(wire.read_timeout)
        .timeout(wire.total_timeout)
        .user_agent(header(&options.user_agent)?)
        .default_headers(call_options(options.client.as_deref())?)
        // Salesforce's API does not redirect; what does is a maintenance page or a proxy, and the token is not theirs.
        .redirect(redirect::Policy::none());
    client.build().map_err(|error| Error::Configuration {
        problem: format!("no HTTP client can be made: {error}"),
        remedy: "check the certificates of the system and the proxy variables",
    })
}

fn check_version(version: &str) -> Result<(), Error> {
    let sound = version
        .strip_suffix(".0")
        .is_some_and(|number| matches!(number.len(), 2..=3) && number.bytes().all(|byte| byte.is_ascii_digit()));
    if sound {
        return Ok(());
    }
    Err(Error::Configuration {
        problem: format!("`{version}` is not a version of Salesforce's API"),
        remedy: "give it as in 64.0",
    })
}

fn call_options(client: Option<&str>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    if let Some(client) = client {
        headers.insert("Sforce-Call-Options", header(&format!("client={client}"))?);
    }
    Ok(headers)
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(|_| Error::Configuration {
        problem: format!("`{}` cannot be sent in a header", text.escape_default()),
        remedy: "use letters, digits and punctuation of ASCII",
    })
}

#[cfg(test)]
mod tests;
