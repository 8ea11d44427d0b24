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
use super::{advice, bare, refused};
use crate::fault::{Doom, Fault, Place, Wire, doomed};
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
    fault: Option<&Fault>,
) -> Response {
    let offered = message.text("connectionType");
    if offered != Some(LONG_POLLING) {
        reply.replies.push(message.refused(&invalid_type(offered)));
        return reply::send(org, reply, fault);
    }
    let ending = match fault {
        Some(Fault::ServerDisconnect(place)) => Some(*place),
        _ => session.is_ending().then_some(Place::Before),
    };
    if let Some(place) = ending {
        org.end(&session, Interrupt::Unknown);
        reply.replies.extend(server_disconnect(message, place));
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
    let held = Held { org: Arc::clone(org), session: Arc::clone(&session), message: message.clone(), has_advice, wait };
    let (sender, answer) = oneshot::channel();
    // A task of its own: when the client's connection dies, the server notices no sooner than it writes, and the events
    // of that reply are out of the queue. A client that assumes otherwise must lose events here, too.
    tokio::spawn(async move {
        let answer = held.wait(hold, reply).await;
        if let Err(Answer::Reply(reply)) = sender.send(answer) {
            reply.settle(false);
        }
    });
    let answer = match fault {
        // The server goes on holding a connect whose connection is as good as dead.
        Some(Fault::Wire(Wire::Stall)) => return doomed(Doom::Stall, StatusCode::OK.into_response()),
        Some(Fault::Wire(Wire::Reset(after))) if after.is_zero() => {
            return doomed(Doom::Reset, StatusCode::OK.into_response());
        }
        Some(Fault::Wire(Wire::Reset(after))) => match tokio::time::timeout(*after, answer).await {
            Err(_) => return doomed(Doom::Reset, StatusCode::OK.into_response()),
            Ok(answer) => return answered(org, &session, message, answer.ok(), None),
        },
        _ => answer.await.ok(),
    };
    answered(org, &session, message, answer, fault)
}

/// The response to a connect whose hold has ended.
fn answered(
    org: &Org,
    session: &Session,
    message: &Message,
    answer: Option<Answer>,
    fault: Option<&Fault>,
) -> Response {
    let mut reply = match answer {
        Some(Answer::Reply(reply)) => reply,
        Some(Answer::Status(status)) => return status.into_response(),
        None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let of_delivery = match fault {
        None if !reply.counts.is_empty() => org.faults.of_delivery(&session.client_id),
        _ => None,
    };
    if let Some(refusal) = of_delivery.as_ref().and_then(refused::by) {
        reply.settle(false);
        if refusal.ends_session {
            org.end(session, Interrupt::Unknown);
        }
        return reply::send(org, Reply { replies: vec![message.refused(&refusal)], ..Reply::default() }, None);
    }
    if let Some(Fault::ServerDisconnect(place)) = of_delivery {
        org.end(session, Interrupt::Unknown);
        reply.replies.pop();
        reply.replies.extend(server_disconnect(message, place));
    }
    reply::send(org, reply, of_delivery.as_ref().or(fault))
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
            if self.org.delivered.is_spent() && self.session.is_metered() {
                self.org.end(&self.session, Interrupt::Unknown);
                reply.replies.push(self.message.refused(&message::DAILY_LIMIT));
                return Answer::Reply(reply);
            }
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
            Interrupt::ServerDisconnect => reply.replies.extend(server_disconnect(&self.message, Place::Before)),
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
fn server_disconnect(message: &Message, place: Place) -> Vec<Value> {
    let disconnect = Value::Object(bare("/meta/disconnect"));
    let refused = message.refused(&Refusal::new("403::Unknown client").advising("none"));
    match place {
        Place::Alone => vec![disconnect],
        Place::Before => vec![disconnect, refused],
        Place::After => vec![refused, disconnect],
    }
}
