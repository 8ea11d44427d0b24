//! WebSocket: arrays of messages in text frames, one event a frame, also while no connect is held.

use std::sync::Arc;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use axum::response::Response;
use serde_json::Value;
use tokio::time::Instant;

use super::answer::{Held, Outcome};
use super::hub::{Caller, Hub};
use super::message::{self, Odd};
use super::polling::settle;
use super::session::Queued;
use crate::cometd::call_of;
use crate::org::Org;
use crate::session::Interrupt;

/// Takes a connection over.
pub(super) fn open(org: &Arc<Org>, hub: &Arc<Hub>, upgrade: WebSocketUpgrade) -> Response {
    let (org, hub) = (Arc::clone(org), Arc::clone(hub));
    // A longer frame is still read in part, so that its sender gets to see why it is refused.
    upgrade.max_message_size(2 * FRAME_BYTES).max_frame_size(2 * FRAME_BYTES).on_upgrade(async move |socket| {
        let number = hub.number();
        let mut line = Line { org, hub, socket, number, client_id: None, pending: None };
        let end = line.serve().await;
        if let Some(client_id) = &line.client_id {
            line.hub.hang_up(client_id, number);
        }
        if let End::Refused(code, reason) = end {
            let _gone_already = line.socket.send(Frame::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        }
    })
}

struct Line {
    org: Arc<Org>,
    hub: Arc<Hub>,
    socket: WebSocket,
    number: u64,
    /// The session that it last spoke of.
    client_id: Option<String>,
    pending: Option<Pending>,
}

/// A held connect, and the replies to what came with it: they wait for it.
struct Pending {
    held: Held,
    replies: Vec<Value>,
}

enum End {
    /// The other side hung up.
    Gone,
    /// We do, and say why.
    Refused(u16, &'static str),
}

impl Line {
    async fn serve(&mut self) -> End {
        let hub = Arc::clone(&self.hub);
        let mut idle = Instant::now() + hub.idle;
        loop {
            let closing = hub.closing.notified();
            let news = hub.news(self.client_id.as_deref());
            let news = news.notified();
            tokio::pin!(news);
            // Before looking, so that what comes after the look is not missed.
            news.as_mut().enable();
            match self.say_what_is_due().await {
                Ok(false) => {}
                Ok(true) => idle = Instant::now() + hub.idle,
                Err(_) => return End::Gone,
            }
            let until = self.pending.as_ref().map_or(idle, |pending| pending.held.until.min(idle));
            tokio::select! {
                biased;
                () = closing => return End::Refused(GOING_AWAY, "Shutdown"),
                why = interrupted(&mut self.pending) => {
                    if self.interrupted(why).await.is_err() {
                        return End::Gone;
                    }
                }
                frame = self.socket.recv() => {
                    let Some(Ok(frame)) = frame else { return End::Gone };
                    idle = Instant::now() + hub.idle;
                    if let Err(end) = self.hear(&frame).await {
                        return end;
                    }
                }
                () = &mut news => {}
                () = tokio::time::sleep_until(until) => {
                    if Instant::now() >= idle {
                        return End::Refused(GOING_AWAY, "Connection Idle Timeout");
                    }
                }
            }
        }
    }

    /// Sends events, and the reply to a held connect whose time has come. Whether there was anything.
    async fn say_what_is_due(&mut self) -> Result<bool, axum::Error> {
        let mut events = match &self.client_id {
            Some(client_id) => self.hub.take_for(client_id, self.number),
            None => Vec::new(),
        };
        let resumed = self.pending.as_ref().and_then(|pending| self.hub.resume(&pending.held));
        let mut replies = Vec::new();
        if let Some((more, reply)) = resumed {
            events.extend(more);
            replies = self.pending.take().map_or(Vec::new(), |pending| pending.replies);
            replies.push(reply);
        }
        self.say(&events, &replies).await
    }

    /// Events in a frame each, replies in one.
    async fn say(&mut self, events: &[Queued], replies: &[Value]) -> Result<bool, axum::Error> {
        for (index, event) in events.iter().enumerate() {
            let text = format!("[{}]", String::from_utf8_lossy(&event.message));
            if let Err(error) = self.socket.send(Frame::text(text)).await {
                settle(events.get(index..).unwrap_or_default(), false);
                return Err(error);
            }
            settle(std::slice::from_ref(event), true);
        }
        if !replies.is_empty() {
            self.socket.send(Frame::text(Value::from(replies.to_vec()).to_string())).await?;
        }
        Ok(!events.is_empty() || !replies.is_empty())
    }

    async fn hear(&mut self, frame: &Frame) -> Result<(), End> {
        let text = match frame {
            Frame::Text(text) if text.len() > FRAME_BYTES => {
                return Err(End::Refused(TOO_BIG, "Text message too large"));
            }
            Frame::Text(text) => text,
            Frame::Close(_) => {
                // The next read sends the answer.
                let _end = self.socket.recv().await;
                return Err(End::Gone);
            }
            Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_) => return Ok(()),
        };
        let messages = match message::parse(text.as_bytes()) {
            Ok(messages) => messages,
            Err(Odd::Unreadable) => return Err(End::Refused(ERROR, "not messages")),
            Err(Odd::Violation) => return Err(VIOLATION),
        };
        for call in messages.iter().filter_map(|message| call_of(message.channel())) {
            self.org.counters.count(call);
        }
        let outcome = self.hub.converse(&self.org, &messages, &Caller::Socket(self.number)).map_err(|_| VIOLATION)?;
        let Outcome { events, replies, held, client_id, .. } = outcome;
        self.client_id = client_id.or_else(|| self.client_id.take());
        if let Some(held) = held {
            // An earlier one, and what waits with it, is never answered.
            self.pending = Some(Pending { held, replies });
            return Ok(());
        }
        self.say(&events, &replies).await.map(drop).map_err(|_| End::Gone)
    }

    async fn interrupted(&mut self, why: Interrupt) -> Result<(), axum::Error> {
        let Some(Pending { held, mut replies }) = self.pending.take() else { return Ok(()) };
        if matches!(why, Interrupt::Newer | Interrupt::Closing) {
            return Ok(());
        }
        let mut ended = held.ended(why);
        // A frame of its own for what the server says unasked.
        if ended.len() > 1 {
            let unasked = ended.remove(0);
            self.say(&[], &[unasked]).await?;
        }
        replies.extend(ended);
        self.say(&[], &replies).await.map(drop)
    }
}

async fn interrupted(pending: &mut Option<Pending>) -> Interrupt {
    match pending {
        Some(pending) => pending.held.hold.interrupted().await,
        None => std::future::pending().await,
    }
}

const VIOLATION: End = End::Refused(ERROR, "bayeux protocol violation");
/// Close codes: RFC 6455, section 7.4.1.
const GOING_AWAY: u16 = 1001;
const TOO_BIG: u16 = 1009;
const ERROR: u16 = 1011;
/// Jetty's default.
const FRAME_BYTES: usize = 65_536;
