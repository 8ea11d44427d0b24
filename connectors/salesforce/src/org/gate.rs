//! One token for all, one login at a time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::Client;
use tokio::{sync::watch, time::Instant};

use crate::{Error, Login, Token, login};

/// Lets callers have the token. A login runs in a task of its own, so that it comes to its end, and the others get its
/// outcome, also when the caller that caused it has gone.
pub(super) struct Gate {
    login: Login,
    http: Client,
    pause: Duration,
    state: Mutex<State>,
}

type Outcome = Result<Arc<Token>, Error>;

enum State {
    Empty,
    /// A login is on its way.
    Busy(watch::Receiver<Option<Outcome>>),
    Ready(Arc<Token>),
    /// A login failed that may work later.
    Resting {
        error: Error,
        since: Instant,
    },
    /// A login failed for good.
    Failed(Error),
}

enum Entry {
    Now(Outcome),
    Later(watch::Receiver<Option<Outcome>>),
}

impl Gate {
    pub(super) fn new(login: Login, http: Client, pause: Duration) -> Self {
        Self { login, http, pause, state: Mutex::new(State::Empty) }
    }

    /// The token, but not `stale`.
    pub(super) async fn token(self: &Arc<Self>, stale: Option<&Token>) -> Outcome {
        let mut outcome = match self.enter(stale) {
            Entry::Now(outcome) => return outcome,
            Entry::Later(outcome) => outcome,
        };
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(Error::Interrupted)),
            Err(_) => Err(Error::Interrupted),
        }
    }

    fn enter(self: &Arc<Self>, stale: Option<&Token>) -> Entry {
        let mut state = self.state();
        match &*state {
            State::Ready(token) if !is_same(token, stale) => return Entry::Now(Ok(token.clone())),
            State::Ready(_) if !self.login.renewable() => {
                let error = login::expired();
                tracing::error!(error = %error, remedy = error.remedy(), "the access token has expired");
                *state = State::Failed(error.clone());
                return Entry::Now(Err(error));
            }
            State::Failed(error) => return Entry::Now(Err(error.clone())),
            State::Resting { error, since } if since.elapsed() < self.pause_after(error) => {
                return Entry::Now(Err(error.clone()));
            }
            // Closed while busy: its task was dropped before it had an outcome.
            State::Busy(outcome) if outcome.has_changed().is_ok() => return Entry::Later(outcome.clone()),
            State::Empty | State::Busy(_) | State::Ready(_) | State::Resting { .. } => {}
        }
        let (sender, outcome) = watch::channel(None);
        *state = State::Busy(outcome.clone());
        tokio::spawn(self.clone().log_in(sender));
        Entry::Later(outcome)
    }

    async fn log_in(self: Arc<Self>, sender: watch::Sender<Option<Outcome>>) {
        let outcome = self.login.log_in(&self.http).await.map(Arc::new);
        let next = match &outcome {
            Ok(token) => {
                tracing::info!(org = %token.org_id, user = token.user_id, instance = %token.instance_url, "logged in");
                State::Ready(token.clone())
            }
            Err(error) if error.is_fatal() => {
                tracing::error!(error = %error, remedy = error.remedy(), "login failed, and is not tried again");
                State::Failed(error.clone())
            }
            Err(error) => {
                tracing::warn!(error = %error, remedy = error.remedy(), "login failed");
                State::Resting { error: error.clone(), since: Instant::now() }
            }
        };
        // In this order: who enters after the outcome was sent must not find the login still on its way.
        *self.state() = next;
        sender.send_replace(Some(outcome));
    }

    fn pause_after(&self, error: &Error) -> Duration {
        match error {
            Error::Login { .. } | Error::Throttled { .. } => self.pause.saturating_mul(10),
            _ => self.pause,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is the same token, not whether it reads the same: Salesforce may grant one text twice.
fn is_same(token: &Arc<Token>, other: Option<&Token>) -> bool {
    other.is_some_and(|other| std::ptr::eq(Arc::as_ptr(token), other))
}
