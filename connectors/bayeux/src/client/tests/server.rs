//! A Bayeux server of a few lines that speaks both transports, and a line to it that can be cut, frozen and slowed.

use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// What the server does about a message.
pub(crate) enum Act {
    Say(Vec<Value>),
    /// Nothing, for ever.
    Hold,
    /// An HTTP status, or an end of the socket with a code.
    Fail(u16),
}

/// From a message, and how many of its kind have come, to what is done; `None`: as any server does.
pub(crate) type Script = fn(&Value, usize) -> Option<Act>;

/// How the line to the server behaves.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Line {
    Open,
    /// Nothing passes, and nobody is told.
    Frozen,
    /// A byte a moment comes from the server.
    Drip,
    /// Some hundred kilobytes a second come from the server.
    Slow,
    Reset,
    /// The server's side is closed; ours is not.
    HalfClosed,
}

pub(crate) struct Server {
    pub(crate) url: reqwest::Url,
    pub(crate) heard: mpsc::Receiver<Value>,
    line: watch::Sender<Line>,
    /// Lines that are open.
    pub(crate) lines: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Office {
    script: Script,
    counts: Arc<Mutex<HashMap<String, usize>>>,
    heard: mpsc::Sender<Value>,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let (hear, heard) = mpsc::channel(10_000);
        let office = Office { script, counts: Arc::default(), heard: hear };
        let app = axum::Router::new().fallback(serve).with_state(office);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let (line, lines) = (watch::Sender::new(Line::Open), Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/cometd", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(lay(listener, server, line.clone(), Arc::clone(&lines)));
        Self { url, heard, line, lines }
    }

    /// Changes the line; a cut is done when every line that was open is cut, and then new ones are open again.
    pub(crate) async fn set(&self, to: Line) {
        self.line.send_replace(to);
        if matches!(to, Line::Reset | Line::HalfClosed) {
            wait("the cut", || self.lines.load(Ordering::SeqCst) == 0).await;
            self.line.send_replace(Line::Open);
        }
    }
}

pub(crate) async fn wait(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come");
}

async fn serve(State(office): State<Office>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let authorization = parts.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    if parts.headers.contains_key(header::UPGRADE) {
        let upgrade = json!([{"channel": "upgrade", "authorization": authorization, "path": parts.uri.path()}]);
        let Some(said) = office.answer(&upgrade) else { return std::future::pending().await };
        if let Err(status) = said {
            return (StatusCode::from_u16(status).unwrap(), "no sockets here").into_response();
        }
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.unwrap();
        return upgrade.on_upgrade(move |socket| talk(office, socket));
    }
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    match office.answer(&serde_json::from_slice(&bytes).unwrap()) {
        Some(Ok(said)) => Response::new(Body::from(Bytes::from(serde_json::to_vec(&said).unwrap()))),
        Some(Err(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        None => std::future::pending().await,
    }
}

/// Each message in a frame of its own, as CometD does by default.
async fn talk(office: Office, mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        match message {
            Message::Text(text) => match office.answer(&serde_json::from_str(&text).unwrap()) {
                Some(Ok(said)) => {
                    for message in said {
                        if socket.send(Message::text(json!([message]).to_string())).await.is_err() {
                            return;
                        }
                    }
                }
                Some(Err(code)) => {
                    let frame = axum::extract::ws::CloseFrame { code, reason: "so be it".into() };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                }
                None => {}
            },
            Message::Ping(_) => office.note(json!({"channel": "ping"})),
            Message::Close(frame) => office.note(json!({"channel": "close", "code": frame.map(|frame| frame.code)})),
            Message::Binary(_) | Message::Pong(_) => {}
        }
    }
}

impl Office {
    fn note(&self, message: Value) {
        // Closed: the test is over.
        assert!(!matches!(self.heard.try_send(message), Err(TrySendError::Full(_))), "the test hears nothing");
    }

    /// `None`: no answer.
    fn answer(&self, messages: &Value) -> Option<Result<Vec<Value>, u16>> {
        let mut said = Vec::new();
        for message in messages.as_array().unwrap() {
            let channel = message["channel"].as_str().unwrap().to_owned();
            let count = {
                let mut counts = self.counts.lock().unwrap();
                let count = counts.entry(channel).or_default();
                *count += 1;
                *count
            };
            let act = (self.script)(message, count).unwrap_or_else(|| usual(message, count));
            self.note(message.clone());
            match act {
                Act::Say(messages) => said.extend(messages),
                Act::Hold => return None,
                Act::Fail(status) => return Some(Err(status)),
            }
        }
        Some(Ok(said))
    }
}

/// Agrees to everything; the second connect brings an event, the third and later ones are held.
fn usual(message: &Value, count: usize) -> Act {
    let mut yes = yes(message);
    match message["channel"].as_str().unwrap() {
        "/meta/handshake" => yes["clientId"] = json!("c1"),
        "/meta/subscribe" => yes["subscription"] = message["subscription"].clone(),
        "/meta/connect" if count == 1 => yes["advice"] = json!({"timeout": 500, "interval": 0}),
        "/meta/connect" if count == 2 => return Act::Say(vec![event(1), yes]),
        "/meta/connect" => return Act::Hold,
        _ => {}
    }
    Act::Say(vec![yes])
}

pub(crate) fn yes(message: &Value) -> Value {
    json!({"channel": message["channel"], "id": message["id"], "successful": true})
}

pub(crate) fn no(message: &Value, error: &str) -> Value {
    json!({"channel": message["channel"], "id": message["id"], "successful": false, "error": error,
           "subscription": message["subscription"]})
}

pub(crate) fn event(number: usize) -> Value {
    json!({"channel": "/a", "data": {"number": number}})
}

/// Lays a line for each connection.
async fn lay(listener: TcpListener, server: SocketAddr, line: watch::Sender<Line>, lines: Arc<AtomicUsize>) {
    while let Ok((client, _)) = listener.accept().await {
        let (line, lines) = (line.subscribe(), Arc::clone(&lines));
        lines.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let server = TcpStream::connect(server).await.unwrap();
            let _ = carry(client, server, line).await;
            lines.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, mut line: watch::Receiver<Line>) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        let now = *line.borrow_and_update();
        match now {
            Line::Reset => return client.set_zero_linger(),
            Line::HalfClosed => {
                client.shutdown().await?;
                tokio::spawn(async move { while matches!(client.read(&mut up).await, Ok(1..)) {} });
                return Ok(());
            }
            Line::Open | Line::Frozen | Line::Drip | Line::Slow => {}
        }
        tokio::select! {
            _ = line.changed() => {}
            read = client.read(&mut up), if now != Line::Frozen => match read? {
                0 => return Ok(()),
                count => server.write_all(&up[..count]).await?,
            },
            read = server.read(&mut down), if now != Line::Frozen => match read? {
                0 => return Ok(()),
                count if matches!(now, Line::Drip | Line::Slow) => {
                    for piece in down[..count].chunks(if now == Line::Drip { 1 } else { 8192 }) {
                        client.write_all(piece).await?;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                count => client.write_all(&down[..count]).await?,
            },
        }
    }
}
