//! What one request works with.

use std::sync::MutexGuard;

use crate::org::Org;
use crate::record::Store;

/// The org, and its records from their first use to the end of the request.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) org: &'a Org,
    store: Option<MutexGuard<'a, Store>>,
    /// Which rows (all where empty) another transaction holds, by the fault that is planned.
    locked: Option<Vec<usize>>,
}

impl<'a> Work<'a> {
    pub(super) fn new(org: &'a Org, locked: Option<Vec<usize>>) -> Self {
        Self { org, store: None, locked }
    }

    pub(super) fn store(&mut self) -> &mut Store {
        self.store.get_or_insert_with(|| self.org.records.open())
    }

    /// A point to roll back to.
    pub(super) fn mark(&self) -> usize {
        self.store.as_ref().map_or(0, |store| store.mark())
    }

    /// Takes back what was written to records since `mark`.
    pub(super) fn roll_back(&mut self, mark: usize) {
        if let Some(store) = &mut self.store {
            store.roll_back(mark);
        }
    }

    /// The locked rows, for the caller that has rows: none are left for those that it calls.
    pub(super) fn take_locked(&mut self) -> Locked {
        Locked(self.locked.take())
    }
}

/// Rows that cannot be written now.
#[derive(Debug)]
pub(super) struct Locked(Option<Vec<usize>>);

impl Locked {
    pub(super) fn holds(&self, row: usize) -> bool {
        self.0.as_ref().is_some_and(|rows| rows.is_empty() || rows.contains(&row))
    }
}
