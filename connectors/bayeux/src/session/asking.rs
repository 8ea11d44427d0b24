//! Subscribes and unsubscribes on their way: sent in arrays, answered one by one, refused ones decided by the owner.

use super::{SUBSCRIBE, UNSUBSCRIBE};
use crate::message::{Ask, Outgoing};
use crate::session::{Exchange, Wait};
use std::collections::VecDeque;
use std::time::Instant;

/// What has been asked and is not settled yet.
#[derive(Debug)]
pub(super) struct Asking {
    /// When all of it has to be settled, should nothing more precise be known.
    until: Instant,
    unsent: VecDeque<(String, Ask)>,
    /// Put into a request that has no exchange yet.
    taken: Vec<(String, Ask)>,
    open: Vec<Open>,
    /// Refused channels that wait for a decision.
    undecided: Vec<(String, Instant)>,
}

#[derive(Debug)]
struct Open {
    exchange: Exchange,
    until: Instant,
    asked: Vec<(String, Ask)>,
}

impl Asking {
    pub(super) fn new(until: Instant) -> Self {
        Self { until, unsent: VecDeque::new(), taken: Vec::new(), open: Vec::new(), undecided: Vec::new() }
    }

    pub(super) fn add(&mut self, id: String, ask: Ask) {
        self.unsent.push_back((id, ask));
    }

    /// The next request body, as many messages as fit into `limit` bytes but at least one, and their count.
    pub(super) fn take_request(&mut self, client_id: &str, limit: usize) -> Option<(String, usize)> {
        let mut body = String::new();
        while let Some((id, ask)) = self.unsent.front() {
            let message = render(client_id, id, ask);
            if !body.is_empty() && body.len() + message.len() + 2 > limit {
                break;
            }
            body.push(if body.is_empty() { '[' } else { ',' });
            body.push_str(&message);
            self.taken.extend(self.unsent.pop_front());
        }
        if body.is_empty() {
            return None;
        }
        body.push(']');
        Some((body, self.taken.len()))
    }

    /// The request last taken went out under `exchange`.
    pub(super) fn sent(&mut self, exchange: Exchange, until: Instant) {
        self.open.push(Open { exchange, until, asked: std::mem::take(&mut self.taken) });
    }

    /// Settles the ask that an answer is about: by its id, or by its channel where a server leaves out the id.
    pub(super) fn answered(&mut self, id: Option<&str>, subscription: Option<&str>) -> Option<Ask> {
        for open in &mut self.open {
            let found = open.asked.iter().position(|(asked, ask)| match id {
                Some(id) => asked == id,
                None => subscription == Some(ask.channel()),
            });
            if let Some(index) = found {
                return Some(open.asked.remove(index).1);
            }
        }
        None
    }

    pub(super) fn refused(&mut self, channel: &str, until: Instant) {
        self.undecided.push((channel.to_owned(), until));
    }

    pub(super) fn decided(&mut self, channel: &str) {
        self.undecided.retain(|(undecided, _)| undecided != channel);
    }

    pub(super) fn progress(&mut self, exchange: Exchange, later: Instant) {
        for open in self.open.iter_mut().filter(|open| open.exchange == exchange) {
            open.until = later.max(open.until);
        }
    }

    pub(super) fn expects(&self, exchange: Exchange) -> bool {
        self.open.iter().any(|open| open.exchange == exchange)
    }

    /// Whether something asked in this exchange is still unanswered.
    pub(super) fn is_open(&self, exchange: Exchange) -> bool {
        self.open.iter().any(|open| open.exchange == exchange && !open.asked.is_empty())
    }

    pub(super) fn close(&mut self, exchange: Exchange) {
        self.open.retain(|open| open.exchange != exchange);
    }

    pub(super) fn is_done(&self) -> bool {
        self.unsent.is_empty() && self.open.is_empty() && self.undecided.is_empty()
    }

    /// The earliest of what is waited for.
    pub(super) fn deadline(&self) -> (Instant, Wait) {
        let replies = self.open.iter().map(|open| (open.until, Wait::SubscribeReply));
        let decisions = self.undecided.iter().map(|(_, until)| (*until, Wait::Decision));
        replies.chain(decisions).min_by_key(|(at, _)| *at).unwrap_or((self.until, Wait::SubscribeReply))
    }
}

fn render(client_id: &str, id: &str, ask: &Ask) -> String {
    let (channel, ext) = match ask {
        Ask::Subscribe(subscription) => (SUBSCRIBE, subscription.ext.as_deref()),
        Ask::Unsubscribe(_) => (UNSUBSCRIBE, None),
    };
    let subscription = Some(ask.channel());
    Outgoing { channel, id, client_id: Some(client_id), subscription, ext, ..Outgoing::default() }.json()
}
