//! Subscribes and unsubscribes on their way: sent in arrays, one array at a time, answered one by one, refused ones
//! decided by the owner.

use super::{SUBSCRIBE, UNSUBSCRIBE};
use crate::message::{Ask, Outgoing};
use crate::session::{Exchange, Wait};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// What has been asked and is not settled yet.
#[derive(Debug)]
pub(super) struct Asking {
    /// When something has to happen, should nothing more precise be known.
    until: Instant,
    open: Option<Open>,
    /// Refused channels, each with the time until which it waits for a decision.
    undecided: HashMap<String, Instant>,
}

/// An array that is on its way.
#[derive(Debug)]
struct Open {
    exchange: Exchange,
    until: Instant,
    asked: HashMap<u64, Ask>,
    /// For servers that leave out the id. A channel may be dropped and asked for in one array.
    by_channel: HashMap<String, Vec<u64>>,
}

/// The body of a request, and how many messages are in it.
pub(super) struct Array {
    pub(super) body: String,
    pub(super) exchange: Exchange,
    pub(super) count: usize,
}

impl Asking {
    pub(super) fn new(until: Instant) -> Self {
        Self { until, open: None, undecided: HashMap::new() }
    }

    /// The next array, with as many of `asks` as fit into `limit` bytes but at least one; `None` while one is open, or
    /// where there is nothing to ask. `last_id` is the last id that was used.
    pub(super) fn next_array(
        &mut self,
        asks: &mut VecDeque<Ask>,
        client_id: &str,
        limit: usize,
        last_id: &mut u64,
        until: Instant,
    ) -> Option<Array> {
        if self.open.is_some() {
            return None;
        }
        let mut body = String::new();
        let mut asked = HashMap::new();
        let mut by_channel: HashMap<String, Vec<u64>> = HashMap::new();
        while let Some(ask) = asks.front() {
            let id = *last_id + 1;
            let message = render(client_id, &id.to_string(), ask);
            if !body.is_empty() && body.len() + message.len() + 2 > limit {
                break;
            }
            let Some(ask) = asks.pop_front() else { break };
            *last_id = id;
            body.push(if body.is_empty() { '[' } else { ',' });
            body.push_str(&message);
            by_channel.entry(ask.channel().to_owned()).or_default().push(id);
            asked.insert(id, ask);
        }
        if body.is_empty() {
            return None;
        }
        body.push(']');
        *last_id += 1;
        let (exchange, count) = (Exchange(*last_id), asked.len());
        self.open = Some(Open { exchange, until, asked, by_channel });
        Some(Array { body, exchange, count })
    }

    /// Settles the ask that an answer on `meta` is about: by its id, or by its channel where a server leaves out the id.
    pub(super) fn answered(&mut self, meta: &str, id: Option<&str>, subscription: Option<&str>) -> Option<Ask> {
        let open = self.open.as_mut()?;
        let id = match id {
            Some(id) => id.parse().ok()?,
            None => {
                let ids = open.by_channel.get(subscription?)?;
                *ids.iter().find(|id| open.asked.get(id).is_some_and(|ask| kind(ask) == meta))?
            }
        };
        open.asked.get(&id).filter(|ask| kind(ask) == meta)?;
        open.asked.remove(&id)
    }

    /// A channel was refused: the owner has until then to decide.
    pub(super) fn refused(&mut self, channel: &str, until: Instant) {
        self.undecided.insert(channel.to_owned(), until);
    }

    pub(super) fn decided(&mut self, channel: &str) {
        self.undecided.remove(channel);
    }

    /// What is on its way gets until `later`.
    pub(super) fn extend(&mut self, later: Instant) {
        if let Some(open) = &mut self.open {
            open.until = later.max(open.until);
        }
    }

    pub(super) fn expects(&self, exchange: Exchange) -> bool {
        self.open.as_ref().is_some_and(|open| open.exchange == exchange)
    }

    /// Whether something that is on its way is still unanswered.
    pub(super) fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.asked.is_empty())
    }

    /// The array that was on its way is answered; the next one goes out, at the latest at `until`.
    pub(super) fn close(&mut self, until: Instant) {
        self.open = None;
        self.until = until;
    }

    pub(super) fn is_settled(&self) -> bool {
        self.open.is_none() && self.undecided.is_empty()
    }

    /// The earliest of what is waited for.
    pub(super) fn deadline(&self) -> (Instant, Wait) {
        let reply = self.open.iter().map(|open| (open.until, Wait::SubscribeReply));
        let decisions = self.undecided.values().map(|until| (*until, Wait::Decision));
        reply.chain(decisions).min_by_key(|(at, _)| *at).unwrap_or((self.until, Wait::SubscribeReply))
    }
}

fn kind(ask: &Ask) -> &'static str {
    match ask {
        Ask::Subscribe(_) => SUBSCRIBE,
        Ask::Unsubscribe(_) => UNSUBSCRIBE,
    }
}

fn render(client_id: &str, id: &str, ask: &Ask) -> String {
    let ext = match ask {
        Ask::Subscribe(subscription) => subscription.ext.as_deref(),
        Ask::Unsubscribe(_) => None,
    };
    let subscription = Some(ask.channel());
    Outgoing { channel: kind(ask), id, client_id: Some(client_id), subscription, ext, ..Outgoing::default() }.json()
}
