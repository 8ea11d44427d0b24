//! Long polling: a session driven over HTTP (CometD reference, "long-polling transport").

use crate::failure::{Cause, Lost, Phase};
use crate::message::Ask;
use crate::room::{Charge, Room};
use crate::session::{Config, Event, Exchange, Reply, Request, Session, Wait};
use crate::transport::{Transport, TransportKind};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A session over HTTP, with cookies and connections of its own: two sessions on one cookie look like one browser to a
/// server. Dropping it aborts what is in flight.
pub struct LongPolling<D> {
    session: Session<D>,
    link: Link,
    in_flight: JoinSet<(Exchange, Outcome)>,
    progress: mpsc::Receiver<Exchange>,
    /// What the reply last read takes of the budget, until its events are handed on.
    charge: Option<Box<dyn Charge>>,
    room: Option<watch::Receiver<bool>>,
}

type Outcome = Result<(Reply, Option<Box<dyn Charge>>), Cause>;

impl<D: for<'de> Deserialize<'de>> LongPolling<D> {
    /// A session that has not said anything yet.
    ///
    /// # Errors
    /// The HTTP client cannot be built, for instance because no certificates were found.
    pub fn new(transport: Transport, config: Config) -> Result<Self, reqwest::Error> {
        let http = Transport::http(transport.client)?;
        let config = Config { transport: TransportKind::LongPolling, ..config };
        let mut headers = transport.headers;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let goodbye_timeout = config.goodbye_timeout;
        let (report, progress) = mpsc::channel(REPORTS);
        Ok(Self {
            session: Session::new(config, Instant::now()),
            room: transport.room.as_ref().map(|room| room.changes()),
            link: Link {
                http,
                url: transport.url,
                headers,
                reply_limit: transport.reply_limit,
                room: transport.room,
                goodbye_timeout,
                report,
            },
            in_flight: JoinSet::new(),
            progress,
            charge: None,
        })
    }

    /// The next thing that happens. Cancel-safe. After [`Event::Ended`] it never returns.
    ///
    /// The next connect goes out before the events of a reply are returned: nothing waits for what becomes of them.
    pub async fn next(&mut self) -> Event<D> {
        loop {
            self.send();
            if let Some(event) = self.session.poll_event() {
                return self.charged(event);
            }
            self.charge = None; // a reply without events takes no room any more
            let Some(deadline) = self.session.deadline() else { return std::future::pending().await };
            tokio::select! {
                biased;
                Some(done) = self.in_flight.join_next() => self.arrived(done),
                Some(exchange) = self.progress.recv() => self.session.handle_progress(exchange, Instant::now()),
                () = tokio::time::sleep_until(deadline.at.into()) => self.timed_out(deadline.wait),
                () = changed(&mut self.room) => {}
            }
        }
    }

    /// Asks for a change of subscriptions, see [`Session::ask`].
    pub fn ask(&mut self, ask: Ask) {
        self.session.ask(ask);
    }

    /// Lets a refused channel be, see [`Session::forget`].
    pub fn forget(&mut self, channel: &str) {
        self.session.forget(channel);
    }

    /// Ends the session politely; [`next`](Self::next) goes on until [`Event::Ended`].
    pub fn disconnect(&mut self) {
        // What the held connect brings now is not handed on, so its answer need not be waited for.
        self.in_flight.abort_all();
        self.session.disconnect(Instant::now());
    }

    fn send(&mut self) {
        let now = Instant::now();
        if let Some(room) = &self.room {
            self.session.handle_room(*room.borrow(), now);
        }
        while let Some(request) = self.session.poll_request(now) {
            let (link, ended) = (self.link.clone(), self.session.deadline().is_none());
            if ended {
                // A goodbye that nobody waits for outlives this driver, for its time-out at most.
                tokio::spawn(async move {
                    let limit = link.goodbye_timeout;
                    if tokio::time::timeout(limit, link.exchange(&request)).await.is_err() {
                        tracing::debug!("the disconnect was not answered");
                    }
                });
            } else {
                self.in_flight.spawn(async move { (request.exchange, link.exchange(&request).await) });
            }
        }
    }

    fn timed_out(&mut self, waited_for: Wait) {
        self.session.handle_timeout(Instant::now());
        if waited_for == Wait::ConnectReply && self.session.is_between_connects() {
            // What came too late must not stand beside its repetition: a session has one connect.
            self.in_flight.abort_all();
        }
    }

    fn arrived(&mut self, done: Result<(Exchange, Outcome), tokio::task::JoinError>) {
        let now = Instant::now();
        match done {
            Ok((exchange, Ok((reply, charge)))) => {
                self.charge = charge;
                self.session.handle_reply(exchange, reply, now);
            }
            Ok((exchange, Err(cause))) => self.session.handle_failure(exchange, cause, now),
            // Aborted by `disconnect`; the session waits for nothing of it.
            Err(error) => tracing::debug!(%error, "an exchange was given up"),
        }
    }

    fn charged(&mut self, event: Event<D>) -> Event<D> {
        match event {
            Event::Messages { messages, .. } => Event::Messages { messages, charge: self.charge.take() },
            other => other,
        }
    }
}

/// Resolves when there may be room, or may not be any more.
pub(crate) async fn changed(room: &mut Option<watch::Receiver<bool>>) {
    if let Some(room) = room
        && room.changed().await.is_ok()
    {
        return;
    }
    // No budget, or one whose owner went away: nothing changes any more.
    std::future::pending().await
}

#[derive(Clone)]
struct Link {
    http: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
    reply_limit: usize,
    room: Option<Arc<dyn Room>>,
    goodbye_timeout: Duration,
    report: mpsc::Sender<Exchange>,
}

impl Link {
    async fn exchange(&self, request: &Request) -> Outcome {
        let response = self
            .http
            .post(self.target(request))
            .headers(self.headers.clone())
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| lost(!error.is_connect(), error))?;
        if request.phase == Phase::Disconnect {
            // Events may come with its answer, a whole queue of them. They are not handed on, so they are not read.
            return Err(Cause::Closed);
        }
        let status = response.status();
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        let (body, charge) = self.read(request.exchange, response).await?;
        if status != http::StatusCode::OK {
            return Err(Cause::Status { status: status.as_u16(), text: excerpt(&body) });
        }
        Ok((Reply { body, date }, charge))
    }

    async fn read(
        &self,
        exchange: Exchange,
        mut response: reqwest::Response,
    ) -> Result<(Bytes, Option<Box<dyn Charge>>), Cause> {
        let mut charge = self.room.as_ref().map(|room| room.open());
        let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut body = BytesMut::with_capacity(expected.min(LARGE));
        let mut reported = 0;
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| lost(true, error))?;
            let Some(chunk) = chunk else { return Ok((body.freeze(), charge)) };
            if body.len() + chunk.len() > self.reply_limit {
                return Err(Cause::TooLarge { limit: self.reply_limit });
            }
            if let Some(charge) = &mut charge {
                charge.grow(chunk.len());
            }
            if body.len() + chunk.len() > LARGE && body.capacity() < OWN_MAPPING {
                body.reserve(OWN_MAPPING - body.len());
            }
            body.extend_from_slice(&chunk);
            if body.len() - reported >= PIECE {
                reported = body.len();
                // Full: the driver has not looked yet, and finds a report there.
                let _ = self.report.try_send(exchange);
            }
        }
    }

    /// The URL with the message type appended, as the JavaScript and Java clients do for a single message.
    fn target(&self, request: &Request) -> reqwest::Url {
        let mut url = self.url.clone();
        let suffix = match request.phase {
            Phase::Handshake => "handshake",
            Phase::Connect => "connect",
            Phase::Disconnect => "disconnect",
            // Subscribes and unsubscribes share their arrays; the bare URL takes both.
            Phase::Subscribe if request.single && request.body.contains(crate::session::SUBSCRIBE) => "subscribe",
            Phase::Subscribe if request.single => "unsubscribe",
            Phase::Subscribe => return url,
        };
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(suffix);
        }
        url
    }
}

/// A failure of the HTTP client's.
pub(crate) fn lost(sent: bool, error: reqwest::Error) -> Cause {
    Cause::Transport { sent, text: chain(&error), error: Some(Lost(Arc::new(error))) }
}

/// An error with its causes; reqwest's own text hides the reason in its source.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The beginning of a body, for people.
pub(crate) fn excerpt(body: &[u8]) -> String {
    const MOST: usize = 300;
    String::from_utf8_lossy(body.get(..MOST).unwrap_or(body)).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// So much of a reply is progress. A body that drips below this in the time of a request is given up.
pub(crate) const PIECE: usize = 64 << 10;
/// Beyond this a body gets memory of its own from the system, which has it back as soon as the last event is handed on.
const LARGE: usize = 256 << 10;
/// Above glibc's `DEFAULT_MMAP_THRESHOLD_MAX` (mallopt(3)): what is freed below it teaches malloc to keep such pieces in its
/// arenas, where megabytes between small things are never given back. Pages that are not written to take no memory.
const OWN_MAPPING: usize = (32 << 20) + 4096;
const REPORTS: usize = 16;

#[cfg(test)]
mod tests;
