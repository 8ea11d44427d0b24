//! Daily allocations: API requests, delivered events. After "API Request Limits and Allocations".

use std::sync::Mutex;

use crate::lock::lock;

/// How many were used, and how many may be.
#[derive(Debug)]
pub(crate) struct Quota {
    state: Mutex<(u64, Option<u64>)>,
    shown: u64,
}

/// What is shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) max: u64,
}

impl Quota {
    /// Without a maximum, another is `shown` and never enforced.
    pub(crate) fn new(max: Option<u64>, shown: u64) -> Self {
        Self { state: Mutex::new((0, max)), shown }
    }

    /// Counts one; false where none is left, and then it is not counted.
    pub(crate) fn take(&self) -> (Usage, bool) {
        let mut state = lock(&self.state);
        let is_left = state.1.is_none_or(|max| state.0 < max);
        state.0 += u64::from(is_left);
        (self.show(*state), is_left)
    }

    /// Counts many, of which the last may be too many.
    pub(crate) fn add(&self, more: u64) {
        lock(&self.state).0 += more;
    }

    pub(crate) fn is_spent(&self) -> bool {
        let (used, max) = *lock(&self.state);
        max.is_some_and(|max| used >= max)
    }

    pub(crate) fn usage(&self) -> Usage {
        self.show(*lock(&self.state))
    }

    /// Sets what is given, and leaves the rest.
    pub(crate) fn set(&self, used: Option<u64>, max: Option<u64>) -> Usage {
        let mut state = lock(&self.state);
        state.0 = used.unwrap_or(state.0);
        state.1 = max.or(state.1);
        self.show(*state)
    }

    fn show(&self, (used, max): (u64, Option<u64>)) -> Usage {
        Usage { used, max: max.unwrap_or(self.shown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maximum_is_enforced_only_where_somebody_set_it() {
        let quota = Quota::new(None, 15_000);
        quota.set(Some(20_000), None);
        assert_eq!(quota.take(), (Usage { used: 20_001, max: 15_000 }, true));
        quota.set(Some(1), Some(2));
        assert!(!quota.is_spent());
        assert_eq!(quota.take(), (Usage { used: 2, max: 2 }, true));
        assert!(quota.is_spent());
        assert_eq!(quota.take(), (Usage { used: 2, max: 2 }, false));
    }
}
