#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
//! Both transports against the same server, over real sockets. A case is a transcript: `!` what happens (`*` for any
//! rest), `heard` what the server has to hear before the next step, the line's states, and what the owner does.

mod server;

use super::*;
use crate::failure::{Cause, Failure};
use crate::message::Subscription;
use crate::room::purse::Purse;
use http::{HeaderMap, HeaderValue, header};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use server::{Act, Line, Script, Server, event, no, wait, yes};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const BOTH: [TransportKind; 2] = [TransportKind::LongPolling, TransportKind::WebSocket];

struct Stage {
    server: Server,
    client: Option<Client<IgnoredAny>>,
    purse: Purse,
    /// What happened while something else was waited for.
    happened: VecDeque<Event<IgnoredAny>>,
}

impl Stage {
    async fn new(kind: TransportKind, script: Script, config: Config) -> Self {
        let server = Server::start(script).await;
        let purse = Purse::new();
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer t"));
        let transport = Transport {
            url: server.url.clone(),
            headers,
            client: reqwest::Client::builder().no_proxy(),
            reply_limit: REPLY_LIMIT,
            room: Some(Arc::new(purse.clone())),
        };
        let client = Some(Client::open(transport, config, kind).unwrap());
        Self { server, client, purse, happened: VecDeque::new() }
    }

    async fn next(&mut self, awaited: &str) -> Event<IgnoredAny> {
        if let Some(event) = self.happened.pop_front() {
            return event;
        }
        let next = tokio::time::timeout(LONG, self.client.as_mut().unwrap().next());
        next.await.unwrap_or_else(|_| panic!("nothing happened: {awaited}"))
    }

    /// What the server hears next on that channel, while the client goes on.
    async fn heard(&mut self, channel: &str) -> Value {
        let hear = async {
            loop {
                tokio::select! {
                    message = self.server.heard.recv() => match message.unwrap() {
                        message if message["channel"] == channel => return message,
                        _ => {}
                    },
                    event = self.client.as_mut().unwrap().next() => self.happened.push_back(event),
                }
            }
        };
        tokio::time::timeout(LONG, hear).await.unwrap_or_else(|_| panic!("{channel} was not heard"))
    }

    async fn play(&mut self, transcript: &str) {
        for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            match mark {
                "!" => {
                    let happened = format!("{:?}", self.next(line).await);
                    match rest.strip_suffix('*') {
                        Some(beginning) => assert!(happened.starts_with(beginning), "{line}: {happened}"),
                        None => assert_eq!(happened, rest),
                    }
                }
                "heard" => drop(self.heard(rest).await),
                "frozen" => self.server.set(Line::Frozen).await,
                "slow" => self.server.set(Line::Slow).await,
                "drip" => self.server.set(Line::Drip).await,
                "reset" => self.server.set(Line::Reset).await,
                "half-closed" => self.server.set(Line::HalfClosed).await,
                "full" => drop(self.purse.room.send_replace(false)),
                "room" => drop(self.purse.room.send_replace(true)),
                "forget" => self.client.as_mut().unwrap().forget(rest),
                "again" => {
                    let subscription = Subscription { channel: rest.to_owned(), ext: None };
                    self.client.as_mut().unwrap().ask(Ask::Subscribe(subscription));
                }
                "disconnect" => self.client.as_mut().unwrap().disconnect(),
                "drop" => self.client = None,
                "gone" => wait("the end of every line", || self.server.lines.load(Ordering::SeqCst) == 0).await,
                _ => panic!("{line}"),
            }
        }
    }
}

fn config() -> Config {
    Config {
        subscriptions: vec![Subscription { channel: "/a".to_owned(), ext: None }],
        request_timeout: Duration::from_secs(2),
        hold: Duration::from_millis(500),
        repeat_delay: Duration::from_millis(50),
        room_timeout: Duration::from_millis(500),
        ping_interval: Duration::from_millis(200),
        ..Config::default()
    }
}

async fn check(script: Script, transcript: &str) {
    for kind in BOTH {
        Stage::new(kind, script, config()).await.play(transcript).await;
    }
}

/// Nothing takes as long as this, however busy the machine.
const LONG: Duration = Duration::from_secs(20);

const REPLY_LIMIT: usize = 1_000_000;

const AS_USUAL: Script = |_, _| None;

/// Up to the third connect, which is held.
const HELD: &str = "
    ! Handshaken
    ! Subscribed(/a)
    ! Connected
    ! Messages(1)
    heard /meta/connect
    heard /meta/connect
    heard /meta/connect";

async fn check_held(transcript: &str) {
    check(AS_USUAL, &format!("{HELD}\n{transcript}")).await;
}

#[tokio::test]
async fn a_session_from_its_handshake_to_its_goodbye() {
    check(
        AS_USUAL,
        "
        ! Handshaken
        heard /meta/handshake
        ! Subscribed(/a)
        heard /meta/subscribe
        ! Connected
        heard /meta/connect
        ! Messages(1)
        heard /meta/connect
        heard /meta/connect
        disconnect
        ! Ended(disconnect: closed by us)
        heard /meta/disconnect",
    )
    .await;
}

#[tokio::test]
async fn a_refused_channel_is_let_be_or_asked_for_again() {
    const REFUSES_ONCE: Script = |message, count| {
        (message["channel"] == "/meta/subscribe" && count == 1).then(|| Act::Say(vec![no(message, "403::denied")]))
    };
    check(REFUSES_ONCE, "! Handshaken\n! Refused(/a: 403::denied)\nforget /a\n! Connected\n! Messages(1)").await;
    check(REFUSES_ONCE, "! Handshaken\n! Refused(/a: 403::denied)\nagain /a\n! Subscribed(/a)\n! Connected").await;
}

#[tokio::test]
async fn a_channel_is_asked_for_while_connected() {
    const ANSWERS: Script = |message, count| match count {
        3 if message["channel"] == "/meta/connect" => Some(Act::Say(vec![yes(message)])),
        _ => None,
    };
    check(ANSWERS, "! Handshaken\n! Subscribed(/a)\n! Connected\n! Messages(1)\nagain /b\n! Subscribed(/b)").await;
}

#[tokio::test]
async fn an_unknown_client_is_the_end() {
    const UNKNOWN: Script = |message, count| {
        (message["channel"] == "/meta/connect" && count == 2).then(|| Act::Say(vec![no(message, "402::unknown")]))
    };
    check(UNKNOWN, "! Handshaken\n! Subscribed(/a)\n! Connected\n! Ended(connect: 402::unknown)").await;
}

#[tokio::test]
async fn the_server_s_own_disconnect_is_the_end() {
    const DISCONNECTS: Script = |message, count| {
        (message["channel"] == "/meta/connect" && count == 2)
            .then(|| Act::Say(vec![event(1), json!({"channel": "/meta/disconnect", "successful": true}), yes(message)]))
    };
    let transcript = "
        ! Handshaken
        ! Subscribed(/a)
        ! Connected
        ! Messages(1)
        ! Ended(connect: the server disconnected the session)";
    check(DISCONNECTS, transcript).await;
}

#[tokio::test]
async fn f16_a_message_over_the_limit_is_told_as_such() {
    const LONG: Script = |message, count| {
        let long = json!({"channel": "/a", "data": "x".repeat(REPLY_LIMIT)});
        (message["channel"] == "/meta/connect" && count == 2).then(|| Act::Say(vec![long, yes(message)]))
    };
    check(
        LONG,
        "! Handshaken\n! Subscribed(/a)\n! Connected\n! Ended(connect: the reply is larger than 1000000 bytes)",
    )
    .await;
}

#[tokio::test]
async fn f14_a_line_that_is_cut_in_the_hold_is_the_end() {
    check_held("reset\n! Ended(connect: *").await;
    check_held("half-closed\n! Ended(connect: *").await;
}

#[tokio::test]
async fn f04_a_line_on_which_nothing_comes_ends_within_the_hold_and_its_slack() {
    for kind in BOTH {
        for state in ["frozen", "drip"] {
            let mut stage = Stage::new(kind, AS_USUAL, config()).await;
            stage.play(HELD).await;
            let since = Instant::now();
            stage.play(&format!("{state}\n! Ended(connect: *")).await;
            // 0.5 s of hold and 2 s of slack; the rest is this machine's.
            assert!(since.elapsed() < Duration::from_secs(8), "{kind:?} {state}: {:?}", since.elapsed());
        }
    }
}

#[tokio::test]
async fn a_reply_that_drips_is_given_up() {
    // Some hundred bytes at 20 a second: each comes in time, the whole does not.
    check(AS_USUAL, "! Handshaken\n! Subscribed(/a)\ndrip\n! Ended(connect: *").await;
}

#[tokio::test]
async fn a_large_reply_on_a_slow_line_is_waited_for() {
    // It takes 5 s, where an answer has 2 s, and 2.5 s after the first connect.
    const LARGE: Script = |message, count| {
        let large = json!({"channel": "/a", "data": "x".repeat(800_000)});
        (message["channel"] == "/meta/connect" && count == 2).then(|| Act::Say(vec![large, yes(message)]))
    };
    check(LARGE, "! Handshaken\n! Subscribed(/a)\nslow\n! Connected\n! Messages(1)\nheard /meta/connect").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_has_been_sent_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: reqwest::Url = format!("http://{}/cometd", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    for kind in BOTH {
        let client = reqwest::Client::builder().no_proxy();
        let transport =
            Transport { url: url.clone(), headers: HeaderMap::new(), client, reply_limit: 1000, room: None };
        let mut client: Client<IgnoredAny> = Client::open(transport, config(), kind).unwrap();
        let Event::Ended(Failure { cause, .. }) = client.next().await else { panic!("expected the end") };
        assert!(matches!(cause, Cause::Transport { sent: false, .. }), "{kind:?}: {cause}");
    }
}

/// Every connect brings an event, at once.
const FLOOD: Script = |message, count| match message["channel"].as_str() {
    Some("/meta/connect") if count > 1 => Some(Act::Say(vec![event(count), yes(message)])),
    _ => None,
};

#[tokio::test]
async fn without_room_nothing_more_is_read_and_the_session_is_closed_on_purpose() {
    for kind in BOTH {
        let mut stage = Stage::new(kind, FLOOD, config()).await;
        stage.play("! Handshaken\n! Subscribed(/a)\n! Connected\n! Messages(1)\nfull").await;
        // What was on its way when the room went is handed on; then comes the end, with the server told.
        let mut on_its_way = 0;
        let failure = loop {
            match stage.next("the end").await {
                Event::Ended(failure) => break failure,
                _ => on_its_way += 1,
            }
        };
        assert_eq!(failure.cause, Cause::NoRoom, "{kind:?}");
        assert!(on_its_way <= 2, "{kind:?}: {on_its_way} messages were read without room");
        assert_eq!(stage.purse.taken.load(Ordering::SeqCst), 0, "{kind:?}");
        stage.play("heard /meta/disconnect").await;
    }
}

#[tokio::test]
async fn with_room_again_the_session_goes_on_and_its_events_are_charged_until_dropped() {
    for kind in BOTH {
        let mut stage = Stage::new(kind, FLOOD, Config { room_timeout: Duration::from_secs(20), ..config() }).await;
        stage.play("! Handshaken\n! Subscribed(/a)\n! Connected").await;
        let events = stage.next("events").await;
        assert!(stage.purse.taken.load(Ordering::SeqCst) >= 30, "{kind:?}");
        stage.play("full").await;
        drop(events);
        let wait = Duration::from_millis(300);
        while tokio::time::timeout(wait, stage.client.as_mut().unwrap().next()).await.is_ok() {}
        stage.play("room\n! Messages(1)\n! Messages(1)").await;
    }
}

#[tokio::test]
async fn dropping_the_client_drops_its_lines() {
    check_held("drop\ngone").await;
}

#[tokio::test]
async fn an_ended_session_leaves_no_line_behind() {
    check_held("disconnect\n! Ended(disconnect: closed by us)\ndrop\ngone").await;
}

mod acknowledged;
mod sockets;
