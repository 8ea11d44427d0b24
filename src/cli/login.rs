//! `crossfeed login` and `crossfeed logout`: a person's consent, once, for an org that logs in by authorization code.

use super::{FAILED, WRONG_INPUT, complain, load, runtime, say};
use crate::config::{Config, Org};
use crate::decide;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Html;
use clap::Args;
use salesforce::{AuthorizationCode, LoggedOut, Login, Token};
use std::io::BufRead as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

/// Which org to log in to, and how.
#[derive(Debug, Args)]
pub struct LoginArguments {
    /// The org's name in the file
    pub org: String,
    /// The browser is on another machine: paste the address that it ends at
    #[arg(long)]
    pub no_browser: bool,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Asks a person for consent, and keeps the refresh token that comes of it.
#[must_use]
pub fn login(arguments: &LoginArguments, named: Option<&Path>) -> ExitCode {
    with_org(&arguments.org, named, async |org, login| {
        let token = match arguments.no_browser {
            true => pasted(org, login).await?,
            false => listened(org, login).await?,
        };
        let user = token.user_name.as_deref().unwrap_or(&token.user_id);
        say(&format!("logged in to org {} as {user}; the refresh token is kept in {}", token.org_id, place(login)));
        Ok(())
    })
}

/// Revokes the refresh token and removes it.
#[must_use]
pub fn logout(org: &str, named: Option<&Path>) -> ExitCode {
    with_org(org, named, async |org, login| {
        match login.log_out(org.network_of_login()).await? {
            LoggedOut::Revoked => {
                say(&format!("logged out: the refresh token was revoked, and {} is gone", place(login)))
            }
            LoggedOut::NothingStored => say("there was no refresh token: nothing was to be done"),
            LoggedOut::NotRevoked(error) => {
                let file = place(login);
                return Err(format!(
                    "{file} is gone, but the refresh token was not revoked: {}; revoke it in Setup, Connected Apps OAuth Usage",
                    told(&error)
                )
                .into());
            }
        }
        Ok(())
    })
}

/// Does something with an org that logs in by authorization code.
fn with_org(
    name: &str,
    named: Option<&Path>,
    work: impl AsyncFnOnce(&Org, &AuthorizationCode) -> Result<(), Failure>,
) -> ExitCode {
    let config = match load(named) {
        Ok((_, config)) => config,
        Err(code) => return code,
    };
    let (org, login) = match find(&config, name) {
        Ok(found) => found,
        Err(problem) => {
            complain(&problem);
            return ExitCode::from(WRONG_INPUT);
        }
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let done = runtime.block_on(work(org, login));
    // A line that nobody pastes any more is not waited for.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&told(&*error));
            ExitCode::from(FAILED)
        }
    }
}

fn find<'a>(config: &'a Config, name: &str) -> Result<(&'a Org, &'a AuthorizationCode), String> {
    let Some(org) = config.orgs.get(name) else {
        let known: Vec<&str> = config.orgs.keys().map(String::as_str).collect();
        return Err(format!("there is no org `{name}` in the file; there are: {}", known.join(", ")));
    };
    match &org.login {
        Login::AuthorizationCode(login) => Ok((org, login)),
        other => {
            Err(format!("org `{name}` logs in by {}, which needs no consent: `crossfeed check` tries it", other.flow()))
        }
    }
}

/// The browser ends at an address of this machine, where it is waited for.
async fn listened(org: &Org, login: &AuthorizationCode) -> Result<Token, Failure> {
    let listener = listen(&login.redirect_uri).await?;
    let consent = login.begin();
    say(&format!(
        "open this address in a browser on this machine, and log in as the user that events are for:\n\n  {}\n",
        consent.address()
    ));
    say("waiting for the consent, ten minutes at most; Ctrl-C gives up");
    let (sender, mut redirected) = mpsc::channel(1);
    let arrival = Arrival { base: login.redirect_uri.clone(), state: parameter(&consent.address(), "state"), sender };
    let closing = CancellationToken::new();
    let server = axum::serve(listener, Router::new().fallback(arrived).with_state(arrival));
    let serving = tokio::spawn(server.with_graceful_shutdown(closing.clone().cancelled_owned()).into_future());
    let arrived = tokio::select! {
        arrived = tokio::time::timeout(CONSENT_LIMIT, redirected.recv()) => arrived,
        _ = tokio::signal::ctrl_c() => return Err("given up: nothing was changed".into()),
    };
    let Some(arrived) = arrived.map_err(|_| "no consent came within ten minutes: run it again")? else {
        return Err("the listener ended".into());
    };
    let token = login.finish(org.network_of_login(), consent, &arrived.address).await;
    let _ = arrived.answer.send(token.is_ok());
    // The browser gets its page before the listener goes.
    closing.cancel();
    let _ = tokio::time::timeout(PAGE_LIMIT, serving).await;
    Ok(token?)
}

/// The browser is elsewhere: a person copies the address that it could not open.
async fn pasted(org: &Org, login: &AuthorizationCode) -> Result<Token, Failure> {
    let consent = login.begin();
    say(&format!(
        "open this address in any browser, and log in as the user that events are for:\n\n  {}\n",
        consent.address()
    ));
    say(&format!(
        "the browser then ends at an address that begins with {}, which it may not be able to open: paste it here",
        login.redirect_uri
    ));
    let line = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next());
    let line = tokio::select! {
        line = line => line?.ok_or("nothing was pasted")??,
        _ = tokio::signal::ctrl_c() => return Err("given up: nothing was changed".into()),
    };
    let address = Url::parse(line.trim()).map_err(|_| "that is no address: paste all of it, from http on")?;
    Ok(login.finish(org.network_of_login(), consent, &address).await?)
}

async fn listen(redirect_uri: &Url) -> Result<TcpListener, Failure> {
    let port = redirect_uri.port_or_known_default().unwrap_or_default();
    let host = match redirect_uri.host() {
        Some(Host::Domain("localhost")) => "localhost".to_owned(),
        Some(Host::Ipv4(address)) if address.is_loopback() => address.to_string(),
        Some(Host::Ipv6(address)) if address.is_loopback() => address.to_string(),
        _ => {
            let text = format!("the redirect address {redirect_uri} is not one of this machine: use --no-browser");
            return Err(text.into());
        }
    };
    TcpListener::bind((host.as_str(), port)).await.map_err(|error| {
        format!("cannot wait for the browser at {redirect_uri}: {error}; use --no-browser, or another `redirect_uri` that the app knows").into()
    })
}

#[derive(Clone)]
struct Arrival {
    base: Url,
    /// What an answer to this login carries.
    state: Option<String>,
    sender: mpsc::Sender<Arrived>,
}

struct Arrived {
    address: Url,
    answer: oneshot::Sender<bool>,
}

/// Somebody came: the browser with its answer, which waits for the outcome, or whoever else knows the address.
async fn arrived(State(arrival): State<Arrival>, uri: Uri) -> (StatusCode, Html<&'static str>) {
    let mut address = arrival.base;
    let at_the_place = uri.path() == address.path();
    address.set_query(uri.query());
    let state = parameter(&address, "state");
    // A refusal may come without it: at worst a stranger makes us give up.
    let is_refusal = state.is_none() && parameter(&address, "error").is_some();
    if !at_the_place || (state != arrival.state && !is_refusal) {
        return (StatusCode::BAD_REQUEST, Html("This is not the answer to the login that Crossfeed waits for."));
    }
    let (answer, outcome) = oneshot::channel();
    if arrival.sender.try_send(Arrived { address, answer }).is_err() {
        return (StatusCode::OK, Html("Crossfeed has had its answer already: this window can be closed."));
    }
    match outcome.await {
        Ok(true) => (StatusCode::OK, Html("Crossfeed is logged in: this window can be closed.")),
        _ => (StatusCode::OK, Html("The login failed: the reason is in the terminal.")),
    }
}

fn parameter(address: &Url, name: &str) -> Option<String> {
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn place(login: &AuthorizationCode) -> String {
    login.refresh_token.path().display().to_string()
}

fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let remedy = error.downcast_ref::<salesforce::Error>().and_then(salesforce::Error::remedy);
    match remedy {
        Some(remedy) => format!("{}: {remedy}", decide::chain(error)),
        None => decide::chain(error),
    }
}

const CONSENT_LIMIT: Duration = Duration::from_secs(600);
const PAGE_LIMIT: Duration = Duration::from_secs(2);
