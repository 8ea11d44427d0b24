//! What was called how often, for `GET /simulator/stats`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

/// A kind of call. The Bayeux ones count messages, the others HTTP requests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Token,
    Authorize,
    Introspect,
    Soap,
    Userinfo,
    Revoke,
    Handshake,
    Connect,
    Subscribe,
    Unsubscribe,
    Disconnect,
    Publish,
    Create,
    Collections,
    Limits,
    Describe,
    /// Every REST call, whatever became of it.
    Api,
    Read,
    Update,
    Upsert,
    Delete,
    Query,
    Composite,
    Schema,
}

/// One number a kind of call, and the sessions' life.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: [AtomicU64; NAMES.len()],
    /// Events accepted by REST, as `limits` shows them.
    pub(crate) published: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) disconnected: AtomicU64,
    pub(crate) ended: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, call: Call) {
        if let Some(counter) = self.calls.get(call as usize) {
            add(counter, 1);
        }
    }

    pub(crate) fn calls(&self) -> Map<String, Value> {
        NAMES.iter().zip(&self.calls).map(|(name, counter)| ((*name).to_owned(), read(counter).into())).collect()
    }
}

pub(crate) fn add(counter: &AtomicU64, more: u64) -> u64 {
    counter.fetch_add(more, Ordering::Relaxed) + more
}

pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// In the order of [`Call`].
const NAMES: [&str; 24] = [
    "token",
    "authorize",
    "introspect",
    "soap",
    "userinfo",
    "revoke",
    "handshake",
    "connect",
    "subscribe",
    "unsubscribe",
    "disconnect",
    "publish",
    "create",
    "collections",
    "limits",
    "describe",
    "api",
    "read",
    "update",
    "upsert",
    "delete",
    "query",
    "composite",
    "schema",
];
