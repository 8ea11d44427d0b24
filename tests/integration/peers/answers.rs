//! The simulator's plain CometD server answers what the real one answers: the same conversations with both.

use std::time::Duration;

use harness::{Org, cometd_or_skip};
use simulator::{Generic, Options};

use super::talk::{Server, converse};

/// How long both hold a connect, and how long a session lives without one.
const HOLD: Duration = Duration::from_secs(1);

/// Holds each conversation with both servers, and compares what was noted.
async fn check(conversations: &[(&str, &str)]) {
    let Some(real) = cometd_or_skip(&["timeout=1000", "maxInterval=1000", "ws.idleTimeout=2500"]).await else { return };
    let generic = Generic { idle: Duration::from_millis(2500), ..Generic::default() };
    let options = Options { hold: HOLD, expiry: HOLD, generic: Some(generic), ..Options::default() };
    let servers = (Server::Real(Box::new(real)), Server::Ours(Org::within(options).await.unwrap()));
    let mut differences = Vec::new();
    for (name, script) in conversations {
        let (real, ours) = tokio::join!(converse(&servers.0, script, HOLD), converse(&servers.1, script, HOLD));
        assert!(!real.is_empty(), "{name} notes nothing");
        if real != ours {
            let pairs = real.iter().zip(&ours).filter(|(real, ours)| real != ours);
            let lines: Vec<String> = pairs.map(|(real, ours)| format!("  real {real}\n  ours {ours}")).collect();
            differences.push(format!("{name}:\n{}", lines.join("\n")));
        }
        // One conversation at a time: orders to the servers are for all sessions.
        for server in [&servers.0, &servers.1] {
            converse(server, "server removes\nserver has 0 open", HOLD).await;
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn requests_are_answered_as_by_the_real_server() {
    check(&[
        (
            "a session's life",
            "a posts handshake
             a posts connect
             a posts connect timeout=0
             a posts connect timeout=200 interval=70
             a posts connect
             a posts disconnect
             a posts connect
             a posts subscribe /a
             a posts unsubscribe /a
             a posts publish /a 1
             a posts disconnect",
        ),
        (
            "subscribing",
            "a posts handshake
             a posts subscribe /a/b
             a posts subscribe /a/b
             a posts subscribe /a/c,/a/d
             a posts subscribe /w/**
             a posts subscribe /service/x
             a posts subscribe nope
             a posts subscribe /
             a posts subscribe /ok,bad
             a posts subscribe /a?x='1'
             a posts subscribe /meta/connect
             a posts subscribe /meta/*
             a posts {\"channel\":\"/meta/subscribe\",\"clientId\":\"CID\",\"id\":\"1\"}
             a posts {\"channel\":\"/meta/subscribe\",\"clientId\":\"CID\",\"id\":\"1\",\"subscription\":5}
             a posts unsubscribe /a/b
             a posts unsubscribe /a/b
             a posts unsubscribe /never
             a posts unsubscribe nope
             a posts {\"channel\":\"/meta/unsubscribe\",\"clientId\":\"CID\",\"id\":\"1\"}
             a posts subscribe /a/*/b",
        ),
        (
            "events go out with whatever is answered, and once",
            "a posts handshake
             a posts connect
             a posts subscribe /e/b
             a posts subscribe /e/*
             a posts subscribe /e/**
             server publishes /e/b 1.50
             server publishes /e 2
             server publishes /e/b/c 3
             a posts subscribe /e/z
             server publishes /e/b 4
             a posts connect
             server publishes /e/b 5
             a posts unsubscribe /e/z
             a posts publish /e/b {\"own\":1}
             a posts publish /e/b {\"own\":2} + publish /e/b \"own 3\"
             a posts unsubscribe /e/b,/e/*,/e/**
             server publishes /e/b 9
             server publishes /other 9
             a posts connect timeout=0",
        ),
        (
            "an event ends a hold; a reply on the side takes events and does not",
            "a posts handshake
             a posts connect
             a posts subscribe /h
             a waits connect
             server has 1 held
             server publishes /h 1
             a answered
             a waits connect
             server has 1 held
             a posts publish /h 2
             a answered",
        ),
        (
            "of two connects the older fails, whatever the newer is",
            "a posts handshake
             a posts connect
             a waits connect
             server has 1 held
             b goes on as a
             a posts connect timeout=0
             a answered
             a waits connect
             server has 1 held
             a posts subscribe /x + connect
             a answered",
        ),
        (
            "in company no connect is held, and answers are in order",
            "a posts handshake
             a posts connect
             a posts subscribe /x + connect
             a posts connect + subscribe /y
             a posts connect + connect
             a posts disconnect + subscribe /z
             b posts handshake + subscribe /x",
        ),
        (
            "the end of a session",
            "a posts handshake
             a posts connect
             a waits connect
             server has 1 held
             server disconnects
             a answered
             a posts connect
             b posts handshake
             b posts connect
             b waits connect
             server has 1 held
             server removes
             b answered
             b posts connect
             c posts handshake
             c posts connect
             c waits connect
             server has 1 held
             c posts disconnect
             c answered
             d posts handshake
             d posts connect
             server disconnects
             d posts connect
             e posts handshake
             server has 0 open
             e posts connect",
        ),
        (
            "who comes without its cookie is unknown",
            "a posts handshake
             b goes on as a
             b posts connect
             b posts subscribe /x
             b posts {\"channel\":\"/meta/connect\",\"connectionType\":\"long-polling\",\"id\":\"1\"}",
        ),
        (
            "of two sessions with one cookie only one is held",
            "a posts handshake
             a posts connect
             a waits connect
             server has 1 held
             a posts handshake
             a posts connect
             a posts connect
             a posts connect timeout=0
             a answered",
        ),
        (
            "what is not quite a message",
            "a posts raw {
             a posts raw []
             a posts raw null
             a posts raw 5
             a posts raw [5]
             a posts {\"channel\":\"/meta/handshake\"}
             a posts {\"clientId\":\"CID\",\"id\":\"12\"}
             a posts {\"channel\":\"/meta/connect\",\"clientId\":\"CID\",\"id\":7}
             a posts {\"channel\":\"/meta/connect\",\"clientId\":\"CID\",\"id\":\"a b\"}
             a posts {\"channel\":\"/meta/foo\",\"clientId\":\"CID\",\"id\":\"1\"}
             a posts {\"channel\":\"nope\",\"clientId\":\"CID\",\"id\":\"1\",\"data\":1}
             a posts {\"channel\":\"/service/x\",\"clientId\":\"CID\",\"id\":\"1\",\"data\":1}
             a posts {\"channel\":\"/meta/connect\",\"clientId\":5,\"id\":\"1\"}",
        ),
    ])
    .await;
}

#[tokio::test]
async fn acknowledged_events_are_repeated_as_by_the_real_server() {
    check(&[
        (
            "by requests",
            "a posts handshake ack
             a posts connect ack=0
             a posts subscribe /k
             server publishes /k 1
             server publishes /k 2
             a posts subscribe /l
             a posts connect ack=0
             server publishes /k 3
             a posts connect ack=1
             a posts connect ack=1
             server publishes /k 4
             a posts connect ack=1
             a posts connect ack=0
             a posts connect
             a posts connect ack=7
             a waits connect ack=8
             server has 1 held
             server publishes /k 5
             a answered
             a waits connect ack=9
             server has 1 held
             a posts publish /k 6
             a answered
             a posts subscribe nope
             a posts connect timeout=0 ack=10
             server publishes /k 7
             a posts unsubscribe /k
             a posts subscribe /m + connect ack=11
             a posts disconnect",
        ),
        (
            "by a socket",
            "a opens
             a says handshake ack
             a hears
             a says connect ack=0
             a hears
             a says subscribe /k
             a hears
             server publishes /k 1
             server publishes /k 2
             a says connect ack=0
             a hears
             a hears
             a hears
             a says connect ack=0
             a hears
             a hears
             a hears
             a says connect ack=3
             a says unsubscribe /never
             a hears
             server publishes /k 3
             a hears
             a hears
             a hangs up
             b goes on as a
             b opens
             b says connect ack=3
             b hears
             b hears",
        ),
    ])
    .await;
}

#[tokio::test]
async fn frames_are_answered_as_by_the_real_server() {
    check(&[
        (
            "a session's life",
            "a opens
             a says handshake
             a hears
             a says connect
             a hears
             a says connect timeout=0
             a hears
             a says connect timeout=100 interval=70
             a hears
             a says subscribe /x + subscribe /y
             a hears
             a says connect
             a says disconnect
             a hears two
             a says connect
             a hears",
        ),
        (
            "events come as they are made, and end no hold",
            "a opens
             a says handshake
             a hears
             a says connect
             a hears
             a says subscribe /s
             a hears
             server publishes /s 1
             a hears
             a says connect
             a says subscribe /t
             a hears
             server publishes /s 2
             server publishes /s 3
             a hears
             a hears
             a hears
             a says publish /s 4
             a hears
             a hears",
        ),
        (
            "replies in company of a connect wait for it",
            "a opens
             a says handshake
             a hears
             a says connect
             a hears
             a says connect + subscribe /s
             a says unsubscribe /never
             a hears
             server publishes /s 1
             a hears
             a hears",
        ),
        (
            "an older connect is never answered",
            "a opens
             a says handshake
             a hears
             a says connect
             a hears
             a says connect
             a says connect
             a hears
             a says unsubscribe /never
             a hears",
        ),
        (
            "the end of a session",
            "a opens
             a says handshake
             a hears
             a says connect
             a hears
             a says connect
             a says unsubscribe /never
             a hears
             server disconnects
             a hears
             a hears
             a says connect
             a hears
             a says subscribe /x
             a hears
             b opens
             b says handshake
             b hears
             b says connect
             b hears
             b says connect
             b says unsubscribe /never
             b hears
             server removes
             b hears
             b says connect
             b hears
             server has 0 open",
        ),
        (
            "another socket goes on with the session, and gets what was queued",
            "a opens
             a says handshake
             a hears
             a says connect
             a hears
             a says subscribe /s
             a hears
             a says connect
             a says unsubscribe /never
             a hears
             a says goodbye
             a hears
             server publishes /s 1
             b goes on as a
             b opens
             b says connect timeout=0
             b hears
             b hears
             c goes on as a
             c opens
             c says connect
             c says unsubscribe /never
             c hears
             server publishes /s 2
             c hears",
        ),
        (
            "what is not quite a message",
            "a opens
             a says raw {
             a hears
             b opens
             b says raw []
             b hears
             c opens
             c says raw null
             c hears
             d opens
             d says raw [5]
             d hears
             e opens
             e says handshake + subscribe /x
             e hears
             f opens
             f says handshake
             f hears
             f says raw [{\"channel\":\"/meta/subscribe\",\"x\":\"LONG\"}]
             f hears
             g opens
             g says handshake
             g hears
             g says subscribe /a/*/b
             g hears",
        ),
        (
            "an idle socket is closed, and one with a held connect, too",
            "a opens
             a says handshake
             a hears
             a hears
             b opens
             b says handshake
             b hears
             b says connect
             b hears
             b says connect timeout=60000
             b hears",
        ),
    ])
    .await;
}
