//! The org: what all who work with it share.

mod gate;
mod verdict;

use std::{path::PathBuf, sync::Arc, time::Duration};

use reqwest::{
    Client,
    header::{HeaderMap, HeaderValue},
    redirect,
};
use tokio::time::Instant;

pub use self::gate::Logins;
use self::{gate::Gate, verdict::Verdict};
use crate::{Error, Login, Token, Usage, Wire, budget::Budget, login::endpoint, reply::Reply};

/// An org of Salesforce's, with one token for all its users. A clone is the same org.
#[derive(Clone)]
pub struct Org {
    gate: Arc<Gate>,
    exclusive: bool,
    pub(crate) http: Client,
    pub(crate) api_version: Arc<str>,
    pub(crate) budget: Arc<Budget>,
    /// Whether another token can be had without a person.
    pub(crate) renewable: bool,
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
    pub login_pause: LoginPause,
    /// A file in which a login that failed for good is remembered, so that the next process does not try it again with
    /// the same credentials. They are kept as a fingerprint alone. None by default: nothing outlives the `Org`.
    pub verdict: Option<PathBuf>,
    /// Try a login that is remembered as failed once more.
    pub retry_login: bool,
    /// Whether the token is used by nobody else, so that [`Org::log_out`] may end it. By default only where the flow
    /// gives a token to us alone: Salesforce may give the same one to two programs that log in alike.
    pub exclusive: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Sent as `Sforce-Call-Options: client=…`; it comes back in the `changeOrigin` of the changes these calls make,
    /// so that a reader can leave out its own (REST API Developer Guide, *Call Options Header*).
    pub client: Option<String>,
    /// The share of the day's API calls that is left to others, from 0 to less than 1; 0 by default, nothing. Once less
    /// is left, calls that can wait fail with [`Error::Reserved`], but for one each 5 minutes, which shows what is left
    /// then.
    pub api_reserve: f64,
}

/// How long is waited between logins that fail.
#[derive(Debug, Clone, Copy)]
pub struct LoginPause {
    /// After the first failure; doubled after each further one. 5 s by default.
    pub first: Duration,
    /// At most. 10 min by default.
    pub longest: Duration,
    /// At least, where Salesforce says that there are too many logins. 60 s by default.
    pub too_many: Duration,
}

impl Default for LoginPause {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { first: seconds(5), longest: seconds(600), too_many: seconds(60) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_version: "64.0".into(),
            wire: Wire::default(),
            login_wire: None,
            login_pause: LoginPause::default(),
            verdict: None,
            retry_login: false,
            exclusive: false,
            user_agent: concat!("crossfeed/", env!("CARGO_PKG_VERSION")).into(),
            client: None,
            api_reserve: 0.0,
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
        let verdict = match options.verdict {
            Some(file) => {
                let login = login.clone();
                Verdict::new(file, Box::new(move || login.fingerprint_input()), options.retry_login)
            }
            None => Verdict::none(),
        };
        let (renewable, exclusive) = (login.renewable(), options.exclusive || login.is_ours_alone());
        let grant = Box::new(move || {
            let (login, http) = (login.clone(), login_http.clone());
            Box::pin(async move { login.log_in(&http).await }) as _
        });
        let gate = Arc::new(Gate::new(grant, renewable, options.login_pause, verdict));
        let budget = Arc::new(Budget::new(options.api_reserve)?);
        let api_version = options.api_version.into();
        Ok(Self { gate, exclusive, http, api_version, budget, renewable })
    }

    /// The token, with a login at the first use. However many ask at once, there is one login, and all get its outcome.
    ///
    /// # Errors
    /// The error of the login. One that failed for good is remembered: every later call gets the same error and
    /// nothing is sent, since repeated failures lock the user out. With [`Options::verdict`] this holds for the next
    /// process, too.
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

    /// The token, or why there is none; `None` before the first login has ended. Nothing is sent.
    pub fn standing(&self) -> Option<Result<Arc<Token>, Error>> {
        self.gate.standing()
    }

    /// How often this process has logged in.
    pub fn logins(&self) -> Logins {
        self.gate.logins()
    }

    /// Waits for a login that is on its way. To be called before a process ends: a refresh token that Salesforce has just
    /// replaced would be lost otherwise.
    pub async fn settle(&self) {
        self.gate.settle().await;
    }

    /// Ends the token, for the end of a process, where nobody else uses it. The org is not to be used afterwards.
    ///
    /// # Errors
    /// Those of the one call; the token then ends by itself, unused.
    pub async fn log_out(&self) -> Result<(), Error> {
        self.settle().await;
        let Some(Ok(token)) = self.standing().filter(|_| self.exclusive) else { return Ok(()) };
        let form = [("token", token.secret().expose())];
        let request = self.http.post(endpoint(&token.instance_url, "/services/oauth2/revoke")).form(&form);
        let reply = Reply::of(request).await?.without(&[token.secret()]);
        if !reply.status.is_success() {
            return Err(reply.error());
        }
        tracing::info!(org = %token.org_id, "logged out");
        Ok(())
    }

    /// Whether a call that can wait may be sent now: for callers of calls that are never held back, which can wait all the
    /// same.
    ///
    /// # Errors
    /// [`Error::Reserved`], where the calls that are left are for others.
    pub fn spare(&self) -> Result<(), Error> {
        self.budget.admit(Instant::now())
    }

    /// The API calls of the day, as the last answer said, whatever became of its call. `None` before the first.
    pub fn usage(&self) -> Option<Usage> {
        self.budget.usage()
    }
}

/// A client for calls, which all have an end.
pub(crate) fn client(options: &Options, wire: &Wire) -> Result<Client, Error> {
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

pub(crate) fn check_version(version: &str) -> Result<(), Error> {
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
