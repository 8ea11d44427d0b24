//! The connect: held until there is something to say, one a session.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::message::{self, Message, Refusal};
use super::reply::{self, Reply};
use super::{advice, bare};
use crate::fault::Fault;
use crate::org::Org;
use crate::session::{Hold, Interrupt, Session};

pub(super) const LONG_POLLING: &str = "long-polling";

/// Salesforce's answer to a connection type that it does not offer.
pub(super) fn invalid_type(name: Option<&str>) -> Refusal {
    Refusal::new(format!("400::Invalid connection type {{{}}}", name.unwrap_or_default())).advising("none")
}

/// Answers a connect, after the replies to what came with it.
pub(super) async fn connect(
    org: &Arc<Org>,
    session: Arc<Session>,
    message: &Message,
    mut reply: Reply,
    may_hold: bool,
    fault: Option<Fault>,
) -> Response {
    let offered = message.text("connectionType");
    if offered != Some(LONG_POLLING) {
        reply.replies.push(message.refused(&invalid_type(offered)));
        return reply::send(org, reply, fault);
    }
    if session.is_ending() {
        org.sessions.close(&session, Interrupt::Unknown);
        reply.replies.extend(server_disconnect(message));
        return reply::send(org, reply, fault);
    }
    let Some(hold) = session.hold() else {
        reply.replies.push(message.refused(&message::UNKNOWN_CLIENT));
        return reply::send(org, reply, fault);
    };
    let asked = message.at(["advice", "timeout"]).and_then(Value::as_u64).map(Duration::from_millis);
    let wait = match asked {
        _ if hold.is_first || !may_hold => Duration::ZERO,
        Some(asked) => asked.min(org.options.hold),
        None => org.options.hold,
    };
    let has_advice = hold.is_first || asked == Some(Duration::ZERO);
    let held = Held { org: Arc::clone(org), session, message: message.clone(), has_advice, wait };
    let (sender, answer) = oneshot::channel();
    // A task of its own: when the client's connection dies, the server notices no sooner than it writes, and the events
    // of that reply are out of the queue. A client that assumes otherwise must lose events here, too.
    tokio::spawn(async move {
        let answer = held.wait(hold, reply).await;
        if let Err(Answer::Reply(reply)) = sender.send(answer) {
            reply.settle(false);
        }
    });
    match answer.await {
        Ok(Answer::Reply(reply)) => {
            let fault = if reply.counts.is_empty() { fault } else { fault.or_else(|| org.faults.of_delivery()) };
            match fault {
                Some(Fault::Unauthorized) => refuse(org, message, reply, &message::UNAUTHENTICATED),
                Some(Fault::Unavailable) => refuse(org, message, reply, &message::TOO_BUSY),
                fault => reply::send(org, reply, fault),
            }
        }
        Ok(Answer::Status(status)) => status.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

enum Answer {
    Reply(Reply),
    Status(StatusCode),
}

struct Held {
    org: Arc<Org>,
    session: Arc<Session>,
    message: Message,
    has_advice: bool,
    wait: Duration,
}

impl Held {
    /// Waits for events, the end of the hold, or an interruption.
    async fn wait(self, hold: Hold, mut reply: Reply) -> Answer {
        let Hold { number, mut interrupts, .. } = hold;
        let limit = self.org.options.reply_bytes;
        let until = Instant::now() + self.wait;
        loop {
            let news = self.session.news.notified();
            tokio::pin!(news);
            // Before looking, so that what comes after the look is not missed.
            news.as_mut().enable();
            let is_over = Instant::now() >= until;
            if let Some(taken) = self.session.answer(number, limit, is_over) {
                reply.add(taken);
                reply.replies.push(self.success());
                return Answer::Reply(reply);
            }
            tokio::select! {
                biased;
                why = &mut interrupts => return self.interrupted(why.unwrap_or(Interrupt::Newer), reply),
                () = &mut news => {}
                () = tokio::time::sleep_until(until), if !is_over => {}
            }
        }
    }

    fn success(&self) -> Value {
        let mut reply = self.message.succeeded();
        if let (true, Some(fields)) = (self.has_advice, reply.as_object_mut()) {
            let timeout = u64::try_from(self.org.options.hold.as_millis()).unwrap_or(u64::MAX);
            fields.insert("advice".to_owned(), json!({"interval": 0, "timeout": timeout, "reconnect": "retry"}));
        }
        reply
    }

    fn interrupted(&self, why: Interrupt, mut reply: Reply) -> Answer {
        match why {
            Interrupt::Newer => return Answer::Status(StatusCode::INTERNAL_SERVER_ERROR),
            Interrupt::Closing => return Answer::Status(StatusCode::SERVICE_UNAVAILABLE),
            Interrupt::Unknown => reply.replies.push(self.message.refused(&message::UNKNOWN_CLIENT)),
            Interrupt::Revoked => reply.replies.push(self.message.refused(&message::UNAUTHENTICATED)),
            Interrupt::ServerDisconnect => reply.replies.extend(server_disconnect(&self.message)),
            Interrupt::Disconnected => {
                let mut success = self.message.succeeded();
                if let Some(fields) = success.as_object_mut() {
                    fields.insert("advice".to_owned(), advice("none"));
                }
                reply.replies.push(success);
            }
        }
        Answer::Reply(reply)
    }
}

/// What Salesforce sends since API 64.0 when it takes a server away: the session is lost, whatever the advice says.
fn server_disconnect(message: &Message) -> [Value; 2] {
    let refusal = Refusal::new("403::Unknown client").advising("none");
    [Value::Object(bare("/meta/disconnect")), message.refused(&refusal)]
}

fn refuse(org: &Org, message: &Message, reply: Reply, refusal: &Refusal) -> Response {
    reply.settle(false);
    reply::send(org, Reply { replies: vec![message.refused(refusal)], ..Reply::default() }, None)
}
