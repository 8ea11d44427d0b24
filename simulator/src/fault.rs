//! Replies that go wrong on demand.

mod spoil;

use std::sync::Mutex;

use serde::Deserialize;

pub(crate) use spoil::{html, spoil};

use crate::lock::lock;

/// What kind of request a fault is planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum On {
    Handshake,
    Connect,
    Subscribe,
    Token,
    Collections,
    Create,
    Any,
    /// A request that only `any` matches.
    #[serde(skip)]
    Other,
}

/// How the reply goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fault {
    /// A maintenance page with HTTP 200.
    Html,
    /// Proper HTTP, but the JSON ends in the middle.
    Truncated,
    /// The endpoint's way to say that the token is not valid.
    Unauthorized,
    /// The endpoint's way to say that the server is too busy.
    Unavailable,
    /// The TCP connection ends in the middle of the body.
    Cut,
    /// HTTP 200 and no body.
    Empty,
}

/// Which requests get which fault: the `nth` from now, and `times - 1` after it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    on: On,
    #[serde(default = "one")]
    nth: u64,
    #[serde(default = "one")]
    times: u64,
    fault: Fault,
    /// Counts only connect replies that would carry events.
    #[serde(default)]
    with_events: bool,
}

/// The plans, each with the number of requests that it has seen.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Plan, u64)>>);

impl Fault {
    /// Whether the request is carried out, and only its reply goes wrong.
    pub(crate) fn is_of_the_reply(self) -> bool {
        match self {
            Self::Truncated | Self::Cut | Self::Empty => true,
            Self::Html | Self::Unauthorized | Self::Unavailable => false,
        }
    }
}

impl Faults {
    pub(crate) fn plan(&self, plan: Plan) {
        lock(&self.0).push((plan, 0));
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The fault of a request that has just come.
    pub(crate) fn of_request(&self, on: On) -> Option<Fault> {
        self.next(|plan| !plan.with_events && (plan.on == on || plan.on == On::Any))
    }

    /// The fault of a connect reply that is about to carry events.
    pub(crate) fn of_delivery(&self) -> Option<Fault> {
        self.next(|plan| plan.with_events && matches!(plan.on, On::Connect | On::Any))
    }

    fn next(&self, matches: impl Fn(&Plan) -> bool) -> Option<Fault> {
        let mut plans = lock(&self.0);
        let mut fault = None;
        for (plan, seen) in plans.iter_mut().filter(|(plan, _)| matches(plan)) {
            *seen += 1;
            if *seen >= plan.nth && fault.is_none() {
                fault = Some(plan.fault);
            }
        }
        plans.retain(|(plan, seen)| *seen + 1 < plan.nth.saturating_add(plan.times));
        fault
    }
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_comes_at_its_turn_and_so_many_times() {
        let faults = Faults::default();
        faults.plan(Plan { on: On::Connect, nth: 2, times: 2, fault: Fault::Empty, with_events: false });
        let got: Vec<_> = (0..5).map(|_| faults.of_request(On::Connect).is_some()).collect();
        assert_eq!(got, [false, true, true, false, false]);
        faults.plan(Plan { on: On::Any, nth: 1, times: 1, fault: Fault::Cut, with_events: true });
        assert_eq!(faults.of_request(On::Token), None);
        assert_eq!(faults.of_delivery(), Some(Fault::Cut));
        assert_eq!(faults.of_delivery(), None);
    }
}
