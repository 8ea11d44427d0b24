//! What only a WebSocket does.

use super::*;

async fn open(script: Script, transcript: &str) -> Stage {
    let mut stage = Stage::new(TransportKind::WebSocket, script, config()).await;
    stage.play(transcript).await;
    stage
}

#[tokio::test]
async fn the_upgrade_carries_the_caller_s_headers_and_the_close_says_why() {
    let mut stage = open(AS_USUAL, "! Handshaken").await;
    let upgrade = stage.heard("upgrade").await;
    assert_eq!(upgrade, json!({"channel": "upgrade", "authorization": "Bearer t", "path": "/cometd"}));
    stage.play("! Subscribed(/a)\n! Connected\n! Messages(1)\ndisconnect\n! Ended(disconnect: closed by us)").await;
    assert_eq!(stage.heard("close").await, json!({"channel": "close", "code": 1000}));
    stage.play("drop\ngone").await;
}

#[tokio::test]
async fn a_server_without_sockets_is_told_apart() {
    const WITHOUT: Script = |message, _| (message["channel"] == "upgrade").then_some(Act::Fail(400));
    let mut stage = open(WITHOUT, "").await;
    let Event::Ended(failure) = stage.next("the end").await else { panic!("expected the end") };
    assert_eq!(failure.cause, Cause::NoUpgrade { status: 400, text: "no sockets here".to_owned() });
}

#[tokio::test]
async fn a_server_that_does_not_offer_it_is_told_apart() {
    const ELSEWHERE: Script = |message, _| {
        (message["channel"] == "/meta/handshake").then(|| {
            let mut yes = yes(message);
            yes["clientId"] = json!("c1");
            yes["supportedConnectionTypes"] = json!(["long-polling"]);
            Act::Say(vec![yes])
        })
    };
    open(ELSEWHERE, r#"! Ended(handshake: the server offers ["long-polling"], not ours)"#).await;
}

#[tokio::test]
async fn an_upgrade_that_never_comes_is_given_up() {
    const NEVER: Script = |message, _| (message["channel"] == "upgrade").then_some(Act::Hold);
    open(NEVER, "! Ended(handshake: no reply in time)\ngone").await;
}

#[tokio::test]
async fn events_come_with_and_without_a_connect_and_in_its_hold() {
    const AHEAD: Script = |message, count| match (message["channel"].as_str(), count) {
        (Some("/meta/subscribe"), _) => Some(Act::Say(vec![event(1), yes(message), event(2)])),
        (Some("/meta/connect"), 1) => Some(Act::Say(vec![event(3), yes(message), event(4)])),
        (Some("/meta/connect"), 2) => Some(Act::Say(vec![event(5), event(6)])),
        _ => None,
    };
    let transcript = "
        ! Handshaken
        ! Messages(1)
        ! Subscribed(/a)
        ! Messages(1)
        ! Messages(1)
        ! Connected
        ! Messages(1)
        ! Messages(1)
        ! Messages(1)
        ! Ended(connect: no reply in time)";
    open(AHEAD, transcript).await;
}

#[tokio::test]
async fn without_room_the_frames_of_a_flood_stay_where_they_are() {
    const FLOODS: Script = |message, count| match (message["channel"].as_str(), count) {
        (Some("/meta/connect"), 2) => Some(Act::Say((0..500).map(event).collect())),
        _ => None,
    };
    let mut stage = open(FLOODS, "! Handshaken\n! Subscribed(/a)\n! Connected\n! Messages(1)\nfull").await;
    let mut read = 0;
    while matches!(stage.next("the end").await, Event::Messages { .. }) {
        read += 1;
    }
    // What was read ahead, and one that was just coming.
    assert!(read < 20, "{read} messages were read without room");
}

#[tokio::test]
async fn a_dropped_client_aborts_its_socket_and_says_nothing_more() {
    let mut stage = open(AS_USUAL, "! Handshaken\n! Subscribed(/a)\n! Connected\ndrop\ngone").await;
    while let Ok(message) = stage.server.heard.try_recv() {
        assert_ne!(message["channel"], "close");
    }
}

#[tokio::test]
async fn the_server_s_close_is_told_with_its_code_and_reason() {
    const CLOSES: Script =
        |message, count| (message["channel"] == "/meta/connect" && count == 2).then_some(Act::Fail(1001));
    let ended = "! Ended(connect: the server closed the socket: 1001 so be it)";
    open(CLOSES, &format!("! Handshaken\n! Subscribed(/a)\n! Connected\n{ended}\ngone")).await;
}

#[tokio::test]
async fn a_held_socket_is_pinged_and_one_that_answers_no_ping_is_dead() {
    // A hold of an hour: only the missing pong can tell.
    const HOLDS: Script = |message, count| match (message["channel"].as_str(), count) {
        (Some("/meta/connect"), 1) => {
            let mut yes = yes(message);
            yes["advice"] = json!({"timeout": 500_000});
            Some(Act::Say(vec![yes]))
        }
        (Some("/meta/connect"), _) => Some(Act::Hold),
        _ => None,
    };
    let connected = "! Handshaken\n! Subscribed(/a)\n! Connected\nheard /meta/connect\nheard /meta/connect";
    let pinged = "heard ping\nheard ping\nheard ping";
    let dead = "frozen\n! Ended(connect: a ping was not answered in time)";
    open(HOLDS, &format!("{connected}\n{pinged}\n{dead}")).await;
}

#[tokio::test]
async fn an_answer_that_belongs_to_another_key_is_no_socket() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cometd", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        assert!(client.read(&mut request).await.unwrap() > 0);
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        client.write_all(answer.as_bytes()).await.unwrap();
        while matches!(client.read(&mut request).await, Ok(1..)) {}
    });
    let client = reqwest::Client::builder().no_proxy();
    let transport = Transport { url, headers: HeaderMap::new(), client, reply_limit: 1000, room: None };
    let mut client: Client<IgnoredAny> = Client::open(transport, config(), TransportKind::WebSocket).unwrap();
    let Event::Ended(failure) = client.next().await else { panic!("expected the end") };
    assert!(matches!(failure.cause, Cause::NoUpgrade { status: 101, .. }), "{failure}");
}

#[tokio::test]
async fn an_interval_is_waited_on_the_same_socket() {
    const SLOW_AND_ONCE: Script = |message, count| match message["channel"].as_str() {
        Some("/meta/connect") if count < 4 => {
            let mut yes = yes(message);
            yes["advice"] = json!({"interval": 100, "timeout": 500});
            Some(Act::Say(vec![yes]))
        }
        Some("upgrade") if count > 1 => Some(Act::Fail(400)),
        _ => None,
    };
    let connects = "heard /meta/connect\nheard /meta/connect\nheard /meta/connect\nheard /meta/connect";
    open(SLOW_AND_ONCE, &format!("! Handshaken\n! Subscribed(/a)\n! Connected\n{connects}")).await;
}
