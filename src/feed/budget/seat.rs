//! A seat: a source's share in the budget, before its replies are there.

use super::{Account, Budget, Inner};
use bayeux::{Charge, Room};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A source's place among those that want replies. It outlives sessions: what the last reply took is remembered.
///
/// Twenty sessions that ask at once because there is room for one reply bring twenty replies. So each asks only when there
/// is room for what its reply will likely take, and they take turns.
pub(crate) struct Seat(Arc<Taken>);

struct Taken {
    budget: Budget,
    number: u64,
}

impl Seat {
    pub(super) fn new(budget: Budget) -> Self {
        let number = budget.0.queue().join();
        let seat = Self(Arc::new(Taken { budget, number }));
        seat.0.look();
        seat
    }

    /// Waits until the source may open: subscribing brings the first events at once, and nobody knows how many.
    pub(crate) async fn may_open(&self) {
        self.0.budget.0.queue().opens(self.0.number);
        self.0.look();
        let mut changes = self.changes();
        if changes.wait_for(|may| *may).await.is_err() {
            // It is in the queue as long as this is here.
            std::future::pending().await
        }
    }

    /// What was asked for has nothing to bring now: others may have the room.
    pub(crate) fn is_quiet(&self) {
        self.0.budget.0.queue().is_quiet(self.0.number);
        self.0.look();
    }

    /// For the source's sessions.
    pub(crate) fn room(&self) -> Arc<dyn Room> {
        self.0.clone()
    }

    fn changes(&self) -> watch::Receiver<bool> {
        self.0.changes()
    }
}

impl Room for Taken {
    fn open(&self) -> Box<dyn Charge> {
        let budget = self.budget.0.clone();
        Box::new(Reply { account: Account::new(&self.budget), budget, number: self.number, has_come: false })
    }

    fn changes(&self) -> watch::Receiver<bool> {
        let changes = self.budget.0.queue().may_ask(self.number);
        changes.unwrap_or_else(|| watch::Sender::new(false).subscribe())
    }
}

impl Taken {
    fn look(&self) {
        look(&self.budget.0);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.0.queue().leave(self.number);
        self.look();
    }
}

/// A reply that comes in on a seat.
struct Reply {
    account: Account,
    budget: Arc<Inner>,
    number: u64,
    /// It is more than an answer without events.
    has_come: bool,
}

impl Charge for Reply {
    fn grow(&mut self, bytes: usize) {
        self.account.grow(bytes);
        if self.account.bytes >= ANSWER {
            let mut queue = self.budget.queue();
            if !std::mem::replace(&mut self.has_come, true) {
                queue.comes(self.number);
            }
            queue.grows(self.number, self.account.bytes);
        }
        look(&self.budget);
    }
}

/// Seats whom there is room for, and sees to it that somebody looks again while others wait: a pledge runs out by itself.
fn look(budget: &Arc<Inner>) {
    budget.seat_some();
    let mut queue = budget.queue();
    if !queue.somebody_waits() || queue.looked_after {
        return;
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    queue.looked_after = true;
    let budget = Arc::downgrade(budget);
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let Some(budget) = budget.upgrade() else { return };
            budget.seat_some();
            let mut queue = budget.queue();
            if !queue.somebody_waits() {
                queue.looked_after = false;
                return;
            }
        }
    });
}

/// Meta messages alone are smaller.
const ANSWER: usize = 4 << 10;
const LOOK_AGAIN: Duration = Duration::from_millis(250);
