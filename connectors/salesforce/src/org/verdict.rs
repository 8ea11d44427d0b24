//! What a login that failed for good leaves behind: it is not tried again with the same credentials, also not by the
//! next process. A supervisor that starts a program again and again would lock the user out otherwise.

use std::{fs, io, path::PathBuf, sync::Arc};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Secret, durable};

/// The memory of one org's login. A clone is the same.
#[derive(Clone)]
pub(super) struct Verdict(Option<Arc<Place>>);

struct Place {
    file: PathBuf,
    credentials: Box<dyn Fn() -> Option<Secret> + Send + Sync>,
    /// Try once more what is remembered.
    retry: bool,
}

/// A login that may be tried, with the credentials as they were before it.
pub(super) struct Trial(Option<(Arc<Place>, Option<Secret>)>);

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

    /// Begins a login.
    ///
    /// # Errors
    /// One with these credentials failed for good before; or whether one did cannot be read, and then none is tried.
    pub(super) async fn begin(&self) -> Result<Trial, Error> {
        let Some(place) = self.0.clone() else { return Ok(Trial(None)) };
        on_a_thread(move || {
            // Before the login: what is changed meanwhile was not tried.
            let credentials = (place.credentials)();
            if let (false, Some(credentials)) = (place.retry, &credentials) {
                place.recall(credentials)?;
            }
            Ok(Trial(Some((place, credentials))))
        })
        .await?
    }
}

impl Trial {
    /// The login failed: remembers an error that the org gave for good.
    pub(super) async fn failed(self, error: &Error) {
        let Some((place, Some(credentials))) = self.0 else { return };
        let Error::Login { refusal, .. } = error else { return };
        if !refusal.is_remembered() {
            return;
        }
        let (text, remedy) = (error.to_string(), error.remedy().unwrap_or_default().to_owned());
        let file = place.file.display().to_string();
        let kept = on_a_thread(move || place.remember(&credentials, text, remedy)).await;
        if let Ok(Err(error)) = kept {
            tracing::error!(%error, file, "a failed login could not be remembered: a restart tries it again");
        }
    }

    /// The login works: forgets what was remembered.
    pub(super) async fn succeeded(self) {
        let Some((place, _)) = self.0 else { return };
        let file = place.file.display().to_string();
        match on_a_thread(move || fs::remove_file(&place.file)).await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, file, "a failed login of before could not be forgotten");
            }
            _ => {}
        }
    }
}

impl Place {
    fn recall(&self, credentials: &Secret) -> Result<(), Error> {
        let record = match fs::read(&self.file) {
            Ok(record) => record,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.unreadable(error)),
        };
        let record: Record = serde_json::from_slice(&record).map_err(|error| self.unreadable(error))?;
        if record.format != FORMAT {
            return Err(self.unreadable(format!("format {} is not known", record.format)));
        }
        let fingerprint = PasswordHash::new(&record.fingerprint).map_err(|error| self.unreadable(error))?;
        if Argon2::default().verify_password(credentials.expose().as_bytes(), &fingerprint).is_err() {
            return Ok(());
        }
        let Record { at, error, remedy, .. } = record;
        let remedy = format!("{remedy}; where the credentials stay as they are, start once with --retry-login then");
        Err(Error::Remembered { at, error, remedy })
    }

    fn remember(&self, credentials: &Secret, error: String, remedy: String) -> io::Result<()> {
        let fingerprint =
            Argon2::default().hash_password(credentials.expose().as_bytes()).map_err(io::Error::other)?.to_string();
        let record = Record { format: FORMAT, fingerprint, at: Timestamp::now(), error, remedy };
        durable::create_folder(&self.file)?;
        durable::replace(&self.file, &serde_json::to_vec(&record)?)
    }

    /// Not knowing is not the same as nothing: a login too many locks the user.
    fn unreadable(&self, error: impl std::fmt::Display) -> Error {
        let file = self.file.display();
        Error::Credential {
            problem: format!("whether this login was refused before cannot be read from {file}: {error}"),
            remedy: "let the user this program runs as read and write it; or start once with --retry-login".into(),
            passes: false,
        }
    }
}

/// Hashing takes tens of milliseconds, on purpose.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Interrupted)
}

const FORMAT: u32 = 1;
