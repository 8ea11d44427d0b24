//! What must never be shown.

use secrecy::{ExposeSecret, SecretString};

/// A secret: a password, a key, a token. It has neither `Debug` nor `Display`, so that what holds it cannot show it by
/// mistake, and its memory is wiped when it is dropped.
///
/// ```compile_fail
/// let secret = salesforce::Secret::from("open sesame".to_owned());
/// println!("{secret:?}");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Whether two that are ours are the same. Not for what somebody else presents: the time that it takes tells.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}
