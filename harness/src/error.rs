//! What goes wrong while processes are driven. It is read by people: each says what to do, or where to look.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Why a step could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program that belongs to the workspace is not there.
    #[error("{program} is not beside {beside}: build it first, with cargo build --workspace")]
    NotBuilt {
        /// Its name.
        program: String,
        /// Where it was looked for.
        beside: PathBuf,
    },
    /// A file, a folder or a process could not be had.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A process ended that should have gone on.
    #[error("{name} ended by itself ({status}); the last it said:\n{said}")]
    Ended {
        /// The process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        said: String,
    },
    /// A process that was asked to end did not do it in good order.
    #[error("{name} was asked to end and did not do so in good order ({status}); the last it said:\n{said}")]
    Disorderly {
        /// The process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        said: String,
    },
    /// Apache Kafka did not start.
    #[error("scripts/kafka start failed ({status}); it said why above")]
    KafkaNotStarted {
        /// How the script ended.
        status: ExitStatus,
    },
    /// Something did not come true in time.
    #[error("{what}: not within {} s{said}", limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What is known instead, where anything is: begins with a line break.
        said: String,
    },
    /// The simulator or the bridge answered something else than success.
    #[error("{call} was answered with HTTP {status}: {body}")]
    Refused {
        /// The call.
        call: String,
        /// The status.
        status: u16,
        /// The answer.
        body: String,
    },
    /// An answer is not what it should be.
    #[error("{call} was answered with something else than expected: {reason}")]
    Malformed {
        /// The call.
        call: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// Kafka's answer.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::io(path.display().to_string())
    }

    pub(crate) fn malformed(call: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed { call: call.into(), reason: reason.to_string() }
    }

    /// The error with all its causes, for people.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    }
}
