//! The byte budget of the process: everything between a server's reply and its receipt.

use bayeux::{Charge, Room};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// Bytes that all events on their way may take together. Salesforce's bus is the durable log: what finds no room here
/// stays there.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    limit: usize,
    used: AtomicUsize,
    room: watch::Sender<bool>,
}

impl Budget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { limit, used: AtomicUsize::new(0), room: watch::Sender::new(true) }))
    }

    /// Bytes taken now. A reply under way may go past the limit.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }
}

impl Room for Budget {
    fn open(&self) -> Box<dyn Charge> {
        Box::new(Account { budget: self.0.clone(), bytes: 0 })
    }

    fn changes(&self) -> watch::Receiver<bool> {
        self.0.room.subscribe()
    }
}

impl Inner {
    /// Tells whether there is room, from the count as it is at that moment: two changes at once cannot leave an old word.
    fn tell(&self) {
        self.room.send_if_modified(|room| {
            let now = self.used.load(Ordering::Relaxed) < self.limit;
            std::mem::replace(room, now) != now
        });
    }
}

struct Account {
    budget: Arc<Inner>,
    bytes: usize,
}

impl Charge for Account {
    fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.budget.tell();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_until_the_limit_is_reached_and_again_when_it_is_given_back() {
        let budget = Budget::new(100);
        let room = budget.changes();
        let (mut one, mut two) = (budget.open(), budget.open());
        one.grow(60);
        assert!(*room.borrow());
        two.grow(60);
        assert!(!*room.borrow());
        assert_eq!(budget.used(), 120);
        drop(one);
        assert!(*room.borrow());
        drop(two);
        assert_eq!(budget.used(), 0);
    }
}
