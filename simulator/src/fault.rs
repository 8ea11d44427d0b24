//! Replies that go wrong on demand.

mod spoil;

use std::sync::Mutex;

use serde::Deserialize;

use crate::counters::Call;
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
    Read,
    Update,
    Upsert,
    Delete,
    Query,
    Composite,
    Describe,
    Limits,
    /// Every REST call.
    Rest,
    Any,
    /// A request that only `any` matches.
    #[serde(skip)]
    Other,
}

/// How the reply goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// A maintenance page with HTTP 200.
    Html,
    /// Proper HTTP, but the JSON ends in the middle.
    Truncated,
    /// The endpoint's way to say that the token is not valid.
    Unauthorized,
    /// The endpoint's way to say that the server is too busy.
    #[serde(alias = "busy")]
    Unavailable,
    /// The TCP connection ends in the middle of the body.
    Cut,
    /// HTTP 200 and no body.
    Empty,
    /// REST only: another transaction holds the record, or rows of a collection or composite call.
    LockRow,
    /// REST only: the daily requests are used up.
    Limit,
    /// REST only: too many long requests run at once.
    Concurrent,
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
    /// Which rows are locked, from 0; all of them where none is named.
    #[serde(default)]
    rows: Vec<usize>,
    /// Seconds, for the `Retry-After` of a REST reply with status 503.
    retry_after: Option<u64>,
}

/// What is planned for a REST call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) fault: Option<Fault>,
    pub(crate) rows: Vec<usize>,
    pub(crate) retry_after: Option<u64>,
}

/// The plans, each with the number of requests that it has seen.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Plan, u64)>>);

impl Fault {
    /// Whether the request is carried out, and only its reply goes wrong.
    pub(crate) fn is_of_the_reply(self) -> bool {
        match self {
            Self::Truncated | Self::Cut | Self::Empty => true,
            Self::Html | Self::Unauthorized | Self::Unavailable | Self::LockRow | Self::Limit | Self::Concurrent => {
                false
            }
        }
    }

    fn is_of_rest(self) -> bool {
        matches!(self, Self::LockRow | Self::Limit | Self::Concurrent)
    }
}

impl Plan {
    /// Whether requests of this kind can go wrong in this way.
    pub(crate) fn is_possible(&self) -> bool {
        let is_elsewhere = matches!(self.on, On::Handshake | On::Connect | On::Subscribe | On::Token);
        !(is_elsewhere && (self.fault.is_of_rest() || self.retry_after.is_some()))
    }
}

impl On {
    /// The REST call of a kind; none where the path is of no resource.
    pub(crate) fn of(call: Option<Call>) -> Self {
        match call {
            Some(Call::Collections) => Self::Collections,
            Some(Call::Create) => Self::Create,
            Some(Call::Read) => Self::Read,
            Some(Call::Update) => Self::Update,
            Some(Call::Upsert) => Self::Upsert,
            Some(Call::Delete) => Self::Delete,
            Some(Call::Query) => Self::Query,
            Some(Call::Composite) => Self::Composite,
            Some(Call::Describe | Call::Schema) => Self::Describe,
            Some(Call::Limits) => Self::Limits,
            Some(
                Call::Token
                | Call::Authorize
                | Call::Introspect
                | Call::Soap
                | Call::Userinfo
                | Call::Revoke
                | Call::Handshake
                | Call::Connect
                | Call::Subscribe
                | Call::Unsubscribe
                | Call::Disconnect
                | Call::Publish
                | Call::Api,
            )
            | None => Self::Other,
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
        let is_meant = |plan: &Plan| plan.on == on || plan.on == On::Any;
        self.next(|plan| !plan.with_events && !plan.fault.is_of_rest() && is_meant(plan)).map(|plan| plan.fault)
    }

    /// What is planned for a REST call that has just come.
    pub(crate) fn of_rest(&self, on: On) -> Option<Planned> {
        let plan = self.next(|plan| !plan.with_events && (plan.on == on || matches!(plan.on, On::Rest | On::Any)))?;
        Some(Planned { fault: Some(plan.fault), rows: plan.rows, retry_after: plan.retry_after })
    }

    /// The fault of a connect reply that is about to carry events.
    pub(crate) fn of_delivery(&self) -> Option<Fault> {
        self.next(|plan| plan.with_events && matches!(plan.on, On::Connect | On::Any)).map(|plan| plan.fault)
    }

    fn next(&self, matches: impl Fn(&Plan) -> bool) -> Option<Plan> {
        let mut plans = lock(&self.0);
        let mut due = None;
        for (plan, seen) in plans.iter_mut().filter(|(plan, _)| matches(plan)) {
            *seen += 1;
            if *seen >= plan.nth && due.is_none() {
                due = Some(plan.clone());
            }
        }
        plans.retain(|(plan, seen)| *seen + 1 < plan.nth.saturating_add(plan.times));
        due
    }
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { on: On::Any, nth: 1, times: 1, fault: Fault::Empty, with_events: false, rows: vec![], retry_after: None }
    }

    #[test]
    fn a_fault_comes_at_its_turn_and_so_many_times() {
        let faults = Faults::default();
        faults.plan(Plan { on: On::Connect, nth: 2, times: 2, fault: Fault::Empty, ..plan() });
        let got: Vec<_> = (0..5).map(|_| faults.of_request(On::Connect).is_some()).collect();
        assert_eq!(got, [false, true, true, false, false]);
        faults.plan(Plan { fault: Fault::Cut, with_events: true, ..plan() });
        assert_eq!(faults.of_request(On::Token), None);
        assert_eq!(faults.of_delivery(), Some(Fault::Cut));
        assert_eq!(faults.of_delivery(), None);
    }

    #[test]
    fn a_fault_of_rest_waits_for_a_rest_call() {
        let faults = Faults::default();
        faults.plan(Plan { fault: Fault::LockRow, rows: vec![1], retry_after: Some(3), ..plan() });
        assert_eq!(faults.of_request(On::Connect), None);
        let planned = Planned { fault: Some(Fault::LockRow), rows: vec![1], retry_after: Some(3) };
        assert_eq!((faults.of_rest(On::Query), faults.of_rest(On::Query)), (Some(planned), None));
    }
}
