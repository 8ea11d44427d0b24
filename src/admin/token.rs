//! The token that lets its holder change things over the network.

use aws_lc_rs::{constant_time, rand};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A token in a file of the positions folder. It has no `Debug`: it is a secret.
pub(super) struct Token {
    path: PathBuf,
    token: String,
}

impl Token {
    /// The token that is in `folder`, or a new one, which only the owner of the process can read.
    ///
    /// # Errors
    /// The file cannot be read or made, or what is in it is too short to be a secret.
    pub(super) fn read_or_make(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
        let token = match File::open(&path) {
            Ok(mut file) => {
                if file.metadata().map_err(named)?.permissions().mode() & 0o077 != 0 {
                    let path = path.display();
                    tracing::warn!("others than its owner may use the admin token: run chmod 600 {path}");
                }
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(named)?;
                text.trim().to_owned()
            }
            Err(error) if error.kind() == ErrorKind::NotFound => make(&path).map_err(named)?,
            Err(error) => return Err(named(error)),
        };
        if token.len() < SHORTEST {
            let text = "too short for a secret: remove the file, and a new one is made at the next start";
            return Err(named(Error::new(ErrorKind::InvalidData, text)));
        }
        Ok(Self { path, token })
    }

    /// Where it is kept.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is the token. How long that takes does not tell how much of it is right.
    pub(super) fn is(&self, presented: &str) -> bool {
        constant_time::verify_slices_are_equal(self.token.as_bytes(), presented.as_bytes()).is_ok()
    }
}

fn make(path: &Path) -> Result<String, Error> {
    let mut random = [0; RANDOM_BYTES];
    rand::fill(&mut random).map_err(|_| Error::other("no random numbers"))?;
    let mut token = String::with_capacity(RANDOM_BYTES * 2);
    for byte in random {
        write!(token, "{byte:02x}").map_err(Error::other)?;
    }
    // Never half written, and never readable by others, not even for a moment.
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    Ok(token)
}

const FILE: &str = "admin-token";
const RANDOM_BYTES: usize = 32;
/// Nobody guesses so many characters; whoever puts a token of their own there may not know that.
const SHORTEST: usize = 32;

#[cfg(test)]
mod tests;
