//! Permits for handshakes: what the feeds of an org share, so that fifty of them do not storm it, and rest as one.

use crate::feed::{Backoff, Pace, Stop};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// An org's permits. A clone is the same org's.
#[derive(Clone, Default)]
pub(crate) struct Handshakes(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    /// Permits that are out.
    out: usize,
    /// The waits of the org, while it asks for peace.
    waits: Option<Backoff>,
    /// Until when nobody handshakes, and why.
    rest: Option<Rest>,
}

#[derive(Clone)]
struct Rest {
    since: Instant,
    until: Instant,
    why: Stop,
}

/// The right to handshake once. Dropping it lets the next one in.
pub(super) struct Permit {
    of: Handshakes,
    since: Instant,
}

impl Handshakes {
    /// Waits for a permit: [`MOST`] are out at one time, and one alone until the org is known to be well again.
    ///
    /// # Errors
    /// The org asked for peace: in its words, and for how long. Nothing is sent until then.
    pub(super) async fn permit(&self) -> Result<Permit, Stop> {
        loop {
            let freed = self.0.freed.notified();
            {
                let mut state = self.state();
                let now = Instant::now();
                if let Some(rest) = state.rest.as_ref().filter(|rest| now < rest.until) {
                    return Err(rest.stop(now));
                }
                let most = if state.waits.is_some() { 1 } else { MOST };
                if state.out < most {
                    state.out += 1;
                    return Ok(Permit { of: self.clone(), since: now });
                }
            }
            freed.await;
        }
    }

    /// The org asked for peace. Sessions that were opened side by side are refused side by side: that is one refusal.
    pub(super) fn rest(&self, pace: Pace, why: &Stop) {
        let mut state = self.state();
        let now = Instant::now();
        if state.rest.as_ref().is_some_and(|rest| now < rest.until) {
            return;
        }
        let wait = state.waits.get_or_insert_default().next(pace, Duration::ZERO);
        state.rest = Some(Rest { since: now, until: now + wait, why: why.clone() });
        let wait = humantime::format_duration(Duration::from_secs(wait.as_secs()));
        tracing::warn!(reason = why.reason.as_str(), %wait, "the org asks for peace, no feed opens a session until then: {why}");
        drop(state);
        self.0.freed.notify_waiters();
    }

    /// A session whose permit was given at `since` is alive. The org is well again, unless it has asked for peace after
    /// that.
    pub(super) fn well(&self, since: Instant) {
        let mut state = self.state();
        if state.rest.as_ref().is_some_and(|rest| rest.since <= since) {
            state.rest = None;
            state.waits = None;
            drop(state);
            self.0.freed.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// When it was given.
    pub(super) fn since(&self) -> Instant {
        self.since
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.of.state();
            state.out = state.out.saturating_sub(1);
        }
        self.of.0.freed.notify_waiters();
    }
}

impl Rest {
    /// What a feed does until then. Its wait is scattered by a third to either side, and must not end before the rest.
    fn stop(&self, now: Instant) -> Stop {
        let left = self.until.saturating_duration_since(now).mul_f64(1.5);
        Stop::transient(self.why.reason, &self.why.text, Pace { first: left, from: left, to: left })
            .advising(self.why.remedy.clone())
    }
}

/// Handshakes of an org at one time.
const MOST: usize = 4;

#[cfg(test)]
mod tests;
