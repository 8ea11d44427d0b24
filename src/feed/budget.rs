//! The byte budget of the process: everything between a server's reply and its receipt.

mod queue;
mod seat;

pub(crate) use seat::Seat;

use bayeux::{Charge, Room};
use queue::Queue;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::Instant;

/// Bytes that all events on their way may take together. Salesforce's bus is the durable log: what finds no room here
/// stays there.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    limit: usize,
    used: AtomicUsize,
    room: watch::Sender<bool>,
    queue: Mutex<Queue>,
}

impl Budget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let (used, room, queue) = (AtomicUsize::new(0), watch::Sender::new(true), Mutex::new(Queue::new(limit)));
        Self(Arc::new(Inner { limit, used, room, queue }))
    }

    /// A seat for a source whose replies come when they are asked for.
    pub(crate) fn seat(&self) -> Seat {
        Seat::new(self.clone())
    }

    /// Bytes taken now. A reply under way may go past the limit.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }
}

impl Room for Budget {
    fn open(&self) -> Box<dyn Charge> {
        Box::new(Account::new(self))
    }

    fn changes(&self) -> watch::Receiver<bool> {
        self.0.room.subscribe()
    }
}

impl Inner {
    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.tell();
        self.seat_some();
    }

    /// Tells whether there is room, from the count as it is at that moment: two changes at once cannot leave an old word.
    fn tell(&self) {
        self.room.send_if_modified(|room| {
            let now = self.used.load(Ordering::Relaxed) < self.limit;
            std::mem::replace(room, now) != now
        });
    }

    /// Lets those who wait have what room there is.
    fn seat_some(&self) {
        self.queue().seat(self.used.load(Ordering::Relaxed), Instant::now());
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock; were it so, the queue would still be whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one reply takes.
struct Account {
    budget: Arc<Inner>,
    bytes: usize,
}

impl Account {
    fn new(budget: &Budget) -> Self {
        Self { budget: budget.0.clone(), bytes: 0 }
    }
}

impl Charge for Account {
    fn grow(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.take(bytes);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
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
