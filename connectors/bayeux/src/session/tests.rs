#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
//! Transcripts: `>` we say (a subset of the message), `<` they say (to the newest open request), `+3s` time passes,
//! `!` an event, `x` the exchange fails, `room`/`full` the budget changes, `progress` a piece of a reply comes, `=` what is waited for.

use super::connecting::MOST_HOLD;
use super::*;
use crate::message::Subscription;
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;

struct Stage {
    session: Session<serde::de::IgnoredAny>,
    now: Instant,
    open: Vec<Exchange>,
}

impl Stage {
    fn new(channels: &[&str]) -> Self {
        let ext = serde_json::value::RawValue::from_string(r#"{"replay":{"/a":-1}}"#.to_owned()).ok();
        let subscriptions =
            channels.iter().map(|channel| Subscription { channel: (*channel).to_owned(), ext: ext.clone() }).collect();
        let now = Instant::now();
        Self { session: Session::new(Config { subscriptions, ..Config::default() }, now), now, open: Vec::new() }
    }

    fn play(&mut self, transcript: &str) {
        for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            match mark {
                ">" => self.expect_request(line, rest),
                "<" => {
                    let exchange = self.open.pop().expect(line);
                    let body = rest.to_owned().into_bytes().into();
                    self.session.handle_reply(exchange, Reply { body, date: None }, self.now);
                }
                "x" => {
                    let exchange = self.open.pop().expect(line);
                    let cause = Cause::Transport { sent: rest != "unsent", text: rest.to_owned(), error: None };
                    self.session.handle_failure(exchange, cause, self.now);
                }
                "!" => assert_eq!(format!("{:?}", self.session.poll_event().expect(line)), rest, "{line}"),
                "=" => assert_eq!(format!("{:?}", self.session.deadline().map(|d| d.wait)), rest, "{line}"),
                "progress" => self.session.handle_progress(*self.open.last().expect(line), self.now),
                "room" => self.session.handle_room(true, self.now),
                "full" => self.session.handle_room(false, self.now),
                "disconnect" => self.session.disconnect(self.now),
                "forget" => self.session.forget(rest),
                "again" => {
                    let subscription = Subscription { channel: rest.to_owned(), ext: None };
                    self.session.ask(Ask::Subscribe(subscription));
                }
                "drop" => self.session.ask(Ask::Unsubscribe(rest.to_owned())),
                _ => {
                    let seconds: u64 =
                        mark.strip_prefix('+').and_then(|s| s.strip_suffix('s')).expect(line).parse().unwrap();
                    self.now += Duration::from_secs(seconds);
                    self.session.handle_timeout(self.now);
                }
            }
        }
    }

    fn expect_request(&mut self, line: &str, rest: &str) {
        let request = self.session.poll_request(self.now).unwrap_or_else(|| panic!("nothing was said: {line}"));
        let said: Value = serde_json::from_str(&request.body).unwrap();
        let expected: Value = serde_json::from_str(rest).unwrap();
        assert_eq!(said.as_array().unwrap().len(), expected.as_array().unwrap().len(), "{line}: {said}");
        for (said, expected) in said.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
            for (key, value) in expected.as_object().unwrap() {
                let said = said.get(key).unwrap_or(&Value::Null);
                assert_eq!(said, value, "{key} in {line}: {}", request.body);
            }
        }
        self.open.push(request.exchange);
    }

    fn finish(mut self) {
        assert!(self.session.poll_request(self.now).is_none(), "something more was said");
        if let Some(event) = self.session.poll_event() {
            panic!("something more happened: {event:?}");
        }
    }
}

fn check(channels: &[&str], transcript: &str) {
    let mut stage = Stage::new(channels);
    stage.play(transcript);
    stage.finish();
}

/// Handshake, one channel, first connect answered.
const OPEN: &str = r#"
    > [{"channel":"/meta/handshake","id":"1","version":"1.0","clientId":null,"supportedConnectionTypes":["long-polling"]}]
    = Some(HandshakeReply)
    < [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true,"version":"1.0","supportedConnectionTypes":["long-polling"],"ext":{"replay":true}}]
    ! Handshaken
    > [{"channel":"/meta/subscribe","id":"2","clientId":"c1","subscription":"/a","ext":{"replay":{"/a":-1}}}]
    = Some(SubscribeReply)
    < [{"channel":"/meta/subscribe","id":"2","clientId":"c1","subscription":"/a","successful":true}]
    ! Subscribed(/a)
    > [{"channel":"/meta/connect","id":"4","clientId":"c1","connectionType":"long-polling","advice":{"timeout":0}}]
    = Some(ConnectReply)
    < [{"channel":"/meta/connect","id":"4","successful":true,"advice":{"interval":0,"timeout":110000,"reconnect":"retry"}}]
    ! Connected
    > [{"channel":"/meta/connect","id":"5","advice":null}]
"#;

fn check_open(transcript: &str) {
    check(&["/a"], &format!("{OPEN}{transcript}"));
}

#[test]
fn subscribes_before_the_first_connect_and_holds_one_connect() {
    check_open(
        r#"
        < [{"channel":"/a","data":{"x":1}},{"channel":"/meta/connect","id":"5","successful":true}]
        ! Messages(1)
        > [{"channel":"/meta/connect","id":"6"}]
        = Some(ConnectReply)"#,
    );
}

#[test]
fn f15_events_inside_a_subscribe_reply_and_around_a_connect_reply_are_kept() {
    check(
        &["/a"],
        r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe"}]
        < [{"channel":"/a","data":1},{"channel":"/meta/subscribe","id":"2","subscription":"/a","successful":true},{"channel":"/a","data":2}]
        ! Messages(2)
        ! Subscribed(/a)
        > [{"channel":"/meta/connect"}]
        < [{"channel":"/a","data":3},{"channel":"/meta/connect","id":"4","successful":true},{"channel":"/a","data":4}]
        ! Messages(2)
        ! Connected
        > [{"channel":"/meta/connect"}]"#,
    );
}

#[test]
fn the_interval_of_an_advice_is_waited_and_a_hostile_one_is_clamped() {
    check_open(
        r#"
        < [{"channel":"/meta/connect","id":"5","successful":true,"advice":{"interval":2000}}]
        = Some(NextConnect)
        +2s
        > [{"channel":"/meta/connect","id":"6"}]
        < [{"channel":"/meta/connect","id":"6","successful":true,"advice":{"interval":86400000}}]
        +30s
        > [{"channel":"/meta/connect","id":"7"}]"#,
    );
}

#[test]
fn a_refused_connect_ends_the_session_with_the_server_s_words() {
    for error in ["401::Authentication invalid", "403::Unknown client", "402::session_unknown"] {
        check_open(&format!(
            r#"
            < [{{"channel":"/a","data":1}},{{"channel":"/meta/connect","id":"5","successful":false,"error":"{error}","advice":{{"reconnect":"none"}}}}]
            ! Messages(1)
            ! Ended(connect: {error})
            = None"#
        ));
    }
}

#[test]
fn f02_a_server_s_disconnect_ends_the_session_after_its_events() {
    check_open(
        r#"
        < [{"channel":"/meta/disconnect"},{"channel":"/a","data":1},{"channel":"/meta/connect","id":"5","successful":false,"error":"403::Unknown client","advice":{"reconnect":"none","interval":0}}]
        ! Messages(1)
        ! Ended(connect: the server disconnected the session)"#,
    );
}

#[test]
fn a_successful_connect_reply_that_advises_the_end_is_the_end() {
    check(
        &["/a"],
        &format!(
            "{}{}",
            OPEN,
            r#"
            < [{"advice":{"reconnect":"none"},"channel":"/meta/connect","id":"5","successful":true}]
            ! Ended(connect: the server advised to end the session (reconnect: none))"#
        ),
    );
}

#[test]
fn f14_a_connect_cut_after_it_was_sent_ends_the_session_and_says_goodbye() {
    check_open(
        r#"
        x reset
        > [{"channel":"/meta/disconnect","clientId":"c1"}]
        ! Ended(connect: reset)"#,
    );
}

#[test]
fn a_connect_that_never_left_is_tried_again_in_its_session_until_the_server_forgot_it() {
    check_open(
        r#"
        x unsent
        = Some(NextConnect)
        +1s
        > [{"channel":"/meta/connect","id":"6","advice":{"timeout":0}}]
        x unsent
        +2s
        > [{"channel":"/meta/connect","id":"7","advice":{"timeout":0}}]
        < [{"channel":"/meta/connect","id":"7","successful":true}]
        > [{"channel":"/meta/connect","id":"8","advice":null}]
        x unsent
        = Some(NextConnect)"#,
    );
    check_open(
        r#"
        +41s
        x unsent
        ! Ended(connect: unsent)"#,
    );
}

#[test]
fn f08_html_truncated_and_empty_replies_end_the_session_and_nothing_of_them_is_handed_on() {
    for reply in ["<html>maintenance</html>", r#"[{"channel":"/a","data":1},{"channel":"/a","da"#, "[]", ""] {
        let mut stage = Stage::new(&["/a"]);
        stage.play(OPEN);
        stage.play(&format!("< {reply}"));
        assert!(
            matches!(stage.session.poll_event(), Some(Event::Ended(Failure { phase: Phase::Connect, .. }))),
            "{reply}"
        );
        assert!(stage.session.deadline().is_none());
    }
}

#[test]
fn f04_silence_past_the_hold_ends_the_session() {
    check_open(
        r#"
        +124s
        = Some(ConnectReply)
        +1s
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: no reply in time)"#,
    );
}

#[test]
fn f05_a_refused_channel_is_decided_before_the_first_connect() {
    let refused = r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe","id":"2"},{"channel":"/meta/subscribe","id":"3"}]
        < [{"channel":"/meta/subscribe","id":"2","subscription":"/a","successful":false,"error":"400::The replayId {7} you provided was invalid."},{"channel":"/meta/subscribe","id":"3","subscription":"/b","successful":true}]
        ! Refused(/a: 400::The replayId {7} you provided was invalid.)
        ! Subscribed(/b)
        = Some(Decision)"#;
    let again = r#"
        again /a
        > [{"channel":"/meta/subscribe","subscription":"/a"}]
        < [{"channel":"/meta/subscribe","subscription":"/a","successful":true}]
        ! Subscribed(/a)
        > [{"channel":"/meta/connect"}]"#;
    check(&["/a", "/b"], &format!("{refused}{again}"));
    check(&["/a", "/b"], &format!("{refused}\nforget /a\n> [{{\"channel\":\"/meta/connect\"}}]"));
}

#[test]
fn a_later_change_of_subscriptions_waits_until_no_connect_is_held() {
    check_open(
        r#"
        again /b
        drop /a
        = Some(ConnectReply)
        < [{"channel":"/meta/connect","id":"5","successful":true}]
        > [{"channel":"/meta/subscribe","subscription":"/b"},{"channel":"/meta/unsubscribe","subscription":"/a"}]
        < [{"channel":"/meta/subscribe","subscription":"/b","successful":true},{"channel":"/meta/unsubscribe","subscription":"/a","successful":true}]
        ! Subscribed(/b)
        ! Unsubscribed(/a)
        > [{"channel":"/meta/connect","advice":null}]"#,
    );
}

#[test]
fn without_room_the_next_connect_waits_and_the_session_is_closed_before_the_server_forgets_it() {
    check_open(
        r#"
        full
        < [{"channel":"/a","data":1},{"channel":"/meta/connect","id":"5","successful":true}]
        ! Messages(1)
        = Some(Room)
        +29s
        room
        > [{"channel":"/meta/connect","id":"6"}]
        full
        < [{"channel":"/meta/connect","id":"6","successful":true}]
        +30s
        > [{"channel":"/meta/disconnect","clientId":"c1"}]
        ! Ended(connect: no room for a further reply)"#,
    );
}

#[test]
fn disconnect_waits_for_the_answer_and_ignores_the_held_connect() {
    check_open(
        r#"
        disconnect
        > [{"channel":"/meta/disconnect","clientId":"c1"}]
        = Some(DisconnectReply)
        < [{"channel":"/a","data":1},{"channel":"/meta/disconnect","successful":true}]
        ! Ended(disconnect: closed by us)"#,
    );
}

#[test]
fn a_reply_that_comes_slowly_is_waited_for_as_long_as_it_comes() {
    check_open(
        r#"
        +124s
        progress
        +14s
        progress
        +14s
        < [{"channel":"/a","data":1},{"channel":"/meta/connect","id":"5","successful":true}]
        ! Messages(1)
        > [{"channel":"/meta/connect"}]
        progress
        +125s
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: no reply in time)"#,
    );
}

#[test]
fn a_stale_connect_answer_does_not_count_as_ours() {
    check_open(
        r#"
        < [{"channel":"/a","data":1},{"channel":"/meta/connect","id":"3","successful":true}]
        ! Messages(1)
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: the reply holds no answer to the request)"#,
    );
}

#[test]
fn a_denied_handshake_and_a_foreign_transport_end_the_session() {
    check(
        &[],
        r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","id":"1","successful":false,"error":"403::Handshake denied","ext":{"sfdc":{"failureReason":"401::Authentication invalid"}}}]
        ! Ended(handshake: 403::Handshake denied)"#,
    );
    check(
        &[],
        r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","id":"1","clientId":"c","successful":true,"supportedConnectionTypes":["websocket"]}]
        ! Ended(handshake: the server offers ["websocket"], not ours)"#,
    );
}

#[test]
fn subscribes_are_batched_under_the_request_limit() {
    let subscriptions =
        (0..50).map(|n| Subscription { channel: format!("/data/Object_{n}__ChangeEvent"), ext: None }).collect();
    let now = Instant::now();
    let config = Config { subscriptions, request_limit: 1000, ..Config::default() };
    let mut session: Session<serde::de::IgnoredAny> = Session::new(config, now);
    let handshake = session.poll_request(now).unwrap();
    let body = br#"[{"channel":"/meta/handshake","clientId":"c","successful":true}]"#.as_slice().into();
    session.handle_reply(handshake.exchange, Reply { body, date: None }, now);
    let mut bodies = Vec::new();
    while let Some(request) = session.poll_request(now)
        && request.phase == Phase::Subscribe
    {
        assert!(session.poll_request(now).is_none(), "one array at a time");
        let asked: Vec<Value> = serde_json::from_str(&request.body).unwrap();
        let answers = asked
            .iter()
            .map(|ask| serde_json::json!({"channel": "/meta/subscribe", "id": ask["id"], "successful": true}));
        let body = serde_json::to_vec(&answers.collect::<Vec<_>>()).unwrap().into();
        bodies.push(request.body);
        session.handle_reply(request.exchange, Reply { body, date: None }, now);
    }
    assert!(bodies.len() > 5 && bodies.iter().all(|body| body.len() <= 1000));
    let asked: usize = bodies.iter().map(|body| body.matches("/meta/subscribe").count()).sum();
    assert_eq!(asked, 50);
}

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
    ]
}

const REPLIES: &[&str] = &[
    r#"[{"channel":"/meta/handshake","clientId":"c","successful":true}]"#,
    r#"[{"channel":"/meta/handshake","clientId":7,"successful":true,"advice":[]}]"#,
    r#"[{"channel":"/meta/subscribe","subscription":"/a","successful":true}]"#,
    r#"[{"channel":"/meta/subscribe","subscription":"/a","successful":false,"error":"400::no"}]"#,
    r#"[{"channel":"/meta/subscribe","subscription":"/b","successful":true}]"#,
    r#"[{"channel":"/a","data":{}},{"channel":"/meta/connect","successful":true}]"#,
    r#"[{"channel":"/meta/connect","successful":true,"advice":{"interval":9e9,"timeout":-4,"reconnect":"retry"}}]"#,
    r#"[{"channel":"/meta/connect","successful":true,"advice":{"interval":-1}}]"#,
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
    fn a_live_session_always_has_a_deadline(blows in prop::collection::vec(blow(), 0..60)) {
        let mut stage = Stage::new(&["/a", "/b"]);
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
