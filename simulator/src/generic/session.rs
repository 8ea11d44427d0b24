//! One client's session: what it subscribed, the queue of its events, and what it has acknowledged of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use super::pattern::Pattern;
use crate::bus::Stream;
use crate::counters::add;
use crate::session::Interrupt;

/// An event on its way to a session: the whole message.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// The reply that it goes out with first, where the session acknowledges.
    batch: u64,
    pub(super) stream: Arc<Stream>,
    pub(super) message: Bytes,
}

/// By what events reach the client outside of connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// By replies only.
    None,
    /// By this socket.
    Socket(u64),
    /// By a socket that is gone without the server's knowledge: the next event is lost in it.
    Dead,
}

#[derive(Debug)]
pub(super) struct Session {
    /// The cookie of its handshake; none where that came by WebSocket without one.
    pub(super) browser: Option<String>,
    pub(super) news: Arc<Notify>,
    pub(super) subscriptions: Vec<Pattern>,
    pub(super) link: Link,
    /// When something was last said to the client.
    pub(super) touched: Instant,
    /// How much longer than usual it may be silent, since it said so itself.
    pub(super) interval: Duration,
    pub(super) is_connected: bool,
    /// Whether events wait for their acknowledgement, and go out with connects only.
    pub(super) acknowledges: bool,
    hold: Option<(u64, oneshot::Sender<Interrupt>)>,
    queue: VecDeque<Queued>,
    /// The number of the next connect's reply.
    batch: u64,
}

impl Session {
    pub(super) fn new(browser: Option<String>, acknowledges: bool) -> Self {
        Self {
            browser,
            news: Arc::default(),
            subscriptions: Vec::new(),
            link: Link::None,
            touched: Instant::now(),
            interval: Duration::ZERO,
            is_connected: false,
            acknowledges,
            hold: None,
            queue: VecDeque::new(),
            batch: 1,
        }
    }

    pub(super) fn wants(&self, channel: &str) -> bool {
        self.subscriptions.iter().any(|pattern| pattern.matches(channel))
    }

    /// Queues events of a channel. The first is lost where it is written to a socket that is gone.
    pub(super) fn deliver(&mut self, stream: &Arc<Stream>, messages: &[Bytes]) {
        let mut messages = messages.iter();
        if self.link == Link::Dead && messages.len() > 0 {
            self.link = Link::None;
            messages.next();
            add(&stream.lost, 1);
        }
        for message in messages {
            self.queue.push_back(Queued { batch: self.batch, stream: Arc::clone(stream), message: message.clone() });
        }
        self.news.notify_waiters();
    }

    /// Lets go of everything up to the reply of this number.
    pub(super) fn acknowledge(&mut self, batch: u64) {
        while self.queue.front().is_some_and(|event| event.batch <= batch) {
            self.queue.pop_front();
        }
    }

    /// Whether there are events that went out with no reply yet.
    pub(super) fn has_fresh(&self) -> bool {
        self.queue.back().is_some_and(|event| event.batch == self.batch)
    }

    pub(super) fn has_any(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn pending(&self, stream: &Arc<Stream>) -> usize {
        self.queue.iter().filter(|event| Arc::ptr_eq(&event.stream, stream)).count()
    }

    /// Events for a reply that is not a connect's, or for the socket.
    pub(super) fn take(&mut self) -> Vec<Queued> {
        if self.acknowledges { Vec::new() } else { self.queue.drain(..).collect() }
    }

    /// Events for a connect's reply, and the number of the reply where the session acknowledges.
    pub(super) fn take_for_connect(&mut self) -> (Vec<Queued>, Option<u64>) {
        self.touched = Instant::now();
        if !self.acknowledges {
            return (self.take(), None);
        }
        let number = self.batch;
        self.batch += 1;
        (self.queue.iter().cloned().collect(), Some(number))
    }

    pub(super) fn is_held(&self) -> bool {
        self.hold.is_some()
    }

    pub(super) fn is_held_by(&self, hold: u64) -> bool {
        self.hold.as_ref().is_some_and(|(number, _)| *number == hold)
    }

    /// Holds a connect in place of an earlier one, which is told so.
    pub(super) fn hold(&mut self, number: u64) -> oneshot::Receiver<Interrupt> {
        self.interrupt(Interrupt::Newer);
        let (sender, interrupts) = oneshot::channel();
        self.hold = Some((number, sender));
        interrupts
    }

    /// Ends the hold without a word.
    pub(super) fn release(&mut self) {
        self.hold = None;
        self.touched = Instant::now();
    }

    /// Tells the held connect, if there is one, why it ends.
    pub(super) fn interrupt(&mut self, why: Interrupt) {
        if let Some((_, sender)) = self.hold.take() {
            self.touched = Instant::now();
            let _gone_already = sender.send(why);
        }
    }

    pub(super) fn is_silent(&self, expiry: Duration) -> bool {
        self.hold.is_none() && self.touched.elapsed() > expiry + self.interval
    }
}
