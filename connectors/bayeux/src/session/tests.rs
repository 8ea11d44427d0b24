#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
//! Transcripts: `>` we say (a subset of the message), `<` they say (to the newest open request), `+3s` time passes,
//! `!` an event, `x` the exchange fails, `~` a frame comes, `closed` the socket is gone, `room`/`full` the budget
//! changes, `progress` a piece of a reply comes, `silent` we say nothing, `=` what is waited for.

use super::*;
use crate::message::Subscription;
use serde_json::Value;
use std::time::Duration;

struct Stage {
    session: Session<serde::de::IgnoredAny>,
    now: Instant,
    open: Vec<Exchange>,
}

impl Stage {
    fn new(channels: &[&str]) -> Self {
        Self::with(channels, Config::default())
    }

    fn with(channels: &[&str], config: Config) -> Self {
        let ext = serde_json::value::RawValue::from_string(r#"{"replay":{"/a":-1}}"#.to_owned()).ok();
        let subscriptions =
            channels.iter().map(|channel| Subscription { channel: (*channel).to_owned(), ext: ext.clone() }).collect();
        let now = Instant::now();
        Self { session: Session::new(Config { subscriptions, ..config }, now), now, open: Vec::new() }
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
                    let cause = match rest.parse() {
                        Ok(status) => Cause::Status { status, text: String::new() },
                        Err(_) => Cause::Transport { sent: rest != "unsent", text: rest.to_owned(), error: None },
                    };
                    self.session.handle_failure(exchange, cause, self.now);
                }
                "~" => self.session.handle_frame(&rest.to_owned().into(), self.now),
                "closed" => {
                    let cause = Cause::Transport { sent: true, text: rest.to_owned(), error: None };
                    self.session.handle_closed(cause, self.now);
                }
                "traffic" => self.session.handle_traffic(self.now),
                "!" => assert_eq!(format!("{:?}", self.session.poll_event().expect(line)), rest, "{line}"),
                "=" => assert_eq!(format!("{:?}", self.session.deadline().map(|d| d.wait)), rest, "{line}"),
                "silent" => assert!(self.session.poll_request(self.now).is_none(), "something was said"),
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
    check_with(channels, Config::default(), transcript);
}

fn check_with(channels: &[&str], config: Config, transcript: &str) {
    let mut stage = Stage::with(channels, config);
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

mod acknowledged;
mod hostile;
mod odd_replies;
mod over_a_socket;
