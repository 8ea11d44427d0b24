//! What decides whether a login can succeed, as one text.

use crate::Secret;

/// Parts that cannot run into each other: each goes with its length.
pub(super) struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn new() -> Self {
        // Room for all of it, so that no half of it is left where it was before it grew.
        Self(String::with_capacity(16 * 1024))
    }

    pub(super) fn add(&mut self, part: &str) {
        self.0.push_str(&part.len().to_string());
        self.0.push(':');
        self.0.push_str(part);
    }

    /// A part that may be missing, which is not the same as empty.
    pub(super) fn add_optional(&mut self, part: Option<&str>) {
        match part {
            Some(part) => self.add(part),
            None => self.0.push('-'),
        }
    }

    pub(super) fn into_secret(self) -> Secret {
        self.0.into()
    }
}
