//! The Unix socket in the positions folder, for the owner of the process on its own machine.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// The socket's name in the positions folder.
pub const SOCKET: &str = "admin.sock";

/// The file of a bound socket, removed when this is dropped.
pub(super) struct Socket(PathBuf);

impl Socket {
    /// Binds the socket of a folder that this process alone uses: one that is there was left by a process that died.
    ///
    /// # Errors
    /// Its path is longer than a socket's can be, or something else is in its place.
    pub(super) fn bind(folder: &Path) -> Result<(Self, UnixListener), Error> {
        let path = folder.join(SOCKET);
        let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(&path).map_err(named)?,
            Ok(_) => return Err(named(Error::new(ErrorKind::AlreadyExists, "something else is in its place"))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(named(error)),
        }
        let listener = UnixListener::bind(&path).map_err(named)?;
        let socket = Self(path.clone());
        // Who came in the moment between is still asked who they are.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(named)?;
        Ok((socket, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the socket's file was not removed");
        }
    }
}
