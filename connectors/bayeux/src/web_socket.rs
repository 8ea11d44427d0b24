//! WebSocket: a session driven over one socket (CometD reference, "websocket transport"; RFC 6455).
//!
//! Everything goes over the socket: answers are told by their id, and events come in frames of their own at any time. A
//! socket that is gone takes its session with it, unless what comes is acknowledged: then a new one goes on with it.

mod socket;
mod upgrade;

use crate::failure::Cause;
use crate::long_polling::changed;
use crate::message::Ask;
use crate::room::Charge;
use crate::session::{Config, Event, Session, Wait};
use crate::transport::{Transport, TransportKind};
use serde::Deserialize;
use socket::{Heard, Said, Socket};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use upgrade::Upgrade;

/// A session over a socket, with a cookie jar of its own. Dropping it aborts the socket.
pub struct WebSocket<D> {
    session: Session<D>,
    upgrade: Upgrade,
    pace: Pace,
    socket: Option<Socket>,
    /// What is to be said next.
    outbox: VecDeque<Said>,
    /// What the frame last read takes of the budget, until its events are handed on.
    charge: Option<Box<dyn Charge>>,
    room: Option<watch::Receiver<bool>>,
}

/// A socket's times.
#[derive(Debug, Clone, Copy)]
struct Pace {
    ping: Duration,
    /// How long a pong, or a piece of whatever else comes, may take, and a frame of ours to leave.
    patience: Duration,
    goodbye: Duration,
}

impl<D: for<'de> Deserialize<'de>> WebSocket<D> {
    /// A session that has not said anything yet.
    ///
    /// # Errors
    /// The HTTP client cannot be built, for instance because no certificates were found.
    pub fn new(transport: Transport, config: Config) -> Result<Self, reqwest::Error> {
        let config = Config { transport: TransportKind::WebSocket, ..config };
        let pace =
            Pace { ping: config.ping_interval, patience: config.request_timeout, goodbye: config.goodbye_timeout };
        Ok(Self {
            session: Session::new(config, Instant::now()),
            pace,
            room: transport.room.as_ref().map(|room| room.changes()),
            upgrade: Upgrade::new(transport)?,
            socket: None,
            outbox: VecDeque::new(),
            charge: None,
        })
    }

    /// The next thing that happens. Cancel-safe. After [`Event::Ended`] it never returns.
    pub async fn next(&mut self) -> Event<D> {
        loop {
            self.send();
            if let Some(event) = self.session.poll_event() {
                return match event {
                    Event::Messages { messages, .. } => Event::Messages { messages, charge: self.charge.take() },
                    other => other,
                };
            }
            self.charge = None; // a frame without events takes no room any more
            let Some(deadline) = self.session.deadline() else { return std::future::pending().await };
            tokio::select! {
                biased;
                heard = hear(&mut self.socket) => self.heard(heard),
                () = tokio::time::sleep_until(deadline.at.into()) => self.timed_out(deadline.wait),
                () = changed(&mut self.room) => {}
            }
        }
    }

    /// Asks for a change of subscriptions, see [`Session::ask`].
    pub fn ask(&mut self, ask: Ask) {
        self.session.ask(ask);
    }

    /// Lets a refused channel be, see [`Session::forget`].
    pub fn forget(&mut self, channel: &str) {
        self.session.forget(channel);
    }

    /// Ends the session politely; [`next`](Self::next) goes on until [`Event::Ended`].
    pub fn disconnect(&mut self) {
        self.session.disconnect(Instant::now());
    }

    fn send(&mut self) {
        let now = Instant::now();
        if let Some(room) = &self.room {
            self.session.handle_room(*room.borrow(), now);
        }
        while let Some(request) = self.session.poll_request(now) {
            self.outbox.push_back(Said { phase: request.phase, text: request.body });
        }
        if self.session.deadline().is_none() {
            if let Some(socket) = self.socket.take() {
                socket.finish(self.outbox.drain(..));
            }
            self.outbox.clear();
            return;
        }
        if self.outbox.is_empty() {
            return;
        }
        let socket = self.socket.get_or_insert_with(|| Socket::open(self.upgrade.clone(), self.pace));
        socket.say(&mut self.outbox);
    }

    fn heard(&mut self, heard: Heard) {
        let now = Instant::now();
        match heard {
            Heard::Frame { text, charge } => {
                self.charge = charge;
                self.session.handle_frame(&text, now);
            }
            Heard::Traffic => self.session.handle_traffic(now),
            Heard::Closed(cause) => {
                self.hang_up();
                self.session.handle_closed(cause, now);
            }
        }
    }

    fn timed_out(&mut self, waited_for: Wait) {
        self.session.handle_timeout(Instant::now());
        if waited_for == Wait::ConnectReply && self.session.is_between_connects() {
            // The connect is repeated, and over this socket nothing came.
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        self.socket = None;
        self.outbox.clear();
    }
}

async fn hear(socket: &mut Option<Socket>) -> Heard {
    match socket {
        Some(socket) => socket.hear().await,
        None => std::future::pending().await,
    }
}

/// An end below Bayeux. `sent`: something of a session may have reached the server.
fn gone(sent: bool, text: impl Into<String>) -> Cause {
    Cause::Transport { sent, text: text.into(), error: None }
}
