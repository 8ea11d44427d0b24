//! For tests: a budget that a test opens and closes, and that counts.

use super::{Charge, Room};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// A budget that a test opens and closes, and that counts.
#[derive(Clone)]
pub(crate) struct Purse {
    pub(crate) taken: Arc<AtomicUsize>,
    pub(crate) room: watch::Sender<bool>,
}

impl Purse {
    pub(crate) fn new() -> Self {
        Self { taken: Arc::default(), room: watch::Sender::new(true) }
    }
}

impl Room for Purse {
    fn open(&self) -> Box<dyn Charge> {
        Box::new(Account { taken: Arc::clone(&self.taken), own: 0 })
    }
    fn changes(&self) -> watch::Receiver<bool> {
        self.room.subscribe()
    }
}

struct Account {
    taken: Arc<AtomicUsize>,
    own: usize,
}

impl Charge for Account {
    fn grow(&mut self, bytes: usize) {
        self.own += bytes;
        self.taken.fetch_add(bytes, Ordering::SeqCst);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.own, Ordering::SeqCst);
    }
}
