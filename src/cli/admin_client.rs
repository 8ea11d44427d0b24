//! Speaks to the bridge that runs with a file's positions, over the Unix socket in their folder.

use crate::admin::SOCKET;
use crate::config::Outline;
use crate::decide;
use crate::position;
use serde::Serialize;
use serde_json::Value;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Builder;

/// The way to a running bridge.
pub(super) struct AdminClient {
    socket: PathBuf,
    answer_limit: Duration,
}

/// Why the bridge did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Nobody listens there.
    #[error("no bridge is running with the positions in {}", positions.display())]
    NotRunning { positions: PathBuf },
    /// A bridge runs, and has no socket.
    #[error(
        "the bridge with pid {pid} runs with these positions and has no socket at {}: its log says why; its admin listener takes the same with the token",
        socket.display()
    )]
    NoSocket { pid: String, socket: PathBuf },
    /// The socket is another user's.
    #[error("{} is not yours to use: run this as the user that the bridge runs as, or as root", socket.display())]
    NotAllowed { socket: PathBuf },
    /// The socket cannot be used.
    #[error("the bridge cannot be reached at {}: {reason}", socket.display())]
    Unreachable { socket: PathBuf, reason: String },
    /// The bridge refused. `wrong_input`: what was asked for, or the file, is wrong.
    #[error("{reason}")]
    Refused { reason: String, wrong_input: bool },
}

impl AdminClient {
    /// The way to the bridge with these positions, where one is running.
    ///
    /// # Errors
    /// [`Error::NotRunning`], or why it cannot be reached.
    pub(super) fn of(outline: &Outline) -> Result<Self, Error> {
        let socket = outline.positions.join(SOCKET);
        match UnixStream::connect(&socket) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(Error::NotAllowed { socket }),
            // None is there, or one that a dead process left, or its path is too long for one.
            Err(_) => return Err(nobody_listens(&outline.positions, socket)),
        }
        Ok(Self { socket, answer_limit: outline.shutdown_timeout.saturating_add(ANSWER_LIMIT) })
    }

    /// Asks for a change, and waits until it is done: what the bridge answers.
    ///
    /// # Errors
    /// The bridge refused, or did not answer.
    pub(super) fn post(&self, path: &str, order: &impl Serialize) -> Result<Value, Error> {
        let unreachable = |reason: String| Error::Unreachable { socket: self.socket.clone(), reason };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
        let asked = runtime.block_on(async {
            let client = reqwest::Client::builder().unix_socket(self.socket.as_path()).timeout(self.answer_limit);
            let answer = client.build()?.post(format!("http://crossfeed{path}")).json(order).send().await?;
            Ok((answer.status(), answer.json::<Value>().await?))
        });
        let (status, answer) = asked.map_err(|error: reqwest::Error| unreachable(decide::chain(&error)))?;
        if status.is_success() {
            return Ok(answer);
        }
        let reason = answer.get("error").and_then(Value::as_str).unwrap_or("the bridge refused").to_owned();
        Err(Error::Refused { reason, wrong_input: matches!(status.as_u16(), 400 | 404 | 409 | 422) })
    }
}

/// Whether the store is locked tells whether a bridge runs that has no socket.
fn nobody_listens(positions: &Path, socket: PathBuf) -> Error {
    match position::Store::owner(positions) {
        Some(pid) => Error::NoSocket { pid, socket },
        None => Error::NotRunning { positions: positions.to_owned() },
    }
}

/// How long a change may take beyond what a feed waits for that is told to end: logins that are on their way, and
/// goodbyes.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
