//! The sessions, and the events' way to them: in one order for all channels, as they were published.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use super::session::{Link, Queued, Session};
use crate::bus::{Event, Stream};
use crate::lock::lock;
use crate::session::Interrupt;

/// A CometD server's state.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(super) hold: Duration,
    pub(super) expiry: Duration,
    pub(super) idle: Duration,
    pub(super) replays: bool,
    /// Rung while the server shuts down: sockets are closed.
    pub(super) closing: Notify,
    pub(super) state: Mutex<State>,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sessions: HashMap<String, Session>,
    /// Every channel and pattern that was ever subscribed.
    pub(super) subscribed: HashSet<String>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// A request, with the cookie that it brought.
    Request { browser: Option<String> },
    /// A socket, by its number. It needs no cookie.
    Socket(u64),
}

/// The right to answer a session's connect.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) client_id: String,
    pub(super) number: u64,
    pub(super) news: Arc<Notify>,
    interrupts: Option<oneshot::Receiver<Interrupt>>,
}

impl Hub {
    pub(crate) fn new(hold: Duration, expiry: Duration, idle: Duration, replays: bool) -> Self {
        let closing = Notify::new();
        Self { hold, expiry, idle, replays, closing, state: Mutex::default(), numbers: AtomicU64::new(1) }
    }

    /// A number that nothing else has.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts events at the end of their stream and into the queues of their subscribers, in one step.
    pub(crate) fn publish(&self, stream: &Arc<Stream>, events: &[Event], append: impl FnOnce()) {
        let messages: Vec<Bytes> = events.iter().map(|event| message(&event.data, &stream.channel)).collect();
        let mut state = lock(&self.state);
        append();
        for session in state.sessions.values_mut().filter(|session| session.wants(&stream.channel)) {
            session.deliver(stream, &messages);
        }
    }

    /// Ends sessions that were silent for too long; how many.
    pub(crate) fn expire(&self) -> u64 {
        let mut state = lock(&self.state);
        let before = state.sessions.len();
        state.sessions.retain(|_, session| !session.is_silent(self.expiry));
        (before - state.sessions.len()) as u64
    }

    /// Ends all sessions, or one: with a word to their clients, or silently. How many.
    pub(crate) fn end(&self, client_id: Option<&str>, is_told: bool) -> u64 {
        let mut state = lock(&self.state);
        let ending: Vec<String> =
            state.sessions.keys().filter(|id| client_id.is_none_or(|wanted| wanted == *id)).cloned().collect();
        for mut session in ending.iter().filter_map(|id| state.sessions.remove(id)) {
            if is_told {
                session.interrupt(Interrupt::ServerDisconnect);
            }
        }
        ending.len() as u64
    }

    /// The server shuts down.
    pub(crate) fn close(&self) {
        for session in lock(&self.state).sessions.values_mut() {
            session.interrupt(Interrupt::Closing);
        }
        self.closing.notify_waiters();
    }

    /// How many sessions are open, and how many of them have a held connect.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.sessions.len(), state.sessions.values().filter(|session| session.is_held()).count())
    }

    /// How many events of a stream wait in queues.
    pub(crate) fn pending(&self, stream: &Arc<Stream>) -> u64 {
        lock(&self.state).sessions.values().map(|session| session.pending(stream)).sum::<usize>() as u64
    }

    /// What rings when a session has news; nothing rings where there is no such session.
    pub(super) fn news(&self, client_id: Option<&str>) -> Arc<Notify> {
        let state = lock(&self.state);
        let session = client_id.and_then(|client_id| state.sessions.get(client_id));
        session.map(|session| Arc::clone(&session.news)).unwrap_or_default()
    }

    /// Events for a socket, if it is the session's.
    pub(super) fn take_for(&self, client_id: &str, socket: u64) -> Vec<Queued> {
        let mut state = lock(&self.state);
        let session = state.sessions.get_mut(client_id).filter(|session| session.link == Link::Socket(socket));
        session.map_or_else(Vec::new, Session::take)
    }

    /// A socket is gone. With a connect held, the server has seen it; without, it sees it when it writes next.
    pub(super) fn hang_up(&self, client_id: &str, socket: u64) {
        let mut state = lock(&self.state);
        let session = state.sessions.get_mut(client_id).filter(|session| session.link == Link::Socket(socket));
        let Some(session) = session else { return };
        session.link = if session.is_held() || session.acknowledges { Link::None } else { Link::Dead };
        session.release();
    }
}

impl State {
    /// The session of a message: open, not silent for too long, and with the cookie of its handshake.
    pub(super) fn find(&mut self, client_id: Option<&str>, caller: &Caller, expiry: Duration) -> Option<&mut Session> {
        let session = self.sessions.get_mut(client_id?).filter(|session| !session.is_silent(expiry))?;
        let is_own = match caller {
            Caller::Request { browser } => browser.is_some() && *browser == session.browser,
            Caller::Socket(_) => true,
        };
        if !is_own {
            return None;
        }
        session.touched = Instant::now();
        Some(session)
    }

    /// Whether another session with the same cookie has its connect held.
    pub(super) fn is_crowded(&self, client_id: &str) -> bool {
        let browser = self.sessions.get(client_id).and_then(|session| session.browser.as_ref());
        let Some(browser) = browser else { return false };
        let others = self.sessions.iter().filter(|(id, _)| *id != client_id).map(|(_, session)| session);
        others.into_iter().any(|other| other.browser.as_ref() == Some(browser) && other.is_held())
    }
}

impl Hold {
    pub(super) fn new(
        client_id: &str,
        number: u64,
        news: Arc<Notify>,
        interrupts: oneshot::Receiver<Interrupt>,
    ) -> Self {
        Self { client_id: client_id.to_owned(), number, news, interrupts: Some(interrupts) }
    }

    /// Waits for an interruption. A session that vanished silently interrupts nothing: its connect is held to the end.
    pub(super) async fn interrupted(&mut self) -> Interrupt {
        if let Some(interrupts) = &mut self.interrupts
            && let Ok(why) = interrupts.await
        {
            return why;
        }
        self.interrupts = None;
        std::future::pending().await
    }
}

/// An event as a client gets it.
fn message(data: &[u8], channel: &str) -> Bytes {
    let channel = serde_json::Value::from(channel).to_string();
    Bytes::from([br#"{"data":"#, data, br#","channel":"#, channel.as_bytes(), b"}"].concat())
}
