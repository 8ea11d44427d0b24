//! One token for all, one login at a time, and no storm of them.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{LoginPause, verdict::Verdict};
use crate::{Error, Token, login};

/// How a token is had: one login.
pub(super) type Grant = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Token, Error>> + Send>> + Send + Sync>;

/// Lets callers have the token. A login runs in a task of its own, so that it comes to its end, and the others get its
/// outcome, also when the caller that caused it has gone.
pub(super) struct Gate {
    grant: Grant,
    /// Whether a token that has expired can be had anew.
    renewable: bool,
    pause: LoginPause,
    verdict: Verdict,
    state: Mutex<State>,
}

/// How often a process has logged in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logins {
    /// Logins that gave a token.
    pub granted: u64,
    /// Logins that did not.
    pub failed: u64,
}

type Outcome = Result<Arc<Token>, Error>;

struct State {
    phase: Phase,
    logins: Logins,
    /// Logins that failed in a row.
    failures: u32,
    /// Tokens in a row that were refused soon after they had been given.
    refused: u32,
}

enum Phase {
    Empty,
    /// A login is on its way.
    Busy(watch::Receiver<Option<Outcome>>),
    Ready {
        token: Arc<Token>,
        since: Instant,
    },
    /// A login failed that may work later, or gave tokens that nobody takes.
    Resting {
        error: Error,
        until: Instant,
    },
    /// A login failed for good.
    Failed(Error),
}

enum Entry {
    Now(Outcome),
    Later(watch::Receiver<Option<Outcome>>),
}

impl Gate {
    pub(super) fn new(grant: Grant, renewable: bool, pause: LoginPause, verdict: Verdict) -> Self {
        let state = State { phase: Phase::Empty, logins: Logins::default(), failures: 0, refused: 0 };
        Self { grant, renewable, pause, verdict, state: Mutex::new(state) }
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

    /// How it stands: the token, or why there is none. `None` before the first login has ended.
    pub(super) fn standing(&self) -> Option<Outcome> {
        match &self.state().phase {
            Phase::Empty | Phase::Busy(_) => None,
            Phase::Ready { token, .. } => Some(Ok(token.clone())),
            Phase::Resting { error, .. } | Phase::Failed(error) => Some(Err(error.clone())),
        }
    }

    /// Waits for the login that is on its way, if one is: what it brings must not be lost by an end in between.
    pub(super) async fn settle(&self) {
        let busy = match &self.state().phase {
            Phase::Busy(outcome) => outcome.clone(),
            Phase::Empty | Phase::Ready { .. } | Phase::Resting { .. } | Phase::Failed(_) => return,
        };
        let mut outcome = busy;
        // Gone without an outcome: there is nothing to wait for any more.
        let _ = outcome.wait_for(Option::is_some).await;
    }

    pub(super) fn logins(&self) -> Logins {
        self.state().logins
    }

    fn enter(self: &Arc<Self>, stale: Option<&Token>) -> Entry {
        let mut state = self.state();
        match &state.phase {
            Phase::Ready { token, .. } if !is_same(token, stale) => return Entry::Now(Ok(token.clone())),
            Phase::Ready { since, .. } => {
                let lived = since.elapsed();
                if let Err(error) = self.renew(&mut state, lived) {
                    return Entry::Now(Err(error));
                }
            }
            Phase::Failed(error) => return Entry::Now(Err(error.clone())),
            Phase::Resting { error, until } if Instant::now() < *until => return Entry::Now(Err(error.clone())),
            // Closed while busy: its task was dropped before it had an outcome.
            Phase::Busy(outcome) if outcome.has_changed().is_ok() => return Entry::Later(outcome.clone()),
            Phase::Empty | Phase::Busy(_) | Phase::Resting { .. } => {}
        }
        let (sender, outcome) = watch::channel(None);
        state.phase = Phase::Busy(outcome.clone());
        tokio::spawn(self.clone().log_in(sender));
        Entry::Later(outcome)
    }

    /// Whether a token that was refused after so long may be replaced now. One that never worked is replaced once; then
    /// logins come ever more slowly: what is wrong is not the token, and too many logins shut others out, too.
    fn renew(&self, state: &mut State, lived: Duration) -> Result<(), Error> {
        if !self.renewable {
            let error = login::expired();
            tracing::error!(error = %error, remedy = error.remedy(), "the access token has expired");
            state.phase = Phase::Failed(error.clone());
            return Err(error);
        }
        state.refused = if lived < HEALTHY { state.refused.saturating_add(1) } else { 1 };
        if state.refused < 2 {
            return Ok(());
        }
        let error = Error::FreshTokens { count: state.refused };
        let mut until = self.pause.after(state.refused - 1);
        if state.refused >= ALARM {
            tracing::error!(error = %error, remedy = error.remedy(), "no new token works");
            until = until.max(Instant::now() + ALARM_PAUSE);
        }
        state.phase = Phase::Resting { error: error.clone(), until };
        Err(error)
    }

    async fn log_in(self: Arc<Self>, sender: watch::Sender<Option<Outcome>>) {
        let mut tried = false;
        let outcome = match self.verdict.begin().await {
            Ok(trial) => {
                tried = true;
                let outcome = (self.grant)().await.map(Arc::new);
                match &outcome {
                    Ok(_) => trial.succeeded().await,
                    Err(error) => trial.failed(error).await,
                }
                outcome
            }
            Err(error) => Err(error),
        };
        let mut state = self.state();
        state.phase = match &outcome {
            Ok(token) => {
                state.failures = 0;
                state.logins.granted += 1;
                tracing::info!(org = %token.org_id, user = token.user_id, instance = %token.instance_url, "logged in");
                Phase::Ready { token: token.clone(), since: Instant::now() }
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                state.logins.failed += u64::from(tried);
                self.failed(error, state.failures)
            }
        };
        // In this order: who enters after the outcome was sent must not find the login still on its way.
        drop(state);
        sender.send_replace(Some(outcome));
    }

    fn failed(&self, error: &Error, failures: u32) -> Phase {
        if error.is_fatal() {
            tracing::error!(error = %error, remedy = error.remedy(), "login failed, and is not tried again");
            return Phase::Failed(error.clone());
        }
        let least = match error {
            Error::Login { .. } | Error::Throttled { .. } => self.pause.too_many,
            _ => Duration::ZERO,
        };
        let least = error.wait().unwrap_or_default().max(least);
        let until = self.pause.after(failures).max(Instant::now() + least);
        let wait = humantime::format_duration(Duration::from_secs(until.duration_since(Instant::now()).as_secs()));
        tracing::warn!(error = %error, remedy = error.remedy(), %wait, "login failed");
        Phase::Resting { error: error.clone(), until }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoginPause {
    /// When the next login may be tried after so many failures.
    fn after(self, failures: u32) -> Instant {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        Instant::now() + wait.min(FAR)
    }
}

/// Whether it is the same token, not whether it reads the same: Salesforce may grant one text twice.
fn is_same(token: &Arc<Token>, other: Option<&Token>) -> bool {
    other.is_some_and(|other| std::ptr::eq(Arc::as_ptr(token), other))
}

/// A token that lived so long did work: the shortest session time-out of an org is 15 minutes.
const HEALTHY: Duration = Duration::from_secs(300);
/// So many fresh tokens refused in a row are for a person.
const ALARM: u32 = 5;
/// What is waited at least between logins from then on.
const ALARM_PAUSE: Duration = Duration::from_secs(300);
/// An end that a clock can hold.
const FAR: Duration = Duration::from_secs(365 * 86_400);

#[cfg(test)]
mod tests;
