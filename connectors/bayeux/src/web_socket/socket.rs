//! One socket: a task that says what it is given, hands on what comes, and pings.
//!
//! It runs by itself, so that pings go out however long the session's owner is busy elsewhere.

use super::upgrade::{Stream, Upgrade};
use super::{Pace, gone};
use crate::failure::{Cause, Phase};
use crate::long_polling::{PIECE, changed};
use crate::room::{Charge, Room};
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, frame::coding::CloseCode};

/// Something to say.
pub(super) struct Said {
    pub(super) phase: Phase,
    pub(super) text: String,
}

/// Something that came.
pub(super) enum Heard {
    /// A whole message.
    Frame { text: Bytes, charge: Option<Box<dyn Charge>> },
    /// A good piece of a message that is not whole yet.
    Traffic,
    /// The last thing that is heard.
    Closed(Cause),
}

/// A socket that is being opened, or open. Dropping it aborts it.
pub(super) struct Socket {
    say: mpsc::Sender<Said>,
    hear: mpsc::Receiver<Heard>,
    /// None once the task ends by itself.
    task: Option<AbortHandle>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Socket {
    /// Begins to open a socket.
    pub(super) fn open(upgrade: Upgrade, pace: Pace) -> Self {
        let (say, to_say) = mpsc::channel(QUEUE);
        let (heard, hear) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let opened = tokio::select! {
                opened = upgrade.open() => opened,
                () = heard.closed() => return,
            };
            let ended = match opened {
                Ok(stream) => Talk::new(stream, &upgrade, pace).run(to_say, &heard).await,
                Err(cause) => Some(cause),
            };
            if let Some(cause) = ended {
                // Nobody hears it any more where the session went on without this socket.
                let _ = heard.send(Heard::Closed(cause)).await;
            }
        });
        Self { say, hear, task: Some(task.abort_handle()) }
    }

    /// Says as much as finds a place.
    pub(super) fn say(&self, outbox: &mut VecDeque<Said>) {
        while let Ok(place) = self.say.try_reserve()
            && let Some(said) = outbox.pop_front()
        {
            place.send(said);
        }
    }

    /// The next thing that came. Cancel-safe.
    pub(super) async fn hear(&mut self) -> Heard {
        self.hear.recv().await.unwrap_or_else(|| Heard::Closed(gone(true, "the socket is gone")))
    }

    /// Says these, where the socket is open, and closes it. Nobody waits for it; it takes its time-outs at most.
    pub(super) fn finish(mut self, last: impl Iterator<Item = Said>) {
        for said in last {
            if self.say.try_send(said).is_err() {
                tracing::debug!("the socket was closed without a goodbye");
            }
        }
        self.task = None;
    }
}

/// An open socket under the task's hands.
struct Talk {
    stream: Stream,
    limit: usize,
    pace: Pace,
    accounts: Option<Arc<dyn Room>>,
    room: Option<watch::Receiver<bool>>,
    /// A connect has been sent: from here on nothing is read without room.
    connected: bool,
    /// What waits to be taken; nothing further is read before.
    unheard: Option<Heard>,
    ping_at: Instant,
    /// When the ping that is not answered has to be.
    pong_until: Option<Instant>,
    look_at: Instant,
    count: Arc<AtomicU64>,
    /// The count when it was last told of.
    told: u64,
}

impl Talk {
    fn new(stream: Stream, upgrade: &Upgrade, pace: Pace) -> Self {
        let now = Instant::now();
        Self {
            count: stream.get_ref().count(),
            stream,
            limit: upgrade.limit,
            accounts: upgrade.room.clone(),
            room: upgrade.room.as_ref().map(|room| room.changes()),
            connected: false,
            unheard: None,
            ping_at: now + pace.ping,
            pong_until: None,
            look_at: now + pace.patience / LOOKS,
            told: 0,
            pace,
        }
    }

    /// Until the socket fails, which is told, or there is nobody left to talk for.
    async fn run(mut self, mut to_say: mpsc::Receiver<Said>, heard: &mpsc::Sender<Heard>) -> Option<Cause> {
        loop {
            let room = self.room.as_ref().is_none_or(|room| *room.borrow());
            let reads = self.unheard.is_none() && (room || !self.connected);
            if !reads {
                self.pong_until = None; // a pong would lie unread
            }
            let pong_until = self.pong_until;
            let step = tokio::select! {
                biased;
                said = to_say.recv() => match said {
                    Some(said) => self.say(said).await,
                    None => return self.close().await,
                },
                place = heard.reserve(), if self.unheard.is_some() => {
                    if let (Some(heard), Ok(place)) = (self.unheard.take(), place) {
                        place.send(heard);
                    }
                    Ok(())
                }
                () = tokio::time::sleep_until(self.ping_at) => self.ping().await,
                () = tokio::time::sleep_until(self.look_at) => {
                    self.look();
                    Ok(())
                }
                () = until(pong_until) => Err(gone(true, "a ping was not answered in time")),
                () = changed(&mut self.room) => Ok(()),
                came = self.stream.next(), if reads => self.came(came),
            };
            if let Err(cause) = step {
                // A close of the server's is answered, if that takes no waiting.
                let _ = self.stream.flush().now_or_never();
                return Some(cause);
            }
        }
    }

    async fn say(&mut self, said: Said) -> Result<(), Cause> {
        self.connected |= said.phase == Phase::Connect;
        self.send(Message::text(said.text)).await
    }

    async fn ping(&mut self) -> Result<(), Cause> {
        self.ping_at = Instant::now() + self.pace.ping;
        self.pong_until.get_or_insert(Instant::now() + self.pace.patience);
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Cause> {
        match tokio::time::timeout(self.pace.patience, self.stream.send(message)).await {
            Ok(sent) => sent.map_err(|error| self.failed(&error)),
            Err(_) => Err(gone(true, "the server takes nothing more")),
        }
    }

    /// Looks whether a message that is not whole yet goes on.
    fn look(&mut self) {
        self.look_at = Instant::now() + self.pace.patience / LOOKS;
        let count = self.count.load(Ordering::Relaxed);
        if self.unheard.is_none() && count.saturating_sub(self.told) >= PIECE as u64 {
            self.told = count;
            self.unheard = Some(Heard::Traffic);
            self.pong_until = None;
        }
    }

    fn came(&mut self, came: Option<Result<Message, Error>>) -> Result<(), Cause> {
        self.pong_until = None;
        match came {
            Some(Ok(Message::Text(text))) => {
                let charge = self.accounts.as_ref().map(|room| {
                    let mut charge = room.open();
                    charge.grow(text.len());
                    charge
                });
                self.unheard = Some(Heard::Frame { text: text.into(), charge });
                Ok(())
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => Err(Cause::Malformed("a binary message".to_owned())),
            Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
                Err(gone(true, format!("the server closed the socket: {} {reason}", u16::from(code)).trim_end()))
            }
            Some(Ok(Message::Close(None))) => Err(gone(true, "the server closed the socket")),
            Some(Err(error)) => Err(self.failed(&error)),
            None => Err(gone(true, "the socket ended")),
        }
    }

    fn failed(&self, error: &Error) -> Cause {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Cause::TooLarge { limit: self.limit },
            error => gone(true, error.to_string()),
        }
    }

    /// Closes the socket as RFC 6455 wants it (section 7): the close is answered, or given up.
    async fn close(mut self) -> Option<Cause> {
        let goodbye = async {
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            if self.stream.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        if tokio::time::timeout(self.pace.goodbye, goodbye).await.is_err() {
            tracing::debug!("the close of a socket was not answered");
        }
        None
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// So many messages of ours, and of the server's, wait for a moment at most.
const QUEUE: usize = 16;
/// How often, in the time that a piece may take, it is looked whether one has come.
const LOOKS: u32 = 4;
