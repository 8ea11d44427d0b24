//! Where a secret comes from that is had anew for each login.

use std::{io::Read as _, path::PathBuf};

use tokio::{fs::File, io::AsyncReadExt};

use super::{command, fingerprint::Fingerprint};
use crate::{Error, Secret};

/// Where a secret comes from that is had anew for each login.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that somebody keeps up to date.
    File(PathBuf),
    /// A program and its arguments; it prints the secret.
    Command(Vec<String>),
}

impl Source {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::File(_) => Ok(()),
            Self::Command(words) => command::check(words),
        }
    }

    pub(super) fn decided_by(&self, fingerprint: &mut Fingerprint) -> Option<()> {
        match self {
            Self::File(path) => {
                let mut text = String::new();
                std::fs::File::open(path).ok()?.take(FILE_LIMIT).read_to_string(&mut text).ok()?;
                fingerprint.add(Secret::from(text).expose());
                Some(())
            }
            Self::Command(_) => None,
        }
    }

    /// Its name for a person.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => format!("file {}", path.display()),
            Self::Command(words) => format!("command `{}`", words.first().map(String::as_str).unwrap_or_default()),
        }
    }

    pub(super) async fn obtain(&self) -> Result<Secret, Error> {
        match self {
            Self::Command(words) => command::run(words).await,
            Self::File(path) => {
                let mut text = String::new();
                let read = async { File::open(path).await?.take(FILE_LIMIT).read_to_string(&mut text).await };
                match read.await {
                    Ok(_) => Ok(text.into()),
                    Err(error) => Err(Error::Credential {
                        problem: format!("{} cannot be read: {error}", self.name()),
                        remedy: "write it there, and let the user this program runs as read it".into(),
                        // It is missing for a moment where it is replaced in two steps.
                        passes: true,
                    }),
                }
            }
        }
    }
}

const FILE_LIMIT: u64 = 1024 * 1024;
