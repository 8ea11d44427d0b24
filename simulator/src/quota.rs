//! The org's daily API requests. After "API Request Limits and Allocations".

use std::sync::Mutex;

use crate::lock::lock;

/// How many REST requests were made, and how many may be.
#[derive(Debug)]
pub(crate) struct Quota(Mutex<(u64, Option<u64>)>);

/// What `Sforce-Limit-Info` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) max: u64,
}

impl Quota {
    /// Without a maximum, that of a small org is shown and never enforced.
    pub(crate) fn new(max: Option<u64>) -> Self {
        Self(Mutex::new((0, max)))
    }

    /// Counts a request; false where none is left, and then it is not counted.
    pub(crate) fn take(&self) -> (Usage, bool) {
        let mut state = lock(&self.0);
        let is_left = state.1.is_none_or(|max| state.0 < max);
        state.0 += u64::from(is_left);
        (usage(*state), is_left)
    }

    pub(crate) fn usage(&self) -> Usage {
        usage(*lock(&self.0))
    }

    /// Sets what is given, and leaves the rest.
    pub(crate) fn set(&self, used: Option<u64>, max: Option<u64>) -> Usage {
        let mut state = lock(&self.0);
        state.0 = used.unwrap_or(state.0);
        state.1 = max.or(state.1);
        usage(*state)
    }
}

fn usage((used, max): (u64, Option<u64>)) -> Usage {
    Usage { used, max: max.unwrap_or(SMALL_ORG) }
}

const SMALL_ORG: u64 = 15_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maximum_is_enforced_only_where_somebody_set_it() {
        let quota = Quota::new(None);
        quota.set(Some(20_000), None);
        assert_eq!(quota.take(), (Usage { used: 20_001, max: 15_000 }, true));
        quota.set(Some(1), Some(2));
        assert_eq!(quota.take(), (Usage { used: 2, max: 2 }, true));
        assert_eq!(quota.take(), (Usage { used: 2, max: 2 }, false));
    }
}
