//! Memory for replies, bounded by whoever owns the process's budget.

use tokio::sync::watch;

/// A byte budget that replies are charged to, shared by any number of sessions.
///
/// A reply under way cannot be left half read, so a charge may go past the limit; without room the *next* connect waits.
pub trait Room: Send + Sync {
    /// Opens the account of one reply.
    fn open(&self) -> Box<dyn Charge>;

    /// Whether there is room for a further reply, and its changes.
    fn changes(&self) -> watch::Receiver<bool>;
}

/// The bytes that one reply takes of the budget. Dropping it gives them back.
pub trait Charge: Send + Sync {
    /// Takes `bytes` more.
    fn grow(&mut self, bytes: usize);
}

#[cfg(test)]
pub(crate) mod purse;
