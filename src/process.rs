//! The feeds of a process: who runs them, and how they are told to pause, to go on, and to follow a changed file.
//!
//! One [`Supervisor`] owns everything and does one thing at a time. [`Control`] is how others tell it what to do; it
//! holds neither the position store nor a feed, so that whoever keeps it keeps nothing else alive.

mod reload;
mod slot;
mod supervisor;

pub use reload::Changes;
pub use supervisor::Supervisor;

use crate::config::{Feed, Problems};
use crate::feed::Status;
use crate::position::{self, Paused, Store};
use crate::shared;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Tells the supervisor what to do. A clone tells the same one. What was told is done even where the caller does not wait
/// for the answer.
#[derive(Clone)]
pub struct Control {
    commands: mpsc::Sender<Command>,
    roster: watch::Receiver<Arc<Roster>>,
}

/// Who is there now: it changes with the file.
#[derive(Default)]
pub struct Roster {
    /// Each feed's state, in the order of names.
    pub statuses: Vec<Arc<Status>>,
    /// The gate of each org, by name.
    pub orgs: Vec<(String, salesforce::Org)>,
    /// What the file says of the feeds.
    pub feeds: Vec<Feed>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such feed.
    #[error("there is no feed `{feed}`; there are: {}", known.join(", "))]
    UnknownFeed {
        /// What was asked for.
        feed: String,
        /// The feeds that there are.
        known: Vec<String>,
    },
    /// The process ends.
    #[error("the bridge is shutting down")]
    Ending,
    /// The position store.
    #[error(transparent)]
    Store(#[from] position::Error),
    /// The file has errors.
    #[error(transparent)]
    File(#[from] Problems),
    /// An org of the file cannot work.
    #[error(transparent)]
    Org(#[from] shared::Error),
    /// The file changes what a running process cannot.
    #[error("{} cannot change while the bridge runs: restart it; nothing was changed", settings.join(" and "))]
    Fixed {
        /// The keys in the file.
        settings: Vec<&'static str>,
    },
    /// A step failed in a way that it must not: a mistake of ours.
    #[error("a step failed in a way that it must not; please report this")]
    Bug,
}

enum Command {
    Pause { feed: String, paused: Paused, answer: Answer<Paused> },
    Resume { feed: String, answer: Answer<bool> },
    Reload { answer: Answer<Changes> },
    WhilePaused { feed: String, work: Work, answer: Answer<()> },
    WhileRunning { work: Work, answer: Answer<()> },
}

type Answer<T> = oneshot::Sender<Result<T, Error>>;
type Work = Box<dyn FnOnce(&Store) + Send>;

impl Control {
    /// Who is there now.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        self.roster.borrow().clone()
    }

    /// Pauses a feed, until [`resume`](Self::resume) and over restarts. Returns when it is written down, what was on its
    /// way is durable and the session is closed; with the pause that holds, which is the older one where it was paused
    /// already.
    ///
    /// # Errors
    /// There is no such feed, the process ends, or the pause cannot be written down.
    pub async fn pause(&self, feed: &str, paused: Paused) -> Result<Paused, Error> {
        self.told(|answer| Command::Pause { feed: feed.to_owned(), paused, answer }).await
    }

    /// Lets a feed run that was paused, or that had stopped for a person; whether it did not run before.
    ///
    /// # Errors
    /// There is no such feed, the process ends, or that it is no longer paused cannot be written down.
    pub async fn resume(&self, feed: &str) -> Result<bool, Error> {
        self.told(|answer| Command::Resume { feed: feed.to_owned(), answer }).await
    }

    /// Reads the file again and follows it: feeds that mean something else restart, the others do not notice.
    ///
    /// # Errors
    /// Something is wrong with the file, or it changes what cannot change: then nothing was changed.
    pub async fn reload(&self) -> Result<Changes, Error> {
        self.told(|answer| Command::Reload { answer }).await
    }

    /// Does `work` on the store, on a thread that may block, while the feed does not run: what was on its way is durable,
    /// its positions are saved and its session is closed. Then the feed runs again, also one that had stopped for a
    /// person, unless it is paused.
    ///
    /// # Errors
    /// There is no such feed, the process ends, or `work` panicked. What `work` itself could not do is in what it returns.
    pub async fn with_feed_paused<T: Send + 'static>(
        &self,
        feed: &str,
        work: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (give, take) = oneshot::channel();
        // Nobody may wait for what it gives any more; it is done all the same.
        let work: Work = Box::new(move |store| drop(give.send(work(store))));
        self.told(|answer| Command::WhilePaused { feed: feed.to_owned(), work, answer }).await?;
        take.await.map_err(|_| Error::Bug)
    }

    /// Does `work` on the store, on a thread that may block, while all feeds go on: it may read, and write what no feed
    /// writes.
    ///
    /// # Errors
    /// The process ends, or `work` panicked. What `work` itself could not do is in what it returns.
    pub async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (give, take) = oneshot::channel();
        let work: Work = Box::new(move |store| drop(give.send(work(store))));
        self.told(|answer| Command::WhileRunning { work, answer }).await?;
        take.await.map_err(|_| Error::Bug)
    }

    async fn told<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| Error::Ending)?;
        answered.await.map_err(|_| Error::Ending)?
    }
}

#[cfg(test)]
mod tests;
