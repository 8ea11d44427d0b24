//! Sessions over a WebSocket: frames answer anything that was said, and bring events at any time.

use super::*;

fn config() -> Config {
    Config { transport: TransportKind::WebSocket, ..Config::default() }
}

/// Handshake, one channel, first connect answered, second outstanding.
const OPEN: &str = r#"
    > [{"channel":"/meta/handshake","supportedConnectionTypes":["websocket"]}]
    ~ [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true,"supportedConnectionTypes":["websocket","long-polling"],"advice":{"interval":0,"timeout":30000}}]
    ! Handshaken
    > [{"channel":"/meta/subscribe","id":"2"}]
    ~ [{"channel":"/meta/subscribe","id":"2","successful":true}]
    ! Subscribed(/a)
    > [{"channel":"/meta/connect","id":"4","connectionType":"websocket"}]
    ~ [{"channel":"/meta/connect","id":"4","successful":true}]
    ! Connected
    > [{"channel":"/meta/connect","id":"5"}]
"#;

fn check_open(transcript: &str) {
    check_with(&["/a"], config(), &format!("{OPEN}{transcript}"));
}

#[test]
fn events_come_at_any_time_and_end_no_connect() {
    check_open(
        r#"
        ~ [{"channel":"/a","data":1}]
        ! Messages(1)
        ~ [{"channel":"/a","data":1},{"channel":"/a","data":1}]
        ! Messages(2)
        ~ []
        = Some(ConnectReply)
        ~ [{"channel":"/meta/connect","id":"5","successful":true}]
        > [{"channel":"/meta/connect","id":"6"}]"#,
    );
}

#[test]
fn the_answers_of_one_array_may_come_in_frames_of_their_own() {
    check_with(
        &["/a", "/b"],
        config(),
        r#"
        > [{"channel":"/meta/handshake"}]
        ~ [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe","id":"2"},{"channel":"/meta/subscribe","id":"3"}]
        ~ [{"channel":"/meta/subscribe","id":"3","successful":true}]
        ! Subscribed(/b)
        = Some(SubscribeReply)
        ~ [{"channel":"/a","data":1}]
        ! Messages(1)
        ~ [{"channel":"/meta/subscribe","id":"2","successful":true}]
        ! Subscribed(/a)
        > [{"channel":"/meta/connect"}]"#,
    );
}

#[test]
fn what_is_no_frame_of_bayeux_s_is_the_end() {
    for frame in ["", "<html>", r#"[{"data":1}]"#] {
        let mut stage = Stage::with(&["/a"], config());
        stage.play(OPEN);
        stage.play(&format!("~ {frame}"));
        let Some(Event::Ended(failure)) = stage.session.poll_event() else { panic!("expected the end: {frame}") };
        assert!(matches!(failure.cause, Cause::Malformed(_)), "{frame}: {failure}");
    }
}

#[test]
fn f02_a_server_s_disconnect_is_the_end_in_any_state() {
    let ended = |phase| {
        format!("~ [{{\"channel\":\"/meta/disconnect\"}}]\n! Ended({phase}: the server disconnected the session)")
    };
    check_open(&ended("connect"));
    let first = r#"> [{"channel":"/meta/handshake"}]"#;
    check_with(&["/a"], config(), &format!("{first}\n{}", ended("handshake")));
    let second = r#"
        ~ [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe","id":"2"}]"#;
    check_with(&["/a"], config(), &format!("{first}{second}\n{}", ended("subscribe")));
}

#[test]
fn f14_a_socket_that_is_gone_is_the_end_whatever_was_waited_for() {
    let closed = |phase| format!("closed 1001\n> [{{\"channel\":\"/meta/disconnect\"}}]\n! Ended({phase}: 1001)");
    check_open(&closed("connect"));
    let waits = r#"~ [{"channel":"/meta/connect","id":"5","successful":true,"advice":{"interval":5000}}]"#;
    check_open(&format!("{waits}\n= Some(NextConnect)\n{}", closed("connect")));
    let asks = r#"
        again /b
        ~ [{"channel":"/meta/connect","id":"5","successful":true}]
        > [{"channel":"/meta/subscribe","subscription":"/b"}]"#;
    check_open(&format!("{asks}\n{}", closed("subscribe")));
    check_open("disconnect\n> [{\"channel\":\"/meta/disconnect\"}]\nclosed 1000\n! Ended(disconnect: closed by us)");
}

#[test]
fn f14_with_acknowledgements_a_new_socket_goes_on_with_the_session() {
    let open = OPEN.replace(r#""successful":true,"supported"#, r#""successful":true,"ext":{"ack":true},"supported"#);
    let open = open.replace("! Handshaken", "! Handshaken(ack)");
    let check_open = |transcript: &str| {
        check_with(&["/a"], Config { ack: true, ..config() }, &format!("{open}{transcript}"));
    };
    check_open(
        r#"
        closed 1006
        +1s
        > [{"channel":"/meta/connect","id":"6","clientId":"c1","ext":{"ack":0},"advice":{"timeout":0}}]
        ~ [{"channel":"/a","data":1}]
        ! Messages(1)
        ~ [{"channel":"/meta/connect","id":"6","successful":true,"ext":{"ack":1}}]
        > [{"channel":"/meta/connect","id":"7","ext":{"ack":1},"advice":null}]"#,
    );
    check_open(
        r#"
        ~ [{"channel":"/meta/connect","id":"5","successful":true,"ext":{"ack":1},"advice":{"interval":5000}}]
        closed 1006
        = Some(NextConnect)
        +1s
        > [{"channel":"/meta/connect","id":"6","ext":{"ack":1},"advice":{"timeout":0}}]"#,
    );
    // 30 s of hold and 40 s of memory.
    check_open("+44s\nclosed 1006\n= Some(NextConnect)");
    check_open(
        "+30s\ntraffic\n+14s\ntraffic\n+14s\ntraffic\n+13s\nclosed 1006\n> [{\"channel\":\"/meta/disconnect\"}]\n! Ended(connect: 1006)",
    );
}

#[test]
fn without_room_frames_lie_unread_and_the_session_is_closed_on_purpose() {
    check_open(
        r#"
        full
        = Some(Room)
        +29s
        = Some(Room)
        +1s
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: no room for a further reply)"#,
    );
}

#[test]
fn with_room_again_what_lay_unread_has_its_time() {
    check_open(
        r#"
        +40s
        full
        +20s
        = Some(Room)
        room
        = Some(ConnectReply)
        +14s
        ~ [{"channel":"/meta/connect","id":"5","successful":true}]
        > [{"channel":"/meta/connect","id":"6"}]"#,
    );
}

#[test]
fn before_the_first_connect_frames_are_read_without_room() {
    check_with(
        &["/a"],
        config(),
        r#"
        full
        > [{"channel":"/meta/handshake"}]
        = Some(HandshakeReply)
        ~ [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe","id":"2"}]
        = Some(SubscribeReply)
        ~ [{"channel":"/meta/subscribe","id":"2","successful":true}]
        ! Subscribed(/a)
        silent
        = Some(Room)"#,
    );
}

#[test]
fn traffic_gives_what_is_waited_for_more_time() {
    check_open(
        r#"
        +44s
        traffic
        +14s
        = Some(ConnectReply)
        +1s
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: no reply in time)"#,
    );
}
