//! Access and refresh tokens: issued, used, idle, rotated, revoked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use uuid::Uuid;

use crate::lock::lock;

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No token came with it.
    Missing,
    /// The token is unknown, idle for too long, revoked, or not good here.
    Invalid,
}

/// What a token is to be.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) scope: String,
    /// The refresh token's approval that the token dies with.
    pub(crate) approval: Option<u64>,
    /// How long it lives without use.
    pub(crate) idle: Duration,
    /// Good for nothing but changing the password.
    pub(crate) is_limited: bool,
}

/// An access token's life.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) grant: Grant,
    pub(crate) issued: Timestamp,
    used: Instant,
}

/// A refresh token's life: what the user approved, and when.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) approval: u64,
    pub(crate) scope: String,
    pub(crate) issued: Timestamp,
}

/// The valid tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Valid>);

#[derive(Debug, Default)]
struct Valid {
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    approvals: u64,
}

impl Tokens {
    /// A new token in Salesforce's form: the short org id, an exclamation mark, and the secret part.
    pub(crate) fn issue(&self, org: &str, grant: Grant) -> String {
        let token = format!("{org}!AQ{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let access = Access { grant, issued: Timestamp::now(), used: Instant::now() };
        lock(&self.0).access.insert(token.clone(), access);
        token
    }

    /// A new approval of the user's: its refresh token, and its number.
    pub(crate) fn approve(&self, scope: &str) -> (String, u64) {
        let mut valid = lock(&self.0);
        valid.approvals += 1;
        let approval = valid.approvals;
        let token = secret();
        let refresh = Refresh { approval, scope: scope.to_owned(), issued: Timestamp::now() };
        valid.refresh.insert(token.clone(), refresh);
        (token, approval)
    }

    /// The life of a refresh token; none where it is not valid.
    pub(crate) fn refresh(&self, token: &str) -> Option<Refresh> {
        lock(&self.0).refresh.get(token).cloned()
    }

    /// Puts another refresh token in the place of one, which is dead at once. None where it is not valid.
    pub(crate) fn rotate(&self, token: &str) -> Option<String> {
        let mut valid = lock(&self.0);
        let refresh = valid.refresh.remove(token)?;
        let token = secret();
        valid.refresh.insert(token.clone(), refresh);
        Some(token)
    }

    /// The token that a request came with, which counts as a use of it.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<String, Denied> {
        let token = bearer(headers).ok_or(Denied::Missing)?;
        if self.touch(token) { Ok(token.to_owned()) } else { Err(Denied::Invalid) }
    }

    /// Whether the token is good for data; a live CometD connection keeps it so.
    pub(crate) fn touch(&self, token: &str) -> bool {
        let mut valid = lock(&self.0);
        let Some(access) = valid.access.get_mut(token) else { return false };
        if access.is_idle() {
            valid.access.remove(token);
            return false;
        }
        access.used = Instant::now();
        !access.grant.is_limited
    }

    /// The life of an access token; none where it is not valid.
    pub(crate) fn access(&self, token: &str) -> Option<Access> {
        lock(&self.0).access.get(token).filter(|access| !access.is_idle()).cloned()
    }

    /// Revokes an access token, or a refresh token with all access tokens of its approval. The access tokens that died,
    /// or none where the token was not valid.
    pub(crate) fn revoke(&self, token: &str) -> Option<Vec<String>> {
        let mut valid = lock(&self.0);
        if valid.access.remove(token).is_some() {
            return Some(vec![token.to_owned()]);
        }
        let approval = valid.refresh.remove(token)?.approval;
        let dies = |_: &String, access: &mut Access| access.grant.approval == Some(approval);
        Some(valid.access.extract_if(dies).map(|(token, _)| token).collect())
    }

    /// Revokes every access token, and tells how many there were.
    pub(crate) fn revoke_access(&self) -> usize {
        std::mem::take(&mut lock(&self.0).access).len()
    }

    /// Revokes every refresh token, and tells how many there were.
    pub(crate) fn revoke_refresh(&self) -> usize {
        std::mem::take(&mut lock(&self.0).refresh).len()
    }
}

impl Access {
    /// When it dies if nobody uses it any more.
    pub(crate) fn expires(&self) -> Timestamp {
        let left = self.grant.idle.saturating_sub(self.used.elapsed());
        Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX)
    }

    fn is_idle(&self) -> bool {
        self.used.elapsed() > self.grant.idle
    }
}

/// The secret of a refresh token, which begins like Salesforce's.
fn secret() -> String {
    format!("5Aep861{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The token of an `Authorization` header: `Bearer`, or the older `OAuth` that jsforce and Camel send.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    (known && !token.trim().is_empty()).then(|| token.trim())
}
