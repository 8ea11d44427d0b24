//! Authorization codes: one use, a short life, and bound to what the user approved (RFC 6749, 4.1; RFC 7636).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::refusal::{self, Refusal};
use crate::lock::lock;

/// What the user approved.
#[derive(Clone, Debug)]
pub(crate) struct Approved {
    pub(super) redirect_uri: String,
    /// The SHA-256 of the verifier, in base64url.
    pub(super) challenge: String,
    pub(super) scope: String,
}

/// The codes of the last hour, used ones too: they are told from invented ones.
#[derive(Debug, Default)]
pub(crate) struct Codes(Mutex<HashMap<String, Code>>);

#[derive(Debug)]
struct Code {
    made: Instant,
    is_used: bool,
    approved: Approved,
}

impl Codes {
    /// A new code. It has to be decoded once when it comes by URL, as Salesforce's.
    pub(super) fn issue(&self, approved: Approved) -> String {
        let code = format!("aPrx{}==", Uuid::new_v4().simple());
        let mut codes = lock(&self.0);
        codes.retain(|_, code| code.made.elapsed() < KEPT);
        codes.insert(code.clone(), Code { made: Instant::now(), is_used: false, approved });
        code
    }

    /// Uses a code, whether or not its caller is the right one.
    pub(super) fn take(&self, code: &str, life: Duration) -> Result<Approved, Refusal> {
        let mut codes = lock(&self.0);
        let code = codes.get_mut(code).ok_or(refusal::CODE)?;
        if std::mem::replace(&mut code.is_used, true) || code.made.elapsed() > life {
            return Err(refusal::EXPIRED);
        }
        Ok(code.approved.clone())
    }
}

impl Approved {
    /// Whether `verifier` is what the challenge was made of.
    pub(super) fn is_verified_by(&self, verifier: &str) -> bool {
        let hash = digest(&SHA256, verifier.as_bytes());
        (43..=128).contains(&verifier.len()) && URL_SAFE_NO_PAD.encode(hash) == self.challenge
    }
}

const KEPT: Duration = Duration::from_secs(3600);
