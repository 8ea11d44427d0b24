//! Whatever a server, a network or an owner does, in any order.

use super::super::connecting::MOST_HOLD;
use super::*;
use proptest::prelude::*;

/// What a hostile server, network or clock may do to a session.
#[derive(Debug, Clone)]
enum Blow {
    Reply(usize),
    Fail(bool),
    Time(u64),
    Room(bool),
    Again,
    Forget,
    Disconnect,
    Frame(usize),
    Closed(bool),
    Traffic,
}

fn blow() -> impl Strategy<Value = Blow> {
    prop_oneof![
        8 => (0..REPLIES.len()).prop_map(Blow::Reply),
        1 => any::<bool>().prop_map(Blow::Fail),
        2 => (0..130_000u64).prop_map(Blow::Time),
        1 => any::<bool>().prop_map(Blow::Room),
        1 => Just(Blow::Again),
        1 => Just(Blow::Forget),
        1 => Just(Blow::Disconnect),
        4 => (0..REPLIES.len()).prop_map(Blow::Frame),
        1 => any::<bool>().prop_map(Blow::Closed),
        1 => Just(Blow::Traffic),
    ]
}

const REPLIES: &[&str] = &[
    r#"[{"channel":"/meta/handshake","clientId":"c","successful":true,"ext":{"ack":true}}]"#,
    r#"[{"channel":"/meta/handshake","clientId":"c","successful":true}]"#,
    r#"[{"channel":"/meta/handshake","clientId":7,"successful":true,"advice":[]}]"#,
    r#"[{"channel":"/meta/subscribe","subscription":"/a","successful":true}]"#,
    r#"[{"channel":"/meta/subscribe","subscription":"/a","successful":false,"error":"400::no"}]"#,
    r#"[{"channel":"/meta/subscribe","subscription":"/b","successful":true}]"#,
    r#"[{"channel":"/a","data":{}},{"channel":"/meta/connect","successful":true}]"#,
    r#"[{"channel":"/meta/connect","successful":true,"advice":{"interval":9e9,"timeout":-4,"reconnect":"retry"}}]"#,
    r#"[{"channel":"/meta/connect","successful":true,"advice":{"interval":-1}}]"#,
    r#"[{"channel":"/meta/connect","successful":true,"advice":{"maxInterval":9223372036854775807},"ext":{"ack":-3}}]"#,
    r#"[{"channel":"/meta/connect","successful":false,"error":null}]"#,
    r#"[{"channel":"/meta/disconnect"}]"#,
    r#"[{"channel":"/meta/disconnect","successful":true}]"#,
    "[]",
    "null",
    "[{]",
    "",
];

proptest! {
    /// The strongest thing to say of any session: one that lives waits for something, and one that ended says no more.
    #[test]
    fn a_live_session_always_has_a_deadline(ack in any::<bool>(), socket in any::<bool>(), blows in prop::collection::vec(blow(), 0..60)) {
        let transport = if socket { TransportKind::WebSocket } else { TransportKind::LongPolling };
        let mut stage = Stage::with(&["/a", "/b"], Config { ack, transport, ..Config::default() });
        let mut ended = false;
        for blow in blows {
            match blow {
                Blow::Reply(index) => if let Some(exchange) = stage.open.pop() {
                    let body = REPLIES[index].as_bytes().into();
                    stage.session.handle_reply(exchange, Reply { body, date: None }, stage.now);
                },
                Blow::Fail(sent) => if let Some(exchange) = stage.open.pop() {
                    stage.session.handle_failure(exchange, Cause::Transport { sent, text: String::new(), error: None }, stage.now);
                },
                Blow::Time(ms) => {
                    stage.now += Duration::from_millis(ms);
                    stage.session.handle_timeout(stage.now);
                }
                Blow::Room(room) => stage.session.handle_room(room, stage.now),
                Blow::Again => stage.session.ask(Ask::Subscribe(Subscription { channel: "/b".into(), ext: None })),
                Blow::Forget => stage.session.forget("/a"),
                Blow::Disconnect => stage.session.disconnect(stage.now),
                Blow::Frame(index) => stage.session.handle_frame(&REPLIES[index].into(), stage.now),
                Blow::Closed(sent) => {
                    let cause = Cause::Transport { sent, text: String::new(), error: None };
                    stage.session.handle_closed(cause, stage.now);
                }
                Blow::Traffic => stage.session.handle_traffic(stage.now),
            }
            let mut connects = 0;
            while let Some(request) = stage.session.poll_request(stage.now) {
                connects += usize::from(request.phase == Phase::Connect);
                stage.open.push(request.exchange);
            }
            prop_assert!(connects <= 1);
            while let Some(event) = stage.session.poll_event() {
                prop_assert!(!ended, "{event:?} after the end");
                ended = matches!(event, Event::Ended(_));
            }
            prop_assert_eq!(stage.session.deadline().is_none(), ended);
            // Time alone brings any session to its next step: nothing waits for ever.
            if let Some(deadline) = stage.session.deadline() {
                prop_assert!(deadline.at <= stage.now + MOST_HOLD + Duration::from_secs(60));
            }
        }
    }
}
