//! The user: the password, and what becomes of those who guess it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::counters::{add, read};
use crate::org::Org;

/// How often a password was tried, by SOAP and by OAuth.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) all: AtomicU64,
    /// Wrong ones since the last right one.
    pub(crate) wrong: AtomicU64,
}

/// What a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    Right,
    /// Right, but the security token does not follow it and the caller's address is not trusted.
    Bare,
    /// Wrong, or the user is unknown or locked out.
    Wrong,
}

impl Attempts {
    /// Forgets the wrong passwords.
    pub(crate) fn forgive(&self) {
        self.wrong.store(0, Ordering::Relaxed);
    }
}

impl Org {
    /// Tries a password with or without its security token, and locks the user after too many wrong ones.
    pub(crate) fn try_password(&self, user_name: &str, password: &str) -> Password {
        // User names are not case-sensitive.
        if !user_name.eq_ignore_ascii_case(&self.options.user_name) {
            return Password::Wrong;
        }
        add(&self.attempts.all, 1);
        let policy = self.policies.now();
        if policy.locked {
            return Password::Wrong;
        }
        match password.strip_prefix(&self.options.password) {
            Some("") if !policy.trusted_ip => Password::Bare,
            Some(token) if token.is_empty() || token == self.options.security_token => {
                self.attempts.forgive();
                Password::Right
            }
            _ => {
                if add(&self.attempts.wrong, 1) >= self.options.lock_after {
                    tracing::info!(wrong = read(&self.attempts.wrong), "the user is locked out");
                    self.policies.lock_user();
                }
                Password::Wrong
            }
        }
    }
}
