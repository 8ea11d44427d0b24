//! The refresh token of an org, kept in a file of its own.
//!
//! An app may replace it with each use (Salesforce Help, *Refresh Token Rotation*), and the one before is dead then: so
//! the new one is on disk before anything else is done, and no two processes use it at once.

mod lock;
mod sealed;

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::zeroize::Zeroizing;

use self::sealed::{Contents, OpenError};
use super::refusal::LOG_IN;
use crate::{Error, Secret, durable};

/// A refresh token in a file. All that read it and write it block: for a moment, or for some tens of milliseconds where
/// it is encrypted. A clone is the same file.
#[derive(Clone)]
pub struct RefreshToken {
    path: PathBuf,
    key: Option<Secret>,
    unsaved: Arc<Mutex<Option<Unsaved>>>,
}

/// The same file, opened with the same key.
impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.key) == (&other.path, &other.key)
    }
}

impl Eq for RefreshToken {}

/// A token that could not be written: it is lost if the process ends.
struct Unsaved {
    token: Secret,
    /// What it takes the place of. If a third one is found in the file, that is newer.
    replaces: Option<Secret>,
}

impl RefreshToken {
    /// Kept in the file at `path`, whose folder exists; encrypted if there is a `key`, which may be any text.
    pub fn new(path: PathBuf, key: Option<Secret>) -> Self {
        Self { path, key, unsaved: Arc::default() }
    }

    /// Where it is kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The token, or `None` if none is stored.
    ///
    /// # Errors
    /// [`Error::Credential`]: others may read the file, the key is not the one it is encrypted with, or it cannot be
    /// read.
    pub fn read(&self) -> Result<Option<Secret>, Error> {
        let text = match self.text() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && error.get_ref().is_some() => {
                let remedy = format!("run: chmod 600 {}", self.path.display());
                return Err(self.broken("may be read by others than its owner".into(), remedy));
            }
            Err(error) => {
                let remedy = "let the user this program runs as own the file and its folder";
                return Err(self.broken(format!("cannot be read: {error}"), remedy.into()));
            }
        };
        let opened = Contents::of(&text).and_then(|contents| contents.open(self.key.as_ref()));
        opened.map(Some).map_err(|error| self.unopened(error))
    }

    /// Stores a token in place of the one there, so that after a crash there is one or the other.
    ///
    /// # Errors
    /// [`Error::Credential`]: it could not be written. It is kept in memory then, and the next login writes it first.
    pub fn write(&self, token: &Secret) -> Result<(), Error> {
        let replaces = self.read().ok().flatten();
        self.replace(replaces, token)
    }

    /// Finds what a [`write`](Self::write) would fail for, and changes nothing.
    ///
    /// # Errors
    /// [`Error::Credential`]: no file can be written in its place.
    pub(super) fn probe(&self) -> Result<(), Error> {
        let path = self.real_path();
        let probed = || -> io::Result<()> {
            if path.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            durable::written_beside(&path, &[0; PROBE_SIZE])?.close()
        };
        probed().map_err(|error| {
            let remedy = "make room on the disk, and let the user this program runs as write in that folder";
            self.broken(format!("cannot be written: {error}"), remedy.into())
        })
    }

    /// Removes the file, if there is one.
    ///
    /// # Errors
    /// [`Error::Credential`]: it could not be removed.
    pub fn remove(&self) -> Result<(), Error> {
        *self.unsaved() = None;
        let path = self.real_path();
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed.and_then(|()| durable::sync_folder(&path)),
        };
        removed.map_err(|error| self.broken(format!("cannot be removed: {error}"), "remove it by hand".into()))
    }

    /// The token to use, once one that could not be written has been.
    pub(super) fn recover(&self) -> Result<Option<Secret>, Error> {
        let stored = self.read()?;
        let Some(Unsaved { token, replaces }) = self.unsaved().take() else { return Ok(stored) };
        let is_known = stored.as_ref().map(Secret::expose).is_none_or(|stored| {
            stored == token.expose() || replaces.as_ref().is_some_and(|replaces| stored == replaces.expose())
        });
        if !is_known {
            return Ok(stored);
        }
        self.replace(replaces, &token)?;
        Ok(Some(token))
    }

    /// As [`write`](Self::write), where it is known what stands in the file.
    pub(super) fn replace(&self, replaces: Option<Secret>, token: &Secret) -> Result<(), Error> {
        let saved = self.save(token);
        *self.unsaved() = saved.is_err().then(|| Unsaved { token: token.clone(), replaces });
        saved
    }

    fn text(&self) -> io::Result<Zeroizing<String>> {
        let about = fs::metadata(&self.path)?;
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        if about.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may read it"));
        }
        // With room for all of it, so that no half of it is left where it was before it grew.
        let size = about.len().min(FILE_LIMIT);
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(size).unwrap_or_default() + 1));
        fs::File::open(&self.path)?.take(FILE_LIMIT).read_to_string(&mut text)?;
        Ok(text)
    }

    fn save(&self, token: &Secret) -> Result<(), Error> {
        let text = Contents::seal(token, self.key.as_ref()).map_err(|error| self.unopened(error))?;
        let path = self.real_path();
        durable::replace(&path, text.as_bytes()).map_err(|error| Error::Credential {
            problem: format!("the new refresh token cannot be written to {}: {error}", self.path.display()),
            remedy: format!(
                "make room on the disk, and let the user this program runs as write in that folder; {DO_NOT_STOP}"
            )
            .into(),
            passes: true,
        })
    }

    /// The file itself where the path is a link, which a new file would take the place of.
    fn real_path(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    fn unopened(&self, error: OpenError) -> Error {
        let anew = || format!("remove the file, and {LOG_IN}");
        let (problem, remedy) = match error {
            OpenError::Unreadable => ("is not a file with a refresh token", anew()),
            OpenError::Format => ("is of a format this version does not know", anew()),
            OpenError::KeyMissing => {
                ("is encrypted, and no key is configured", format!("configure its key; if it is lost, {}", anew()))
            }
            OpenError::WrongKey => (
                "is encrypted with another key than the one configured, or damaged",
                format!("configure the key it was written with; if it is lost, {}", anew()),
            ),
            OpenError::NotSealed => ("is not encrypted, though a key is configured", anew()),
            OpenError::Cryptography => ("cannot be encrypted", "give a key of at most some thousand characters".into()),
        };
        self.broken(problem.into(), remedy)
    }

    /// It is not for good while there is a token to be written: the program that has it is to go on.
    fn broken(&self, problem: String, remedy: String) -> Error {
        let problem = format!("the refresh token's file {} {problem}", self.path.display());
        let passes = self.unsaved().is_some();
        let remedy = if passes { format!("{remedy}; {DO_NOT_STOP}") } else { remedy };
        Error::Credential { problem, remedy: remedy.into(), passes }
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FILE_LIMIT: u64 = 64 * 1024;

/// Bytes, more than a file with a token has.
const PROBE_SIZE: usize = 4096;

const DO_NOT_STOP: &str = "do not stop this program before, since it alone has the new token";

#[cfg(test)]
mod tests;
