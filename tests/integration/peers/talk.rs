//! Conversations with a CometD server, raw: each line of a script is said or done, and what comes back is noted.
//!
//! `a posts X + Y` a request · `a waits X` a request whose connect is held · `a answered` its answer · `a opens` a WebSocket ·
//! `a says X` a frame · `a hears` one, or `two` in any order · `a hangs up` · `a says goodbye` · `a goes on as b` with its session · `server …`.
//! X is a message in short (`connect 0`, `subscribe /a`), JSON in braces with `CID` for the session, or `raw TEXT`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use harness::{CometD, How, Org, Publish};
use reqwest::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::wire::{Frame, Socket};
use crate::scene::LIMIT;

/// A server to talk to, with an empty memory.
pub(super) enum Server {
    Real(Box<CometD>),
    Ours(Org),
}

impl Server {
    fn url(&self) -> String {
        match self {
            Self::Real(server) => server.url().to_owned(),
            Self::Ours(org) => format!("{}/cometd", org.url()),
        }
    }

    async fn publish(&self, channel: &str, data: &str) {
        match self {
            Self::Real(server) => server.publish(channel, data).await.unwrap(),
            Self::Ours(org) => {
                let data = Some(serde_json::from_str(data).unwrap());
                org.publish(&Publish { data, ..Publish::new(channel, 1) }).await.unwrap();
            }
        }
    }

    async fn remove(&self) -> u64 {
        match self {
            Self::Real(server) => server.remove_sessions().await.unwrap(),
            Self::Ours(org) => org.end_sessions(How::UnknownClient).await.unwrap(),
        }
    }

    async fn disconnect(&self) -> u64 {
        match self {
            Self::Real(server) => server.disconnect_sessions().await.unwrap(),
            Self::Ours(org) => org.end_sessions(How::ServerDisconnect).await.unwrap(),
        }
    }

    /// Waits until so many sessions are open, or have a connect held.
    async fn until(&self, what: &str, count: u64) {
        let reached = async || {
            let (open, held) = match self {
                Self::Real(server) => (server.sessions().await?, server.held().await?),
                Self::Ours(org) => {
                    let sessions = org.stats().await?.sessions;
                    (sessions.open, sessions.held)
                }
            };
            Ok((if what == "held" { held } else { open } == count).then_some(()))
        };
        harness::until(&format!("{count} sessions are {what}"), LIMIT, reached).await.unwrap();
    }
}

#[derive(Default)]
struct Client {
    client_id: Option<String>,
    cookie: Option<String>,
    socket: Option<Socket>,
    waiting: Option<JoinHandle<Answer>>,
}

/// The status, the cookie, the body, and how long it took.
struct Answer {
    status: u16,
    cookie: Option<String>,
    body: String,
    took: Duration,
}

/// Holds a conversation; `hold` is how long the server holds a connect.
pub(super) async fn converse(server: &Server, script: &str, hold: Duration) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().timeout(LIMIT).build().unwrap();
    let mut clients: HashMap<String, Client> = HashMap::new();
    let mut notes = Vec::new();
    for (number, line) in script.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let (who, verb, rest) = (words[0], words[1], words.get(2).copied().unwrap_or_default());
        if who == "server" {
            match verb {
                "publishes" => {
                    let (channel, data) = rest.split_once(' ').unwrap();
                    server.publish(channel, &format!("{{\"n\":{data}}}")).await;
                }
                "removes" => notes.push(format!("{line}: {}", server.remove().await)),
                "disconnects" => notes.push(format!("{line}: {}", server.disconnect().await)),
                "has" => {
                    let (count, what) = rest.split_once(' ').unwrap();
                    server.until(what, count.parse().unwrap()).await;
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        if (verb, rest.starts_with("on as ")) == ("goes", true) {
            let client_id = clients[&rest[6..]].client_id.clone();
            clients.entry(who.to_owned()).or_default().client_id = client_id;
            continue;
        }
        let client = clients.entry(who.to_owned()).or_default();
        let body = spelled(rest, number, client.client_id.as_deref());
        let note = match verb {
            "posts" | "waits" => {
                let mut request = http.post(server.url()).header(CONTENT_TYPE, "application/json").body(body);
                if let Some(cookie) = &client.cookie {
                    request = request.header(COOKIE, cookie);
                }
                let asked = tokio::spawn(ask(request));
                if verb == "waits" {
                    client.waiting = Some(asked);
                    continue;
                }
                client.note(asked.await.unwrap(), hold)
            }
            "answered" => {
                let answer = client.waiting.take().unwrap().await.unwrap();
                client.note(answer, hold)
            }
            "opens" => match Socket::open(&server.url()).await {
                Ok(socket) => {
                    client.socket = Some(socket);
                    continue;
                }
                Err(status) => status,
            },
            "says" if rest == "goodbye" => {
                client.socket.as_mut().unwrap().say_goodbye().await;
                continue;
            }
            "says" => {
                client.socket.as_mut().unwrap().say(&body).await;
                continue;
            }
            // In one order or the other: the server has none.
            "hears" if rest == "two" => {
                let mut heard = Vec::new();
                for _ in 0..2 {
                    let frame = client.socket.as_mut().unwrap().hear().await;
                    let Frame::Text(text) = frame else { panic!("{line}: {frame:?}") };
                    heard.push(client.read(&text));
                }
                heard.sort();
                heard.join(" ")
            }
            "hears" => match client.socket.as_mut().unwrap().hear().await {
                Frame::Text(text) => client.read(&text),
                other => format!("{other:?}"),
            },
            "hangs" => {
                client.socket = None;
                continue;
            }
            _ => panic!("{line}"),
        };
        notes.push(format!("{line}: {note}"));
    }
    notes
}

async fn ask(request: reqwest::RequestBuilder) -> Answer {
    let begin = Instant::now();
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let cookie = answer.headers().get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned());
    Answer { status, cookie, body: answer.text().await.unwrap(), took: begin.elapsed() }
}

impl Client {
    fn note(&mut self, answer: Answer, hold: Duration) -> String {
        let mut note = format!("{} {}", answer.status, self.read(&answer.body));
        if let Some(cookie) = answer.cookie {
            let (pair, rest) = cookie.split_once(';').unwrap();
            note.push_str(&format!(" {}=…;{rest}", pair.split('=').next().unwrap()));
            self.cookie = Some(pair.to_owned());
        }
        // No answer comes before the hold is over that is not meant to, and none at once takes so long.
        if answer.took >= hold.mul_f64(0.95) { note + " held" } else { note }
    }

    /// The messages, with their fields in order, and without what is random.
    fn read(&mut self, text: &str) -> String {
        let Ok(Value::Array(mut messages)) = serde_json::from_str(text) else {
            return if text.contains("<html>") { "a page".to_owned() } else { text.to_owned() };
        };
        for message in &mut messages {
            if let Some(client_id) = message.get_mut("clientId") {
                self.client_id = client_id.as_str().map(str::to_owned);
                *client_id = "CID".into();
            }
        }
        Value::Array(messages).to_string()
    }
}

/// The body of a line: messages in short are spelled out, with ids that differ.
fn spelled(text: &str, number: usize, client_id: Option<&str>) -> String {
    if let Some(raw) = text.strip_prefix("raw ") {
        return raw.replace("LONG", &"x".repeat(70_000));
    }
    let client_id = client_id.unwrap_or("none");
    let messages: Vec<String> = text
        .split(" + ")
        .enumerate()
        .map(|(index, message)| {
            if message.starts_with('{') {
                return message.replace("CID", client_id);
            }
            let id = format!("{number}x{index}");
            let (kind, rest) = message.split_once(' ').unwrap_or((message, ""));
            let mut long = json!({"channel": format!("/meta/{kind}"), "clientId": client_id, "id": id});
            match kind {
                "handshake" => {
                    long = json!({"channel": "/meta/handshake", "version": "1.0", "id": id,
                        "supportedConnectionTypes": ["websocket", "long-polling"]});
                    if rest == "ack" {
                        long["ext"] = json!({"ack": true});
                    }
                }
                "connect" => {
                    long["connectionType"] = "long-polling".into();
                    for word in rest.split_whitespace() {
                        match word.split_once('=') {
                            Some((name @ ("timeout" | "interval"), millis)) => {
                                long["advice"][name] = millis.parse::<u64>().unwrap().into();
                            }
                            Some(("ack", number)) => long["ext"] = json!({"ack": number.parse::<u64>().unwrap()}),
                            _ => panic!("{message}"),
                        }
                    }
                }
                "publish" => {
                    let (channel, data) = rest.split_once(' ').unwrap();
                    long["channel"] = channel.into();
                    long["data"] = serde_json::from_str(data).unwrap();
                }
                "subscribe" | "unsubscribe" => {
                    let names: Vec<&str> = rest.split(',').collect();
                    long["subscription"] = if let [name] = names.as_slice() { json!(name) } else { json!(names) };
                }
                _ => {}
            }
            long.to_string()
        })
        .collect();
    format!("[{}]", messages.join(","))
}
