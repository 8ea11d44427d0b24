//! Access tokens: issued, used, idle, revoked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use uuid::Uuid;

use crate::lock::lock;

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No token came with it.
    Missing,
    /// The token is unknown, idle for too long, or revoked.
    Invalid,
}

/// The valid tokens, each with its last use.
#[derive(Debug)]
pub(crate) struct Tokens {
    idle: Duration,
    used: Mutex<HashMap<String, Instant>>,
}

impl Tokens {
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, used: Mutex::new(HashMap::new()) }
    }

    /// A new token in Salesforce's form: the short org id, an exclamation mark, and the secret part.
    pub(crate) fn issue(&self, org_id: &str) -> String {
        let org: String = org_id.chars().take(15).collect();
        let token = format!("{org}!AQ{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        lock(&self.used).insert(token.clone(), Instant::now());
        token
    }

    /// Lets a request in and counts as a use of its token.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<String, Denied> {
        let token = bearer(headers).ok_or(Denied::Missing)?;
        if self.touch(token) { Ok(token.to_owned()) } else { Err(Denied::Invalid) }
    }

    /// Whether the token is valid; a live CometD connection keeps it so.
    pub(crate) fn touch(&self, token: &str) -> bool {
        let mut used = lock(&self.used);
        match used.get_mut(token) {
            Some(last) if last.elapsed() <= self.idle => {
                *last = Instant::now();
                true
            }
            Some(_) => {
                used.remove(token);
                false
            }
            None => false,
        }
    }

    pub(crate) fn revoke(&self, token: &str) -> bool {
        lock(&self.used).remove(token).is_some()
    }

    pub(crate) fn revoke_all(&self) -> usize {
        let mut used = lock(&self.used);
        let count = used.len();
        used.clear();
        count
    }
}

/// The token of an `Authorization` header: `Bearer`, or the older `OAuth` that jsforce and Camel send.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    (known && !token.trim().is_empty()).then(|| token.trim())
}
