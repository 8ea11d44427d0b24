//! One process at a time: the bridge, and a command run beside it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::RefreshToken;
use crate::{Error, durable, login::blocking};

/// The lock, until it is dropped.
pub(in crate::login) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl RefreshToken {
    /// Waits until nobody else uses the token.
    pub(in crate::login) async fn lock(&self) -> Result<Lock, Error> {
        self.lock_within(LIMIT).await
    }

    pub(super) async fn lock_within(&self, limit: Duration) -> Result<Lock, Error> {
        let deadline = Instant::now() + limit;
        loop {
            let token = self.clone();
            if let Some(lock) = blocking(move || token.try_lock()).await? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(Error::Credential {
                    problem: format!("another process holds the refresh token's file {}", self.path.display()),
                    remedy: "see which other crossfeed runs with the same file, and end it if it hangs".into(),
                    passes: true,
                });
            }
            sleep(STEP).await;
        }
    }

    fn try_lock(&self) -> Result<Option<Lock>, Error> {
        let mut path = self.real_path().into_os_string();
        path.push(".lock");
        let locked = || -> io::Result<Option<Lock>> {
            durable::create_folder(Path::new(&path))?;
            let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(Lock(file))),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        locked().map_err(|error| {
            let remedy = "let the user this program runs as write in the file's folder: Salesforce may \
                          replace the token with each use";
            self.broken(format!("cannot be locked: {error}"), remedy.into())
        })
    }
}

/// More than the call takes for which another process holds it, unless that one's limits of time were raised: then this
/// is tried again.
const LIMIT: Duration = Duration::from_secs(150);

const STEP: Duration = Duration::from_millis(50);
