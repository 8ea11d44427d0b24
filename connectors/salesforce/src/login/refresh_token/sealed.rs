//! What the file holds: JSON with a format number, and the token as it is or encrypted.
//!
//! Format 1 encrypts with ChaCha20-Poly1305 (RFC 8439) under a key that Argon2id (RFC 9106; 19 MiB, 2 passes, 1 lane)
//! makes of the secret given and a salt. Salt and nonce are new with each writing.

use argon2::Argon2;
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// Why the token cannot be had from a file, or brought into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenError {
    Unreadable,
    Format,
    KeyMissing,
    WrongKey,
    /// With a key configured, a token that anybody could have written is not taken.
    NotSealed,
    Cryptography,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Contents {
    format: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    salt: String,
    nonce: String,
    text: String,
}

impl Contents {
    /// What the file will hold.
    pub(super) fn seal(token: &Secret, key: Option<&Secret>) -> Result<Zeroizing<String>, OpenError> {
        let contents = match key {
            None => Self { format: FORMAT, token: Some(token.expose().into()), sealed: None },
            Some(key) => Self { format: FORMAT, token: None, sealed: Some(Sealed::of(token, key)?) },
        };
        serde_json::to_string(&contents).map(Zeroizing::new).map_err(|_| OpenError::Unreadable)
    }

    pub(super) fn of(text: &str) -> Result<Self, OpenError> {
        let contents: Self = serde_json::from_str(text).map_err(|_| OpenError::Unreadable)?;
        if contents.format == FORMAT { Ok(contents) } else { Err(OpenError::Format) }
    }

    pub(super) fn open(self, key: Option<&Secret>) -> Result<Secret, OpenError> {
        match (self.token, self.sealed, key) {
            (Some(token), None, None) if !token.is_empty() => Ok(token.into()),
            (Some(_), None, Some(_)) => Err(OpenError::NotSealed),
            (None, Some(sealed), Some(key)) => sealed.open(key),
            (None, Some(_), None) => Err(OpenError::KeyMissing),
            _ => Err(OpenError::Unreadable),
        }
    }
}

impl Sealed {
    fn of(token: &Secret, key: &Secret) -> Result<Self, OpenError> {
        let (salt, nonce): ([u8; 16], [u8; 12]) = (rand::random(), rand::random());
        let payload = Payload { msg: token.expose().as_bytes(), aad: CONTEXT };
        let text = cipher(key, &salt)?.encrypt(&Nonce::from(nonce), payload).map_err(|_| OpenError::Cryptography)?;
        Ok(Self { salt: STANDARD.encode(salt), nonce: STANDARD.encode(nonce), text: STANDARD.encode(text) })
    }

    fn open(&self, key: &Secret) -> Result<Secret, OpenError> {
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| OpenError::Unreadable);
        let nonce: [u8; 12] = bytes(&self.nonce)?.try_into().map_err(|_| OpenError::Unreadable)?;
        let (salt, text) = (bytes(&self.salt)?, bytes(&self.text)?);
        let payload = Payload { msg: &text, aad: CONTEXT };
        let token = cipher(key, &salt)?.decrypt(&Nonce::from(nonce), payload).map_err(|_| OpenError::WrongKey)?;
        String::from_utf8(token).map(Secret::from).map_err(|_| OpenError::Unreadable)
    }
}

fn cipher(key: &Secret, salt: &[u8]) -> Result<ChaCha20Poly1305, OpenError> {
    let mut derived = Zeroizing::new([0; 32]);
    Argon2::default()
        .hash_password_into(key.expose().as_bytes(), salt, &mut *derived)
        .map_err(|_| OpenError::Cryptography)?;
    ChaCha20Poly1305::new_from_slice(&*derived).map_err(|_| OpenError::Cryptography)
}

const FORMAT: u32 = 1;

/// Bound to the encrypted text, so that it is good for nothing else.
const CONTEXT: &[u8] = b"crossfeed refresh token, format 1";
