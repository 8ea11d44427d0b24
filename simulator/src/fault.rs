//! Replies that go wrong on demand.

mod plan;
mod spoil;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::counters::Call;
use crate::lock::lock;
pub(crate) use plan::Plan;
pub(crate) use spoil::{Doom, doomed, html, spoil};

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
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// A maintenance page.
    Page(StatusCode),
    /// The endpoint's way to say that the token is not valid.
    Unauthorized,
    /// The endpoint's way to say that the server is too busy.
    Unavailable,
    /// REST only: another transaction holds the record, or rows of a collection or composite call.
    LockRow,
    /// REST only: the daily requests are used up.
    Limit,
    /// REST only: too many long requests run at once.
    Concurrent,
    /// What was asked is done, and the bytes of the reply go wrong.
    Wire(Wire),
    /// CometD only: the messages are refused.
    Refused(Refused),
    /// CometD only: the server ends the session.
    ServerDisconnect(Place),
    /// CometD only: a good reply of an uncommon form.
    Form(Form),
    /// CometD only: what a subscription of one channel is answered.
    Channel(Standing),
}

/// What happens to the bytes of a good reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Proper HTTP, but the JSON ends in the middle.
    Truncated,
    /// The TCP connection ends in the middle of the body.
    Cut,
    /// HTTP 200 and no body.
    Empty,
    /// A few bytes at a time, without an end.
    Drip,
    /// Nothing is sent, and the connection stays open.
    Stall,
    /// The TCP connection is reset when so much time went by without a reply.
    Reset(Duration),
    /// The TCP connection is reset in the middle of the body.
    ResetInBody,
    /// In pieces of odd lengths, without a length.
    Chunked,
    /// Filled with blanks to so many bytes.
    Large(usize),
}

/// Why messages are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unauthorized,
    /// 503 in `failureReason`, behind a 401.
    BusyAs401,
    /// 503 in `failureReason`, behind a 403.
    BusyAs403,
    /// Too many connections to the server.
    Connections,
    /// Too many clients of the org.
    Clients,
    /// The delivery allocation is used up; the session ends.
    DailyLimit,
    /// Too many subscribers of a topic.
    Subscriptions,
    HandshakeDenied,
    /// The session ends.
    UnknownClient(Advised),
}

/// What the advice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Advised {
    Handshake,
    None,
    Absent,
}

/// Where the server's own disconnect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Alone,
    Before,
    After,
}

/// What is uncommon about a reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    NoAdvice,
    OddAdvice(Value),
    /// The meta replies have ids of other requests.
    StaleId,
    /// Each meta reply comes twice.
    Duplicate,
    /// The meta replies come in the order of no request.
    Unordered,
    UnknownFields,
    /// Events before and after the meta replies.
    EventsAround,
}

/// What a subscription of a channel is answered while the plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Denied(Denial),
    /// Every replay id is refused, whether or not its event is retained.
    ReplayRefused,
    /// An id that aged out is taken for the oldest retained event's.
    ReplayAccepted,
}

/// Why a channel is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Denial {
    NoRights,
    DoesNotExist,
    NotEnabled,
    Restricted,
    CreateDenied,
    Unknown,
}

/// What a request is, as far as plans go by it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) on: On,
    pub(crate) is_bayeux: bool,
    pub(crate) session: Option<&'a str>,
    /// The channels that it subscribes.
    pub(crate) channels: Vec<&'a str>,
}

/// What is planned for a REST call.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Planned {
    pub(crate) fault: Option<Fault>,
    pub(crate) rows: Vec<usize>,
    pub(crate) retry_after: Option<u64>,
}

/// The plans, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    plan: Plan,
    /// How many requests it has seen, and how many of them went wrong by it.
    seen: u64,
    hits: u64,
    is_open: bool,
}

impl Fault {
    /// Whether the request is carried out, and only its reply goes wrong.
    pub(crate) fn wire(&self) -> Option<Wire> {
        match self {
            Self::Wire(wire) => Some(*wire),
            _ => None,
        }
    }

    /// Whether a connect is held all the same.
    pub(crate) fn lets_hold(&self) -> bool {
        match self {
            Self::Form(_) => true,
            Self::Wire(wire) => matches!(wire, Wire::Chunked | Wire::Large(_) | Wire::Stall | Wire::Reset(_)),
            _ => false,
        }
    }

    fn is_of_rest(&self) -> bool {
        matches!(self, Self::LockRow | Self::Limit | Self::Concurrent)
    }

    fn is_of_bayeux(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::ServerDisconnect(_) | Self::Form(_) | Self::Channel(_))
    }
}

impl Wire {
    /// Whether a client gets all of the reply.
    pub(crate) fn arrives(self) -> bool {
        matches!(self, Self::Chunked | Self::Large(_))
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

impl Asked<'_> {
    /// A request to log in, or a SOAP call.
    pub(crate) fn elsewhere(on: On) -> Self {
        Self { on, is_bayeux: false, session: None, channels: Vec::new() }
    }
}

impl Faults {
    /// Adds a plan, and says its number.
    pub(crate) fn plan(&self, plan: Plan) -> usize {
        let mut entries = lock(&self.0);
        entries.push(Entry { plan, seen: 0, hits: 0, is_open: true });
        entries.len()
    }

    /// Ends the plan with a number, or all; false where there is no such plan.
    pub(crate) fn clear(&self, number: Option<usize>) -> bool {
        let mut entries = lock(&self.0);
        match number {
            None => entries.iter_mut().for_each(|entry| entry.is_open = false),
            Some(number) => match number.checked_sub(1).and_then(|index| entries.get_mut(index)) {
                Some(entry) => entry.is_open = false,
                None => return false,
            },
        }
        true
    }

    /// Every plan ever made: its number, how often it struck, and whether it still can.
    pub(crate) fn list(&self) -> Vec<Value> {
        let now = Instant::now();
        let entries = lock(&self.0);
        let show = |(index, entry): (usize, &Entry)| json!({"number": index + 1, "hits": entry.hits, "open": entry.is_open_at(now)});
        entries.iter().enumerate().map(show).collect()
    }

    /// The fault of a request that has just come.
    pub(crate) fn of_request(&self, asked: &Asked<'_>) -> Option<Fault> {
        let plan = self.next(|plan| !plan.with_events && !plan.is_of_channel() && plan.means(asked))?;
        Some(plan.fault)
    }

    /// What is planned for a REST call that has just come.
    pub(crate) fn of_rest(&self, on: On) -> Option<Planned> {
        let plan = self.next(|plan| !plan.with_events && plan.means_rest(on))?;
        Some(Planned { fault: Some(plan.fault), rows: plan.rows, retry_after: plan.retry_after })
    }

    /// The fault of a connect reply that is about to carry events.
    pub(crate) fn of_delivery(&self, session: &str) -> Option<Fault> {
        let asked = Asked { on: On::Connect, is_bayeux: true, session: Some(session), channels: Vec::new() };
        self.next(|plan| plan.with_events && plan.means(&asked)).map(|plan| plan.fault)
    }

    /// What is planned for the subscription of one channel, among the faults that are `wanted`.
    pub(crate) fn of_channel(&self, session: &str, channel: &str, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let asked = Asked { on: On::Subscribe, is_bayeux: true, session: Some(session), channels: vec![channel] };
        self.next(|plan| plan.is_of_channel() && wanted(&plan.fault) && plan.means(&asked)).map(|plan| plan.fault)
    }

    fn next(&self, matches: impl Fn(&Plan) -> bool) -> Option<Plan> {
        let now = Instant::now();
        let mut entries = lock(&self.0);
        let mut due = None;
        for entry in entries.iter_mut().filter(|entry| entry.is_open_at(now) && matches(&entry.plan)) {
            entry.seen += 1;
            if entry.seen >= entry.plan.nth && due.is_none() {
                entry.hits += 1;
                due = Some(entry.plan.clone());
            }
            entry.is_open = entry.plan.times.is_none_or(|times| entry.seen + 1 < entry.plan.nth.saturating_add(times));
        }
        due
    }
}

impl Entry {
    fn is_open_at(&self, now: Instant) -> bool {
        self.is_open && self.plan.until.is_none_or(|until| now < until)
    }
}
