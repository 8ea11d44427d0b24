//! A plan as a test writes it, and what it means.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytesize::ByteSize;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Advised, Asked, Denial, Fault, Form, On, Place, Refused, Standing, Wire};

/// Which requests get which fault: the `nth` from now, and `times - 1` after it; any number of them until then where
/// there is no such number.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Plan {
    pub(super) on: On,
    pub(super) nth: u64,
    pub(super) times: Option<u64>,
    pub(super) until: Option<Instant>,
    pub(super) fault: Fault,
    /// Counts only connect replies that would carry events.
    pub(super) with_events: bool,
    /// Only of this session.
    pub(super) session: Option<String>,
    /// Only where this channel is subscribed.
    pub(super) channel: Option<String>,
    /// Which rows are locked, from 0; all of them where none is named.
    pub(super) rows: Vec<usize>,
    /// Seconds, for the `Retry-After` of a REST reply with status 503.
    pub(super) retry_after: Option<u64>,
}

impl Plan {
    /// Whether the fault is of one subscription in a request, not of the request.
    pub(super) fn is_of_channel(&self) -> bool {
        match self.fault {
            Fault::Channel(_) => true,
            Fault::Refused(_) => self.channel.is_some(),
            _ => false,
        }
    }

    /// Whether it is about a request to log in or over CometD.
    pub(super) fn means(&self, asked: &Asked<'_>) -> bool {
        let is_possible = !self.fault.is_of_rest() && (asked.is_bayeux || !self.fault.is_of_bayeux());
        let is_before_session = asked.on == On::Handshake && matches!(self.fault, Fault::ServerDisconnect(_));
        is_possible
            && !is_before_session
            && (self.on == asked.on || self.on == On::Any)
            && self.session.as_deref().is_none_or(|session| asked.session == Some(session))
            && self.channel.as_deref().is_none_or(|channel| asked.channels.contains(&channel))
    }

    /// Whether it is about a REST call.
    pub(super) fn means_rest(&self, on: On) -> bool {
        let is_elsewhere = self.fault.is_of_bayeux() || self.session.is_some() || self.channel.is_some();
        !is_elsewhere && (self.on == on || matches!(self.on, On::Rest | On::Any))
    }

    /// What is impossible about it.
    fn check(self) -> Result<Self, String> {
        let is_bayeux = matches!(self.on, On::Handshake | On::Connect | On::Subscribe | On::Any);
        let is_cometd = matches!(self.on, On::Handshake | On::Connect | On::Subscribe);
        let wrong = if (is_cometd || self.on == On::Token) && (self.fault.is_of_rest() || self.retry_after.is_some()) {
            "lock_row, limit, concurrent and retry_after are of REST calls"
        } else if !is_bayeux && (self.fault.is_of_bayeux() || self.session.is_some()) {
            "this fault, and `session`, are of handshake, connect or subscribe"
        } else if self.channel.is_some() && self.on != On::Subscribe {
            "`channel` goes with `\"on\":\"subscribe\"`"
        } else if self.on == On::Handshake && matches!(self.fault, Fault::ServerDisconnect(_)) {
            "a handshake has no session to end"
        } else if matches!(self.fault, Fault::Channel(_)) && self.channel.is_none() {
            "this fault needs a `channel`"
        } else {
            return Ok(self);
        };
        Err(wrong.to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    on: On,
    fault: String,
    #[serde(default = "one")]
    nth: u64,
    times: Option<u64>,
    r#for: Option<String>,
    #[serde(default)]
    with_events: bool,
    session: Option<String>,
    channel: Option<String>,
    #[serde(default)]
    rows: Vec<usize>,
    retry_after: Option<u64>,
    advice: Option<Value>,
    place: Option<String>,
    after: Option<String>,
    status: Option<u16>,
    bytes: Option<String>,
    refusal: Option<String>,
}

impl TryFrom<Written> for Plan {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        let until = match written.r#for.as_deref().map(duration).transpose()? {
            Some(time) => Some(Instant::now().checked_add(time).ok_or("`for` is too long")?),
            None => None,
        };
        let fault = written.take_fault()?;
        let Written { on, nth, times, with_events, session, channel, rows, retry_after, .. } = written;
        if let Some(word) = [
            written.advice.is_some().then_some("advice"),
            written.place.is_some().then_some("place"),
            written.after.is_some().then_some("after"),
            written.status.is_some().then_some("status"),
            written.bytes.is_some().then_some("bytes"),
            written.refusal.is_some().then_some("refusal"),
        ]
        .into_iter()
        .flatten()
        .next()
        {
            return Err(format!("`{word}` does not go with this fault"));
        }
        // What stands for a time, or on a channel, strikes as often as it can.
        let stands = until.is_some() || matches!(fault, Fault::Channel(_));
        let times = times.or((!stands).then_some(1));
        Self { on, nth, times, until, fault, with_events, session, channel, rows, retry_after }.check()
    }
}

impl Written {
    /// The fault that is meant; what it needs of the other fields is taken out of them.
    fn take_fault(&mut self) -> Result<Fault, String> {
        Ok(match self.fault.as_str() {
            "html" => Fault::Page(StatusCode::OK),
            "status" => Fault::Page(status(self.status.take())?),
            "unauthorized" => Fault::Unauthorized,
            "unavailable" | "busy" => Fault::Unavailable,
            "lock_row" => Fault::LockRow,
            "limit" => Fault::Limit,
            "concurrent" => Fault::Concurrent,
            "truncated" => Fault::Wire(Wire::Truncated),
            "cut" => Fault::Wire(Wire::Cut),
            "empty" => Fault::Wire(Wire::Empty),
            "drip" => Fault::Wire(Wire::Drip),
            "stall" => Fault::Wire(Wire::Stall),
            "chunked" => Fault::Wire(Wire::Chunked),
            "large" => Fault::Wire(Wire::Large(size(self.bytes.take().as_deref().unwrap_or("10MB"))?)),
            "reset" => match self.place.take().as_deref() {
                None | Some("hold") => {
                    Fault::Wire(Wire::Reset(duration(self.after.take().as_deref().unwrap_or("0s"))?))
                }
                Some("body") => Fault::Wire(Wire::ResetInBody),
                Some(_) => return Err("the place of a reset is `hold` or `body`".to_owned()),
            },
            "unauthorized_nested" => Fault::Refused(Refused::Unauthorized),
            "busy_as_401" => Fault::Refused(Refused::BusyAs401),
            "busy_as_403" => Fault::Refused(Refused::BusyAs403),
            "connections_limit" => Fault::Refused(Refused::Connections),
            "concurrent_limit" => Fault::Refused(Refused::Clients),
            "daily_limit" => Fault::Refused(Refused::DailyLimit),
            "subscription_limit" => Fault::Refused(Refused::Subscriptions),
            "handshake_denied" => Fault::Refused(Refused::HandshakeDenied),
            "unknown_client" => {
                let advised = self.advice.take().map_or(Ok(Advised::Handshake), meant)?;
                Fault::Refused(Refused::UnknownClient(advised))
            }
            "server_disconnect" => Fault::ServerDisconnect(match (self.place.take().as_deref(), self.on) {
                (Some("alone"), _) => Place::Alone,
                (None | Some("before"), _) => Place::Before,
                (Some("after"), _) | (Some("in_subscribe"), On::Subscribe) => Place::After,
                (Some("in_subscribe"), _) => return Err("`in_subscribe` goes with `\"on\":\"subscribe\"`".to_owned()),
                (Some(_), _) => return Err("the place is `alone`, `before`, `after` or `in_subscribe`".to_owned()),
            }),
            "no_advice" => Fault::Form(Form::NoAdvice),
            "odd_advice" => Fault::Form(Form::OddAdvice(
                self.advice.take().unwrap_or_else(|| json!({"reconnect": "maybe", "interval": "soon", "timeout": -1})),
            )),
            "stale_id" => Fault::Form(Form::StaleId),
            "duplicate" => Fault::Form(Form::Duplicate),
            "unordered" => Fault::Form(Form::Unordered),
            "unknown_fields" => Fault::Form(Form::UnknownFields),
            "events_around" => Fault::Form(Form::EventsAround),
            "denied" => {
                let denial: Denial = self.refusal.take().map_or(Ok(Denial::NoRights), |word| meant(word.into()))?;
                Fault::Channel(Standing::Denied(denial))
            }
            "replay_refused" => Fault::Channel(Standing::ReplayRefused),
            "replay_accepted" => Fault::Channel(Standing::ReplayAccepted),
            other => return Err(format!("there is no fault `{other}`")),
        })
    }
}

fn meant<T: DeserializeOwned>(word: Value) -> Result<T, String> {
    serde_json::from_value(word).map_err(|why| why.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|why| format!("`{text}` is no duration: {why}"))
}

fn status(code: Option<u16>) -> Result<StatusCode, String> {
    let code = code.ok_or("say which `status`")?;
    // Below 200 the reply would not be the last one.
    let status = StatusCode::from_u16(code).ok().filter(|status| status.as_u16() >= 200);
    status.ok_or_else(|| format!("{code} is no status of a reply"))
}

fn size(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse().map_err(|why| format!("`{text}` is no size: {why}"))?;
    usize::try_from(size.as_u64()).ok().filter(|size| *size <= LARGEST).ok_or_else(|| "at most 1GiB".to_owned())
}

fn one() -> u64 {
    1
}

/// More would only be a way to end the simulator.
const LARGEST: usize = 1 << 30;
