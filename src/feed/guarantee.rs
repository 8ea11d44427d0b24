//! The one place that holds the guarantee: a position is saved only when every earlier event of its stream is durable.
//!
//! Batches are accepted in order and become durable in any. Their positions are handed out for saving as a prefix: up to
//! the first batch that is not durable yet. A batch whose receipt is lost or failed is never marked, so nothing at or
//! after it can be saved.

use super::batch::Positions;
use std::collections::VecDeque;

/// What was accepted, in order, and how far it is durable.
#[derive(Debug, Default)]
pub struct Guarantee {
    /// The number of the first batch in `batches`.
    first: u64,
    batches: VecDeque<Accepted>,
}

/// A batch's place in the order of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a batch whose ticket is dropped can never become durable"]
pub struct Ticket(u64);

#[derive(Debug)]
struct Accepted {
    positions: Positions,
    durable: bool,
}

impl Guarantee {
    /// A batch was handed to the sink. `positions` hold once it and all before it are durable.
    pub fn accept(&mut self, positions: Positions) -> Ticket {
        let ticket = Ticket(self.first + self.batches.len() as u64);
        self.batches.push_back(Accepted { positions, durable: false });
        ticket
    }

    /// The sink says that this batch is durable.
    pub fn durable(&mut self, ticket: Ticket) {
        let index = ticket.0.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(accepted) = index.and_then(|index| self.batches.get_mut(index)) {
            accepted.durable = true;
        }
    }

    /// The positions that may be saved now and could not before; later ones of a stream replace earlier ones.
    pub fn take(&mut self) -> Option<Positions> {
        let mut positions: Option<Positions> = None;
        while self.batches.front().is_some_and(|accepted| accepted.durable) {
            let Some(accepted) = self.batches.pop_front() else { break };
            self.first += 1;
            match &mut positions {
                None => positions = Some(accepted.positions),
                Some(positions) => positions.replace(accepted.positions),
            }
        }
        positions.filter(|positions| !positions.is_empty())
    }
}

#[cfg(test)]
mod tests;
