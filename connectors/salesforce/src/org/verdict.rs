//! What a login that failed for good leaves behind: it is not tried again with the same credentials, also not by the
//! next process. A supervisor that starts a program again and again would lock the user out otherwise.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Secret};

/// The memory of one org's login. A clone is the same.
#[derive(Clone)]
pub(super) struct Verdict(Option<Arc<Place>>);

struct Place {
    file: PathBuf,
    credentials: Box<dyn Fn() -> Option<Secret> + Send + Sync>,
    /// Try once more what is remembered.
    retry: bool,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    /// Of the credentials, in PHC's format: slow to guess from.
    fingerprint: String,
    at: Timestamp,
    error: String,
    remedy: String,
}

impl Verdict {
    /// No memory: each process begins anew.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// A memory in `file`. `credentials` says what the login depends on, at the time it is asked; where that is not
    /// known, nothing is remembered.
    pub(super) fn new(file: PathBuf, credentials: Box<dyn Fn() -> Option<Secret> + Send + Sync>, retry: bool) -> Self {
        Self(Some(Arc::new(Place { file, credentials, retry })))
    }

    /// The error of a login with these credentials that failed for good before.
    pub(super) async fn recall(&self) -> Option<Error> {
        self.on_its_thread(|place| if place.retry { None } else { place.recall() }).await.flatten()
    }

    /// Remembers an error that the org gave for good.
    pub(super) async fn remember(&self, error: &Error) {
        let Error::Login { .. } = error else { return };
        if !error.is_fatal() {
            return;
        }
        let (error, remedy) = (error.to_string(), error.remedy().unwrap_or_default().to_owned());
        let kept = self.on_its_thread(move |place| place.remember(error, remedy)).await;
        if let Some(Err(error)) = kept {
            tracing::error!(%error, "a failed login could not be remembered: a restart tries it again");
        }
    }

    /// Forgets what was remembered: the login works.
    pub(super) async fn forget(&self) {
        let _ = self.on_its_thread(|place| std::fs::remove_file(&place.file)).await;
    }

    /// Hashing takes tens of milliseconds, on purpose.
    async fn on_its_thread<T: Send + 'static>(&self, work: impl FnOnce(&Place) -> T + Send + 'static) -> Option<T> {
        let place = self.0.clone()?;
        tokio::task::spawn_blocking(move || work(&place)).await.ok()
    }
}

impl Place {
    fn recall(&self) -> Option<Error> {
        let record: Record = serde_json::from_slice(&std::fs::read(&self.file).ok()?).ok()?;
        if record.format != FORMAT {
            return None;
        }
        let fingerprint = PasswordHash::new(&record.fingerprint).ok()?;
        let credentials = (self.credentials)()?;
        Argon2::default().verify_password(credentials.expose().as_bytes(), &fingerprint).ok()?;
        let Record { at, error, remedy, .. } = record;
        Some(Error::Remembered { at, error, remedy: format!("{remedy}; then start once with --retry-login") })
    }

    fn remember(&self, error: String, remedy: String) -> io::Result<()> {
        let Some(credentials) = (self.credentials)() else { return Ok(()) };
        let fingerprint =
            Argon2::default().hash_password(credentials.expose().as_bytes()).map_err(io::Error::other)?.to_string();
        let record = Record { format: FORMAT, fingerprint, at: Timestamp::now(), error, remedy };
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.file)?;
        file.write_all(&serde_json::to_vec(&record)?)
    }
}

const FORMAT: u32 = 1;
