#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
//! Against a server of a few lines that says what each test wants said, over real sockets.

use super::*;
use crate::message::Subscription;
use crate::room::purse::Purse;
use axum::body::Body;
use axum::http::{Request as HttpRequest, Response, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// What the server heard: path, `Cookie`, body.
type Heard = (String, Option<String>, Value);

/// A server that answers connects with `replies`, one after the other, and holds the one after the last for ever.
async fn server(replies: &[&str]) -> (reqwest::Url, mpsc::Receiver<Heard>) {
    let (heard, hearing) = mpsc::channel(1_000);
    let replies = Arc::new(Mutex::new(replies.iter().map(|&reply| reply.to_owned()).collect::<VecDeque<_>>()));
    let app =
        axum::Router::new().fallback(move |request: HttpRequest<Body>| answer(request, heard.clone(), replies.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cometd", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, hearing)
}

async fn answer(
    request: HttpRequest<Body>,
    heard: mpsc::Sender<Heard>,
    replies: Arc<Mutex<VecDeque<String>>>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let cookie = request.headers().get(header::COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    heard.try_send((path.clone(), cookie, body.clone())).unwrap();
    let id = &body[0]["id"];
    let scripted = if path == "/cometd/connect" { replies.lock().unwrap().pop_front() } else { None };
    let reply = match path.as_str() {
        "/cometd/handshake" => {
            format!(r#"[{{"channel":"/meta/handshake","id":{id},"clientId":"c","successful":true}}]"#)
        }
        "/cometd/subscribe" => {
            format!(r#"[{{"channel":"/meta/subscribe","id":{id},"subscription":"/a","successful":true}}]"#)
        }
        "/cometd/disconnect" => format!(r#"[{{"channel":"/meta/disconnect","id":{id},"successful":true}}]"#),
        "/cometd/connect" => match scripted {
            Some(reply) if reply == "503" => {
                return Response::builder()
                    .status(StatusCode::SERVICE_UNAVAILABLE)
                    .body(Body::from("<b>down</b>"))
                    .unwrap();
            }
            Some(reply) => reply.replace("ID", &id.to_string()),
            None => std::future::pending().await,
        },
        other => panic!("{other}"),
    };
    Response::builder()
        .header(header::SET_COOKIE, "BAYEUX_BROWSER=b1; Path=/; HttpOnly")
        .body(Body::from(reply))
        .unwrap()
}

fn client(url: reqwest::Url, reply_limit: usize, room: Option<Arc<dyn Room>>) -> LongPolling<IgnoredAny> {
    let subscriptions = vec![Subscription { channel: "/a".to_owned(), ext: None }];
    let client = reqwest::Client::builder().no_proxy();
    let transport = Transport { url, headers: HeaderMap::new(), client, reply_limit, room };
    LongPolling::new(transport, Config { subscriptions, ..Config::default() }).unwrap()
}

async fn next(client: &mut LongPolling<IgnoredAny>) -> Event<IgnoredAny> {
    tokio::time::timeout(Duration::from_secs(10), client.next()).await.unwrap()
}

async fn heard(hearing: &mut mpsc::Receiver<Heard>) -> Heard {
    tokio::time::timeout(Duration::from_secs(10), hearing.recv()).await.unwrap().unwrap()
}

const EMPTY: &str = r#"[{"channel":"/meta/connect","id":ID,"successful":true}]"#;
const EVENT: &str = r#"[{"channel":"/a","data":{"x":1}},{"channel":"/meta/connect","id":ID,"successful":true}]"#;

#[tokio::test]
async fn speaks_as_the_public_clients_do_and_keeps_its_cookies() {
    let (url, mut hearing) = server(&[EMPTY]).await;
    let mut client = client(url, 1 << 20, None);
    let expected = ["Handshaken", "Subscribed(/a)", "Connected"];
    for expected in expected {
        assert_eq!(format!("{:?}", next(&mut client).await), expected);
    }
    client.disconnect();
    assert_eq!(format!("{:?}", next(&mut client).await), "Ended(disconnect: closed by us)");
    let mut paths = Vec::new();
    while let Ok((path, cookie, _)) = hearing.try_recv() {
        assert_eq!(cookie.as_deref(), (path != "/cometd/handshake").then_some("BAYEUX_BROWSER=b1"), "{path}");
        paths.push(path);
    }
    paths.dedup();
    let told = ["/cometd/handshake", "/cometd/subscribe", "/cometd/connect", "/cometd/disconnect"];
    assert_eq!(paths, told);
}

#[tokio::test]
async fn the_next_connect_is_on_its_way_before_the_events_are_taken() {
    let (url, mut hearing) = server(&[EMPTY, EVENT]).await;
    let mut client = client(url, 1 << 20, None);
    while !matches!(next(&mut client).await, Event::Messages { .. }) {}
    // Nobody asks the client for anything now, and yet the third connect arrives.
    let mut connects = 0;
    while connects < 3 {
        connects += usize::from(heard(&mut hearing).await.0 == "/cometd/connect");
    }
}

#[tokio::test]
async fn f16_a_reply_over_the_limit_is_told_as_such() {
    let long = EVENT.replace("{\"x\":1}", &format!("\"{}\"", "x".repeat(2000)));
    let (url, _hearing) = server(&[EMPTY, &long]).await;
    let mut client = client(url, 1000, None);
    let ended = loop {
        if let Event::Ended(failure) = next(&mut client).await {
            break failure;
        }
    };
    assert_eq!(ended.cause, Cause::TooLarge { limit: 1000 });
}

#[tokio::test]
async fn a_status_other_than_200_fails_the_exchange_with_the_body_s_beginning() {
    let (url, _hearing) = server(&["503"]).await;
    let mut client = client(url, 1000, None);
    let ended = loop {
        if let Event::Ended(failure) = next(&mut client).await {
            break failure;
        }
    };
    assert_eq!(ended.cause, Cause::Status { status: 503, text: "<b>down</b>".to_owned() });
}

#[tokio::test]
async fn a_server_that_is_not_there_has_been_sent_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cometd", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let mut client = client(url, 1000, None);
    let Event::Ended(failure) = next(&mut client).await else { panic!("expected the end") };
    assert!(matches!(failure.cause, Cause::Transport { sent: false, .. }), "{failure}");
}

#[tokio::test]
async fn replies_are_charged_until_their_events_are_dropped_and_no_connect_leaves_without_room() {
    let room = Arc::new(Purse::new());
    let taken = room.taken.clone();
    let (url, mut hearing) = server(&[EMPTY, EVENT, EVENT]).await;
    let mut client = client(url, 1 << 20, Some(room.clone()));
    let first = loop {
        match next(&mut client).await {
            // From here on there is no room: the connect that is held already may answer, no other goes out.
            Event::Connected => drop(room.room.send_replace(false)),
            event @ Event::Messages { .. } => break event,
            _ => {}
        }
    };
    assert!(taken.load(Ordering::SeqCst) >= 60);
    drop(first);
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    while hearing.try_recv().is_ok() {}
    let waiting = tokio::time::timeout(Duration::from_millis(100), client.next()).await;
    assert!(waiting.is_err() && hearing.try_recv().is_err(), "a connect left without room");
    room.room.send_replace(true);
    assert!(matches!(next(&mut client).await, Event::Messages { .. }));
}
