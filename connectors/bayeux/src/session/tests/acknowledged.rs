//! Sessions with the acknowledgement extension.

use super::*;

/// Handshake, one channel, first connect answered, second outstanding.
const OPEN: &str = r#"
    > [{"channel":"/meta/handshake","ext":{"ack":true}}]
    < [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true,"ext":{"ack":true}}]
    ! Handshaken(ack)
    > [{"channel":"/meta/subscribe","id":"2","ext":{"replay":{"/a":-1}}}]
    < [{"channel":"/meta/subscribe","id":"2","successful":true}]
    ! Subscribed(/a)
    > [{"channel":"/meta/connect","id":"4","ext":{"ack":0},"advice":{"timeout":0}}]
    < [{"channel":"/meta/connect","id":"4","successful":true,"ext":{"ack":1},"advice":{"interval":0,"timeout":30000,"maxInterval":20000}}]
    ! Connected
    > [{"channel":"/meta/connect","id":"5","ext":{"ack":1},"advice":null}]
"#;

fn config() -> Config {
    Config { ack: true, ..Config::default() }
}

fn check_open(transcript: &str) {
    check_with(&["/a"], config(), &format!("{OPEN}{transcript}"));
}

#[test]
fn the_wish_joins_what_else_a_handshake_says() {
    let ext =
        serde_json::value::RawValue::from_string(r#"{"replay":true,"x":{"n":12345678901234567890123}}"#.to_owned());
    let mut stage = Stage::with(&[], Config { handshake_ext: ext.ok(), ..config() });
    let request = stage.session.poll_request(stage.now).unwrap();
    assert!(
        request.body.contains(r#""ext":{"ack":true,"replay":true,"x":{"n":12345678901234567890123}}"#),
        "{}",
        request.body
    );
}

#[test]
fn it_is_on_where_the_handshake_s_reply_offers_it() {
    for (offer, begins_at) in [
        ("true", Some("0")),
        (r#"{"enabled":true,"batch":17}"#, Some("17")),
        (r#"{"enabled":true}"#, Some("0")),
        (r#"{"enabled":true,"batch":"x"}"#, Some("0")),
        (r#"{"enabled":false,"batch":17}"#, None),
        ("false", None),
        ("null", None),
        ("7", None),
    ] {
        let happened = if begins_at.is_some() { "Handshaken(ack)" } else { "Handshaken" };
        let ext = begins_at.map_or("null".to_owned(), |number| format!(r#"{{"ack":{number}}}"#));
        check_with(
            &[],
            config(),
            &format!(
                r#"
                > [{{"channel":"/meta/handshake"}}]
                < [{{"channel":"/meta/handshake","clientId":"c1","successful":true,"ext":{{"ack":{offer}}}}}]
                ! {happened}
                > [{{"channel":"/meta/connect","ext":{ext}}}]"#
            ),
        );
    }
    // Not asked for: an offer is none.
    check(
        &[],
        r#"
        > [{"channel":"/meta/handshake","ext":null}]
        < [{"channel":"/meta/handshake","clientId":"c1","successful":true,"ext":{"ack":true}}]
        ! Handshaken
        > [{"channel":"/meta/connect","ext":null}]"#,
    );
}

#[test]
fn f40_the_number_is_the_server_s_and_stays_whole() {
    check_open(
        r#"
        < [{"channel":"/meta/connect","id":"5","successful":true,"ext":{"ack":9007199254740993}}]
        > [{"channel":"/meta/connect","id":"6","ext":{"ack":9007199254740993}}]
        < [{"channel":"/meta/connect","id":"6","successful":true}]
        > [{"channel":"/meta/connect","id":"7","ext":{"ack":9007199254740993}}]
        < [{"channel":"/meta/connect","id":"7","successful":true,"ext":{"ack":"8"}}]
        > [{"channel":"/meta/connect","id":"8","ext":{"ack":9007199254740993}}]"#,
    );
}

#[test]
fn f14_a_lost_answer_is_asked_for_again_with_the_same_number() {
    for lost in ["x reset", "x unsent", "x 503", "x 500", "+45s"] {
        check_open(&format!(
            r#"
            {lost}
            = Some(NextConnect)
            +1s
            > [{{"channel":"/meta/connect","id":"6","clientId":"c1","ext":{{"ack":1}},"advice":{{"timeout":0}}}}]
            x reset
            +2s
            > [{{"channel":"/meta/connect","id":"7","ext":{{"ack":1}},"advice":{{"timeout":0}}}}]
            < [{{"channel":"/a","data":1}},{{"channel":"/meta/connect","id":"7","successful":true,"ext":{{"ack":2}}}}]
            ! Messages(1)
            > [{{"channel":"/meta/connect","id":"8","ext":{{"ack":2}},"advice":null}}]"#
        ));
    }
}

#[test]
fn the_number_does_not_move_by_a_reply_that_is_refused_or_not_ours() {
    check_open(
        r#"
        < [{"channel":"/a","data":1},{"channel":"/meta/connect","id":"4","successful":true,"ext":{"ack":8}},{"channel":"/meta/connect","id":"5","successful":true}]
        ! Messages(1)
        > [{"channel":"/meta/connect","id":"6","ext":{"ack":1}}]"#,
    );
}

#[test]
fn past_the_server_s_memory_a_lost_answer_is_the_end() {
    // 30 s of hold and 20 s of memory, and what the back-off takes.
    check_open(
        r#"
        +45s
        = Some(NextConnect)
        +1s
        > [{"channel":"/meta/connect","id":"6"}]
        x reset
        +2s
        > [{"channel":"/meta/connect","id":"7"}]
        +15s
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: no reply in time)"#,
    );
    check_open(
        r#"
        +29s
        x reset
        +1s
        > [{"channel":"/meta/connect","id":"6"}]
        +4s
        < [{"channel":"/meta/connect","id":"6","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake"}}]
        ! Ended(connect: 402::session_unknown)"#,
    );
}

#[test]
fn what_would_be_refused_again_or_cannot_be_read_is_the_end() {
    for status in ["400", "401", "403", "404", "413"] {
        check_open(&format!("x {status}\n> [{{\"channel\":\"/meta/disconnect\"}}]\n! Ended(connect: HTTP {status}: )"));
    }
    check_open(
        r#"
        < []
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: the reply holds no answer to the request)"#,
    );
}

#[test]
fn a_lost_connect_waits_for_room_as_any_other() {
    check_open(
        r#"
        full
        x reset
        = Some(Room)
        +29s
        = Some(Room)
        room
        > [{"channel":"/meta/connect","id":"6","advice":{"timeout":0}}]"#,
    );
}
