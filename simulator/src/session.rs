//! Bayeux sessions: their cookie, subscriptions with places in streams, and the one connect that may be held.

mod subscription;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

pub(crate) use subscription::{Filter, Subscription};

use crate::bus::Stream;
use crate::lock::lock;
use crate::routing::Route;

/// What ends a held connect before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The client sent another connect.
    Newer,
    /// The session is gone.
    Unknown,
    /// The server ends the session, as Salesforce's autoscaling does.
    ServerDisconnect,
    /// The client disconnected.
    Disconnected,
    /// The access tokens were revoked.
    Revoked,
    /// The simulator shuts down.
    Closing,
}

/// One client's session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client_id: String,
    pub(crate) cookie: String,
    /// Woken by every stream that the session subscribes.
    pub(crate) news: Arc<Notify>,
    /// By which routing cookie it is found.
    pub(crate) route: Route,
    number: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the last reply that counts went out.
    touched: Instant,
    /// The token of the last request.
    token: String,
    connected: bool,
    is_closed: bool,
    /// Set when the server is to end the session at the next connect.
    ending: bool,
    hold: Option<(u64, oneshot::Sender<Interrupt>)>,
    holds: u64,
    subscriptions: Vec<Subscription>,
    turn: usize,
}

/// The right to answer the session's connect.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) number: u64,
    pub(crate) interrupts: oneshot::Receiver<Interrupt>,
    /// No connect came before this one.
    pub(crate) is_first: bool,
}

/// Events taken out of the session's queue: a bracket, and the events, each followed by a comma.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    pub(crate) counts: Vec<(Arc<Stream>, u64)>,
}

impl Session {
    /// Takes the connect slot, unless the session is closed; a connect that has it is interrupted.
    pub(crate) fn hold(&self) -> Option<Hold> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return None;
        }
        let (sender, interrupts) = oneshot::channel();
        state.holds += 1;
        let number = state.holds;
        if let Some((_, older)) = state.hold.replace((number, sender)) {
            let _ = older.send(Interrupt::Newer);
        }
        let is_first = !std::mem::replace(&mut state.connected, true);
        Some(Hold { number, interrupts, is_first })
    }

    /// Answers the connect that has the slot with what there is. None where there is nothing and `always` is not set, or
    /// where another connect has the slot.
    pub(crate) fn answer(&self, hold: u64, limit: usize, always: bool) -> Option<Taken> {
        let mut state = lock(&self.state);
        if state.hold.as_ref().is_none_or(|(number, _)| *number != hold) {
            return None;
        }
        let taken = state.take(limit);
        if taken.counts.is_empty() && !always {
            return None;
        }
        state.hold = None;
        state.touched = Instant::now();
        Some(taken)
    }

    /// Takes events for a reply other than a connect's; none while a connect is held, since that one will bring them.
    pub(crate) fn take_unless_held(&self, limit: usize) -> Taken {
        let mut state = lock(&self.state);
        if state.hold.is_some() { Taken::default() } else { state.take(limit) }
    }

    /// Interrupts the held connect, if there is one.
    pub(crate) fn interrupt(&self, why: Interrupt) -> bool {
        let mut state = lock(&self.state);
        let Some((_, sender)) = state.hold.take() else { return false };
        state.touched = Instant::now();
        sender.send(why).is_ok()
    }

    /// Notes the token that a request of the session came with.
    pub(crate) fn use_token(&self, token: &str) {
        token.clone_into(&mut lock(&self.state).token);
    }

    pub(crate) fn is_of(&self, token: &str) -> bool {
        lock(&self.state).token == token
    }

    /// Restarts the session's clock.
    pub(crate) fn touch(&self) {
        lock(&self.state).touched = Instant::now();
    }

    /// The server ends the session when it connects next.
    pub(crate) fn end_at_connect(&self) {
        lock(&self.state).ending = true;
    }

    pub(crate) fn is_ending(&self) -> bool {
        lock(&self.state).ending
    }

    pub(crate) fn is_held(&self) -> bool {
        lock(&self.state).hold.is_some()
    }

    pub(crate) fn is_subscribed(&self, name: &str) -> bool {
        lock(&self.state).subscriptions.iter().any(|subscription| subscription.name == name)
    }

    /// Whether what it is delivered counts against the org's allocation.
    pub(crate) fn is_metered(&self) -> bool {
        lock(&self.state).subscriptions.iter().any(|subscription| subscription.stream.is_metered())
    }

    /// Adds subscriptions, and tells the held connect about what they have for it.
    pub(crate) fn subscribe(&self, more: Vec<Subscription>) {
        for subscription in &more {
            subscription.stream.wake(self.number, &self.news);
        }
        lock(&self.state).subscriptions.extend(more);
        self.news.notify_waiters();
    }

    /// Removes a subscription; false where there is none.
    pub(crate) fn unsubscribe(&self, name: &str) -> bool {
        let mut state = lock(&self.state);
        let Some(index) = state.subscriptions.iter().position(|subscription| subscription.name == name) else {
            return false;
        };
        let gone = state.subscriptions.remove(index);
        if !state.subscriptions.iter().any(|other| Arc::ptr_eq(&other.stream, &gone.stream)) {
            gone.stream.forget(self.number);
        }
        true
    }

    /// The lowest place that the session still has to get from a stream.
    pub(crate) fn place(&self, stream: &Arc<Stream>) -> Option<u64> {
        let state = lock(&self.state);
        state.subscriptions.iter().filter(|other| Arc::ptr_eq(&other.stream, stream)).map(|other| other.place).min()
    }

    fn is_silent(&self, expiry: Duration) -> bool {
        let state = lock(&self.state);
        state.hold.is_none() && state.touched.elapsed() > expiry
    }
}

impl State {
    /// Drains the subscriptions, each time beginning with another, so that none starves behind a long one.
    fn take(&mut self, limit: usize) -> Taken {
        let mut taken = Taken { bytes: vec![b'['], counts: Vec::new() };
        let number = self.subscriptions.len();
        self.turn = self.turn.wrapping_add(1);
        let (before, after) = self.subscriptions.split_at_mut(self.turn % number.max(1));
        for subscription in after.iter_mut().chain(before) {
            if !taken.counts.is_empty() && taken.bytes.len() >= limit {
                break;
            }
            let count = subscription.take(&mut taken.bytes, limit);
            if count > 0 {
                taken.counts.push((Arc::clone(&subscription.stream), count));
            }
        }
        taken
    }
}

/// The open sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Arc<Session>>>,
    numbers: AtomicU64,
}

impl Sessions {
    pub(crate) fn open(&self, token: &str, route: Route) -> Arc<Session> {
        let session = Arc::new(Session {
            client_id: Uuid::new_v4().simple().to_string(),
            cookie: Uuid::new_v4().simple().to_string(),
            news: Arc::default(),
            route,
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            state: Mutex::new(State {
                touched: Instant::now(),
                token: token.to_owned(),
                connected: false,
                is_closed: false,
                ending: false,
                hold: None,
                holds: 0,
                subscriptions: Vec::new(),
                turn: 0,
            }),
        });
        lock(&self.open).insert(session.client_id.clone(), Arc::clone(&session));
        session
    }

    /// The session, unless it was silent for longer than `expiry`.
    pub(crate) fn find(&self, client_id: &str, expiry: Duration) -> Option<Arc<Session>> {
        lock(&self.open).get(client_id).filter(|session| !session.is_silent(expiry)).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        lock(&self.open).values().cloned().collect()
    }

    pub(crate) fn silent(&self, expiry: Duration) -> Vec<Arc<Session>> {
        lock(&self.open).values().filter(|session| session.is_silent(expiry)).cloned().collect()
    }

    /// Closes a session: nothing more is delivered, and a held connect is told why.
    pub(crate) fn close(&self, session: &Session, why: Interrupt) {
        lock(&self.open).remove(&session.client_id);
        let mut state = lock(&session.state);
        state.is_closed = true;
        let subscriptions = std::mem::take(&mut state.subscriptions);
        drop(state);
        session.interrupt(why);
        for gone in subscriptions {
            gone.stream.forget(session.number);
        }
    }
}
