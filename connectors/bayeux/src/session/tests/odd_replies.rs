//! Replies as servers send them, and as they should not: what they mean, and that nothing of them is waited for in vain.

use super::*;

#[test]
fn f02_a_server_s_disconnect_ends_the_session_wherever_it_stands() {
    let ended = "! Messages(1)\n! Ended(connect: the server disconnected the session)\n= None";
    let [bye, connect, event] = [
        r#"{"channel":"/meta/disconnect","successful":true}"#,
        r#"{"channel":"/meta/connect","id":"5","successful":true,"advice":{"reconnect":"none"}}"#,
        r#"{"channel":"/a","data":1}"#,
    ];
    for reply in [[bye, connect, event], [connect, event, bye], [event, bye, connect], [event, connect, bye]] {
        check_open(&format!("< [{}]\n{ended}", reply.join(",")));
    }
    check_open(&format!("< [{event},{bye}]\n{ended}"));
}

#[test]
fn f02_a_server_s_disconnect_inside_a_subscribe_reply_ends_the_session() {
    for reply in [
        r#"[{"channel":"/meta/disconnect"},{"channel":"/meta/subscribe","id":"2","successful":true}]"#,
        r#"[{"channel":"/meta/subscribe","id":"2","successful":true},{"channel":"/meta/disconnect"}]"#,
        r#"[{"channel":"/meta/disconnect","id":"2"}]"#,
    ] {
        check_subscribing(&format!("< {reply}\n! Ended(subscribe: the server disconnected the session)"));
    }
}

#[test]
fn f03_f02_a_successful_reply_that_advises_none_or_a_handshake_ends_the_session_after_its_events() {
    for advice in [r#"{"reconnect":"none"}"#, r#"{"interval":-1}"#, r#"{"reconnect":"none","interval":0}"#] {
        check_open(&format!(
            r#"
            < [{{"channel":"/a","data":1}},{{"channel":"/meta/connect","id":"5","successful":true,"advice":{advice}}}]
            ! Messages(1)
            ! Ended(connect: the server advised to end the session (reconnect: none))"#
        ));
    }
    check_open(
        r#"
        < [{"channel":"/meta/connect","id":"5","successful":true,"advice":{"reconnect":"handshake"}}]
        ! Ended(connect: the server advised to end the session (reconnect: handshake))"#,
    );
}

#[test]
fn f15_events_before_and_after_the_connect_s_answer_are_kept_in_their_order() {
    let mut stage = Stage::new(&["/a"]);
    stage.play(OPEN);
    stage.play(r#"< [{"channel":"/a","data":1},{"channel":"/meta/connect","id":"5","successful":true},{"channel":"/b","data":22},{"channel":"/a","data":333}]"#);
    let Some(Event::Messages { messages, .. }) = stage.session.poll_event() else { panic!("expected events") };
    let lengths = messages.iter().map(|message| match message {
        crate::split::Message::Event { bytes, .. } => bytes.len(),
        crate::split::Message::Meta(_) => 0,
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_stale_connect_answer_beside_ours_has_no_say() {
    for stale in [
        r#"{"channel":"/meta/connect","id":"4","successful":false,"error":"402::gone","advice":{"reconnect":"none"}}"#,
        r#"{"channel":"/meta/connect","id":"4","successful":true,"advice":{"reconnect":"handshake","interval":9000}}"#,
    ] {
        for reply in [[OURS, stale], [stale, OURS]] {
            check_open(&format!("< [{}]\n> [{{\"channel\":\"/meta/connect\",\"id\":\"6\"}}]", reply.join(",")));
        }
    }
}

#[test]
fn the_first_of_two_answers_with_one_id_counts() {
    check_open(
        r#"
        < [{"channel":"/meta/connect","id":"5","successful":true},{"channel":"/meta/connect","id":"5","successful":false,"error":"402::gone"}]
        > [{"channel":"/meta/connect","id":"6"}]"#,
    );
    check_subscribing(
        r#"
        < [{"channel":"/meta/subscribe","id":"3","successful":true},{"channel":"/meta/subscribe","id":"3","successful":false},{"channel":"/meta/subscribe","id":"2","successful":true}]
        ! Subscribed(/b)
        ! Subscribed(/a)
        > [{"channel":"/meta/connect"}]"#,
    );
}

#[test]
fn answers_are_told_by_id_or_else_by_channel_in_any_order() {
    for reply in [
        r#"[{"channel":"/meta/subscribe","id":3,"successful":true},{"channel":"/meta/subscribe","id":2,"successful":true}]"#,
        r#"[{"channel":"/meta/subscribe","subscription":"/b","successful":true},{"channel":"/meta/subscribe","subscription":["/a"],"successful":true}]"#,
        r#"[{"subscription":"/b","successful":true,"id":null,"channel":"/meta/subscribe"},{"channel":"/meta/subscribe","id":"2","subscription":"/odd","successful":true}]"#,
    ] {
        check_subscribing(&format!(
            "< {reply}\n! Subscribed(/b)\n! Subscribed(/a)\n> [{{\"channel\":\"/meta/connect\"}}]"
        ));
    }
}

#[test]
fn a_channel_that_is_dropped_and_asked_for_in_one_array_is_told_apart_without_ids() {
    check_open(
        r#"
        drop /a
        again /a
        < [{"channel":"/meta/connect","id":"5","successful":true}]
        > [{"channel":"/meta/unsubscribe","subscription":"/a"},{"channel":"/meta/subscribe","subscription":"/a"}]
        < [{"channel":"/meta/subscribe","subscription":"/a","successful":true},{"channel":"/meta/unsubscribe","subscription":"/a","successful":true}]
        ! Subscribed(/a)
        ! Unsubscribed(/a)
        > [{"channel":"/meta/connect"}]"#,
    );
}

#[test]
fn answers_to_what_was_never_asked_have_no_say() {
    for stranger in [
        r#"{"channel":"/meta/handshake","id":"1","clientId":"c2","successful":true}"#,
        r#"{"channel":"/meta/handshake","successful":false,"error":"403::no","advice":{"reconnect":"none"}}"#,
        r#"{"channel":"/meta/subscribe","id":"2","subscription":"/a","successful":false,"error":"403::no"}"#,
        r#"{"channel":"/meta/unsubscribe","subscription":"/a","successful":true,"advice":{"interval":9000}}"#,
        r#"{"channel":"/meta/unsuccessful","successful":false}"#,
        r#"{"channel":"/meta/connect","id":"nonsense","successful":false}"#,
        r#"{"channel":"/a","id":"9","successful":false,"error":"403::publish_denied"}"#,
    ] {
        for reply in [[OURS, stranger], [stranger, OURS]] {
            check_open(&format!(
                "< [{}]\n> [{{\"channel\":\"/meta/connect\",\"clientId\":\"c1\",\"id\":\"6\"}}]",
                reply.join(",")
            ));
        }
    }
}

#[test]
fn a_reply_that_leaves_something_unanswered_ends_the_session() {
    for reply in [
        r#"[{"channel":"/meta/subscribe","id":"2","successful":true}]"#,
        r#"[{"channel":"/meta/subscribe","id":"2","successful":true},{"channel":"/meta/unsubscribe","id":"3","successful":true}]"#,
        r#"[{"channel":"/meta/subscribe","id":"2","successful":true},{"channel":"/meta/subscribe","id":"33","successful":true}]"#,
    ] {
        check_subscribing(&format!(
            "< {reply}\n! Subscribed(/a)\n> [{{\"channel\":\"/meta/disconnect\"}}]\n! Ended(subscribe: the reply holds no answer to the request)"
        ));
    }
    check(
        &["/a"],
        r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","id":"7","clientId":"c1","successful":true}]
        ! Ended(handshake: the reply holds no answer to the request)"#,
    );
}

#[test]
fn unknown_fields_and_odd_types_are_passed_over() {
    check_open(
        r#"
        < {"channel":"/meta/connect","id":5,"successful":true,"new":{"deep":[1,{"x":null}]},"clientId":7,"error":{},"subscription":3,"ext":[],"advice":"retry","timestamp":1e400,"supportedConnectionTypes":7}
        > [{"channel":"/meta/connect","id":"6"}]
        < [{"channel":"/a","data":null,"ext":7,"id":[]},{"channel":"/a","data":"","clientId":{}},{"channel":"/meta/connect","successful":true,"advice":null}]
        ! Messages(2)
        > [{"channel":"/meta/connect","id":"7"}]"#,
    );
}

#[test]
fn a_success_of_another_type_than_true_is_none() {
    for successful in ["false", "null", "1", r#""true""#] {
        check_open(&format!(
            r#"< [{{"channel":"/meta/connect","id":"5","successful":{successful},"error":17}}]
               ! Ended(connect: 17)"#
        ));
    }
    check_open(
        r#"
        < [{"channel":"/meta/connect","id":"5"}]
        ! Ended(connect: refused without a reason)"#,
    );
}

#[test]
fn a_handshake_without_a_name_for_the_session_ends_it() {
    for client_id in [r#""""#, "null", "{}"] {
        check(
            &["/a"],
            &format!(
                r#"
                > [{{"channel":"/meta/handshake"}}]
                < [{{"channel":"/meta/handshake","id":"1","clientId":{client_id},"successful":true}}]
                ! Ended(handshake: malformed reply: a handshake was agreed to without a clientId)"#
            ),
        );
    }
}

#[test]
fn a_subscribe_that_finds_no_session_ends_it() {
    check_subscribing(
        r#"
        < [{"channel":"/meta/subscribe","id":"2","successful":false,"error":"402::session_unknown"},{"channel":"/meta/subscribe","id":"3","successful":false,"error":"402::session_unknown"}]
        ! Ended(subscribe: 402::session_unknown)"#,
    );
}

#[test]
fn advice_counts_wherever_it_stands_and_stays_until_the_next() {
    let after = r#"
        ! Subscribed(/a)
        > [{"channel":"/meta/connect"}]
        < [{"channel":"/meta/connect","successful":true}]
        ! Connected
        = Some(NextConnect)
        +6s
        = Some(NextConnect)
        +1s
        > [{"channel":"/meta/connect","advice":null}]
        +15s
        = Some(ConnectReply)
        +10s
        > [{"channel":"/meta/disconnect"}]
        ! Ended(connect: no reply in time)"#;
    let advice = r#""advice":{"interval":7000,"timeout":10000}"#;
    let handshake = r#"{"channel":"/meta/handshake","clientId":"c1","successful":true"#;
    let subscribe = r#"{"channel":"/meta/subscribe","subscription":"/a","successful":true"#;
    let before = |handshake: &str, subscribe: &str| {
        format!(
            "> [{{\"channel\":\"/meta/handshake\"}}]\n< [{handshake}}}]\n! Handshaken\n\
             > [{{\"channel\":\"/meta/subscribe\"}}]\n< [{subscribe}}}]"
        )
    };
    check(&["/a"], &format!("{}{after}", before(&format!("{handshake},{advice}"), subscribe)));
    check(&["/a"], &format!("{}{after}", before(handshake, &format!("{subscribe},{advice}"))));
    // What is no object is no advice, and takes nothing back.
    for odd in ["null", "[]", "7", r#""none""#] {
        let odd = format!("{subscribe},\"advice\":{odd}");
        check(&["/a"], &format!("{}{after}", before(&format!("{handshake},{advice}"), &odd)));
    }
}

#[test]
fn the_advice_of_a_refused_channel_does_not_steer_the_session_and_is_told() {
    let mut stage = Stage::new(&["/a"]);
    stage.play(
        r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe"}]
        < [{"channel":"/meta/subscribe","subscription":"/a","successful":false,"error":"403::no","advice":{"reconnect":"none"}}]"#,
    );
    let Some(Event::Refused { refusal, .. }) = stage.session.poll_event() else { panic!("expected a refusal") };
    assert_eq!(refusal.advice.and_then(|advice| advice.reconnect), Some(crate::Reconnect::None));
    stage.play(
        r#"
        forget /a
        > [{"channel":"/meta/connect"}]
        < [{"channel":"/meta/connect","successful":true}]
        ! Connected
        > [{"channel":"/meta/connect"}]"#,
    );
    stage.finish();
}

#[test]
fn advice_for_our_transport_goes_before_the_general_one() {
    check_open(
        r#"
        < [{"channel":"/meta/connect","id":"5","successful":true,"advice":{"interval":9000,"reconnect":"retry","websocket":{"reconnect":"none"},"long-polling":{"interval":2000}}}]
        = Some(NextConnect)
        +2s
        > [{"channel":"/meta/connect","id":"6"}]
        < [{"channel":"/meta/connect","id":"6","successful":true,"advice":{"reconnect":"retry","long-polling":{"reconnect":"handshake"}}}]
        ! Ended(connect: the server advised to end the session (reconnect: handshake))"#,
    );
}

#[test]
fn one_of_several_sessions_of_a_browser_is_closed_so_that_another_jar_is_opened() {
    check_open(
        r#"
        < [{"channel":"/a","data":1},{"channel":"/meta/connect","id":"5","successful":true,"advice":{"multiple-clients":true,"interval":2000,"reconnect":"retry"}}]
        ! Messages(1)
        > [{"channel":"/meta/disconnect","clientId":"c1"}]
        ! Ended(connect: the server advised to end the session (it sees several sessions of one browser))"#,
    );
}

#[test]
fn subscribes_go_out_in_arrays_under_the_request_limit_one_at_a_time() {
    let (bodies, _) = subscribe(50, 1000, |ask| serde_json::json!({"id": ask["id"]}));
    assert!(bodies.len() > 5 && bodies.iter().all(|body| body.len() <= 1000));
    let asked: usize = bodies.iter().map(|body| body.matches("/meta/subscribe").count()).sum();
    assert_eq!(asked, 50);
}

#[test]
fn a_hundred_thousand_subscribes_cost_a_hundred_times_a_thousand() {
    // In one array, and answered without ids. Looked up one by one this would take minutes.
    let (bodies, took) = subscribe(100_000, usize::MAX, |ask| serde_json::json!({"subscription": ask["subscription"]}));
    assert!(bodies.len() == 1 && took < Duration::from_secs(10), "{took:?}");
}

/// Subscribes that many channels, each answered by `answer`; what was said, and the time that the session took for it.
fn subscribe(channels: usize, request_limit: usize, answer: fn(&Value) -> Value) -> (Vec<String>, Duration) {
    let channel = |n| Subscription { channel: format!("/data/Object_{n}__ChangeEvent"), ext: None };
    let now = Instant::now();
    let config = Config { subscriptions: (0..channels).map(channel).collect(), request_limit, ..Config::default() };
    let mut session: Session<serde::de::IgnoredAny> = Session::new(config, now);
    let mut bodies = Vec::new();
    let mut took = Duration::ZERO;
    let handshake = session.poll_request(now).unwrap();
    let body = br#"[{"channel":"/meta/handshake","clientId":"c","successful":true}]"#.as_slice().into();
    session.handle_reply(handshake.exchange, Reply { body, date: None }, now);
    loop {
        let begun = Instant::now();
        let request = session.poll_request(now).unwrap();
        assert!(session.poll_request(now).is_none(), "one array at a time");
        took += begun.elapsed();
        if request.phase == Phase::Connect {
            break;
        }
        let asked: Vec<Value> = serde_json::from_str(&request.body).unwrap();
        let answers = asked.iter().rev().map(|ask| {
            let mut answer = answer(ask);
            answer["channel"] = ask["channel"].clone();
            answer["successful"] = true.into();
            answer
        });
        let body = serde_json::to_vec(&answers.collect::<Vec<_>>()).unwrap().into();
        bodies.push(request.body);
        let begun = Instant::now();
        session.handle_reply(request.exchange, Reply { body, date: None }, now);
        took += begun.elapsed();
    }
    let subscribed =
        std::iter::from_fn(|| session.poll_event()).filter(|event| matches!(event, Event::Subscribed { .. }));
    assert_eq!(subscribed.count(), channels);
    (bodies, took)
}

/// Two channels, asked for with the ids 2 and 3.
fn check_subscribing(transcript: &str) {
    let before = r#"
        > [{"channel":"/meta/handshake"}]
        < [{"channel":"/meta/handshake","id":"1","clientId":"c1","successful":true}]
        ! Handshaken
        > [{"channel":"/meta/subscribe","id":"2","subscription":"/a"},{"channel":"/meta/subscribe","id":"3","subscription":"/b"}]"#;
    check(&["/a", "/b"], &format!("{before}\n{transcript}"));
}

/// The answer to the connect that [`OPEN`] leaves outstanding.
const OURS: &str = r#"{"channel":"/meta/connect","id":"5","successful":true}"#;
