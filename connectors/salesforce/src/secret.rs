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

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}
