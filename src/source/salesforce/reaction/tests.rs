#![allow(clippy::unwrap_used, clippy::panic)]
//! Transcripts: what the server says to a real session, and what is done about it.

use super::*;
use crate::feed::Decision;
use bayeux::{Ask, Event, Reply, Session, Subscription};
use serde::de::IgnoredAny;
use std::time::Instant;

const CHANNEL: &str = "/event/Low_Ink__e";

/// A session that is asked for `phase` next, before it says so.
fn session(phase: Phase) -> Session<IgnoredAny> {
    let subscriptions = vec![Subscription { channel: CHANNEL.to_owned(), ext: None }];
    let mut session = Session::new(bayeux::Config { subscriptions, ..bayeux::Config::default() }, Instant::now());
    let good = [
        (Phase::Handshake, r#"{"channel":"/meta/handshake","id":"<id>","clientId":"c","successful":true}"#),
        (
            Phase::Subscribe,
            r#"{"channel":"/meta/subscribe","id":"<id>","subscription":"/event/Low_Ink__e","successful":true}"#,
        ),
    ];
    for (_, reply) in good.iter().take_while(|(before, _)| *before != phase) {
        say(&mut session, reply);
    }
    while session.poll_event().is_some() {}
    session
}

/// Answers what the session asks; `<id>` and `<meta>` in the answer are those of the request.
fn say(session: &mut Session<IgnoredAny>, reply: &str) {
    let request = session.poll_request(Instant::now()).unwrap();
    let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    let word = |field: &str| asked[0][field].as_str().unwrap().to_owned();
    let body = format!("[{reply}]").replace("<id>", &word("id")).replace("<meta>", &word("channel"));
    session.handle_reply(request.exchange, Reply { body: body.into(), date: None }, Instant::now());
}

/// What a refusal in these words leads to: what is done, and what is asked next.
#[track_caller]
fn check(phase: Phase, said: &str, expected: &str) {
    let mut session = session(phase);
    let subscription = if phase == Phase::Subscribe { r#""subscription":"/event/Low_Ink__e","# } else { "" };
    say(&mut session, &format!(r#"{{"channel":"<meta>","id":"<id>",{subscription}"successful":false,{said}}}"#));
    let then = match session.poll_event().unwrap() {
        Event::Refused { channel, refusal } => {
            let then = of_refusal(&refusal);
            match then {
                Then::LetBe(_) => session.forget(&channel),
                Then::AskAgain | Then::Reposition => {
                    session.ask(Ask::Subscribe(Subscription { channel, ext: None }));
                }
                _ => session.disconnect(Instant::now()),
            }
            then
        }
        Event::Ended(failure) => {
            assert!(session.deadline().is_none());
            of_failure(&failure)
        }
        other => panic!("{other:?}"),
    };
    let next = session.poll_request(Instant::now()).map_or("handshake".to_owned(), |request| request.phase.to_string());
    assert_eq!(format!("{}, then {next}", told(then)), expected, "{phase}: {said}");
}

fn told(then: Then) -> String {
    let pace = |pace: Pace| format!("{} {}-{} s", pace.first.as_secs(), pace.from.as_secs(), pace.to.as_secs());
    match then {
        Then::Reopen(reason, waits) | Then::AsAdvised(reason, waits) => {
            format!("{} after {}, token kept", reason.as_str(), pace(waits))
        }
        Then::Rest(reason, waits, _) => format!("{} after {}, token kept, the org rests", reason.as_str(), pace(waits)),
        Then::Renew(waits) => format!("a new token, after {}", pace(waits)),
        Then::Reposition => "reposition".to_owned(),
        Then::AskAgain => "ask again".to_owned(),
        Then::LetBe(_) => "let be".to_owned(),
        Then::Doubt(reason, waits, _) => {
            format!("{} after {}, token kept, let be the second time", reason.as_str(), pace(waits))
        }
        Then::Fail(reason, _) => format!("{}: a person must act", reason.as_str()),
    }
}

fn plain(error: &str) -> String {
    format!(r#""error":"{error}""#)
}

fn hidden(error: &str, reason: &str) -> String {
    format!(r#""error":"{error}","ext":{{"sfdc":{{"failureReason":"{reason}"}},"replay":true,"payload.format":true}}"#)
}

fn advising(error: &str, reconnect: &str) -> String {
    format!(r#""error":"{error}","advice":{{"reconnect":"{reconnect}","interval":0}}"#)
}

const BUSY: &str = "503::Server is too busy.  Please try your request again later.";
const ANYWHERE: [Phase; 3] = [Phase::Handshake, Phase::Subscribe, Phase::Connect];

/// What follows the end of a session at each phase: a refused subscription leaves a session to say goodbye to.
fn next(phase: Phase) -> &'static str {
    if phase == Phase::Subscribe { "disconnect" } else { "handshake" }
}

#[test]
fn f31_row_1_a_busy_server_is_recognised_in_its_disguises_and_the_token_is_kept() {
    let connections = "403::To protect all customers from excessive use and Denial of Service attacks, we limit the number of simultaneous connections per server. Your request has been denied because this limit has been exceeded. Please try your request again later.";
    for phase in ANYWHERE {
        let busy = format!("busy after 60 60-300 s, token kept, the org rests, then {}", next(phase));
        check(phase, &plain(BUSY), &busy);
        for disguise in [
            "401::Authentication invalid",
            "403::Handshake denied",
            "403::Unknown client",
            "403:denied_by_security_policy:subscribe_denied",
            "",
        ] {
            check(phase, &hidden(disguise, BUSY), &busy);
        }
        check(phase, &hidden("403::Handshake denied", connections), &busy);
        check(phase, &format!(r#""ext":{{"sfdc":{{"failureReason":"{BUSY}"}}}}"#), &busy);
        check(phase, &hidden(BUSY, "401::Authentication invalid"), &busy);
        check(phase, &advising(BUSY, "none"), &busy);
    }
}

#[test]
fn f07_rows_2_and_3_a_limit_is_waited_out_wherever_it_is_said() {
    for phase in ANYWHERE {
        let next = next(phase);
        let daily = format!("limit after 300 300-3600 s, token kept, the org rests, then {next}");
        check(phase, &plain("403::Organization total events daily limit exceeded"), &daily);
        check(phase, &hidden("403::Handshake denied", "403::Organization total events daily limit exceeded"), &daily);
        let clients = format!("limit after 60 60-600 s, token kept, the org rests, then {next}");
        check(phase, &plain("403::Organization concurrent user limit exceeded"), &clients);
        let topic = format!("limit after 60 60-600 s, token kept, then {next}");
        check(phase, &plain("403::Subscription limit exceeded for this topic"), &topic);
    }
}

#[test]
fn f20_row_4_a_refused_token_is_renewed_wherever_it_is_refused() {
    for phase in ANYWHERE {
        let renew = format!("a new token, after 0 1-60 s, then {}", next(phase));
        check(phase, &plain("401::Authentication invalid"), &renew);
        check(phase, &advising("401::Authentication invalid", "none"), &renew);
        check(phase, &hidden("403::Handshake denied", "401::Authentication invalid"), &renew);
        check(phase, &plain("401::Request requires authentication"), &renew);
        check(phase, &plain("400::Authenticated user id does not match the session's user id"), &renew);
        check(phase, r#""error":"401::Authentication invalid","ext":{"replay":true}"#, &renew);
    }
    let status = Cause::Status { status: 401, text: String::new() };
    assert_eq!(of_failure(&Failure { phase: Phase::Handshake, cause: status }), Then::Renew(Pace::at_once(1, 60)));
}

#[test]
fn f18_rows_5_and_6_a_refused_position_is_told_from_one_that_did_not_come_along() {
    let invalid = "400::The replayId {42} you provided was invalid. Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.";
    check(Phase::Subscribe, &plain(invalid), "reposition, then subscribe");
    let absent = "400::The replayId for channel {/event/Invalid__e} wasn't found using the provided replay ID map {{}}. Ensure that the channel name you provided in the replay map is valid and matches the channel name used for subscribing.";
    check(Phase::Subscribe, &plain(absent), "ask again, then subscribe");
}

#[test]
fn f02_row_7_an_unknown_client_opens_again_whatever_the_advice() {
    for phase in ANYWHERE {
        for error in [
            "403::Unknown client",
            "402::Unknown client",
            "403::Client has not completed handshake",
            "400::Client {4px} has established a session, but no {BAYEUX_BROWSER} cookie present",
        ] {
            // Bayeux has a code for a session that is gone: there is none to say goodbye to.
            let next = if error.starts_with("402") { "handshake" } else { next(phase) };
            let reopen = format!("unknown_client after 0 1-60 s, token kept, then {next}");
            check(phase, &plain(error), &reopen);
            check(phase, &advising(error, "none"), &reopen);
            check(phase, &advising(error, "handshake"), &reopen);
        }
    }
    let mut session = session(Phase::Connect);
    say(
        &mut session,
        r#"{"channel":"/meta/disconnect"},{"channel":"<meta>","id":"<id>","successful":false,"error":"403::Unknown client","advice":{"reconnect":"none","interval":0}}"#,
    );
    let Some(Event::Ended(failure)) = session.poll_event() else { panic!() };
    assert_eq!(told(of_failure(&failure)), "unknown_client after 0 1-60 s, token kept");
}

#[test]
fn f05_row_8_a_refused_channel_is_let_be() {
    for refused in [
        "400::The channel you requested to subscribe to does not exist {/event/Nope__e}",
        "400::Channel name not specified",
        "400::Query fields {Nope} do not exist on the topic entity",
        "403:denied_by_security_policy:create_denied",
        "403:denied_by_security_policy:subscribe_denied",
        "403::Cannot create channel {/u/x}",
        "403::Subscriber does not have access to the entity in this topic",
        "403::Restricted channel",
        "403::User not enabled for streaming",
        "403::User not allowed to subscribe CDC without View All Data permissions",
        "403::No access on channel",
        "404::Unknown channel",
    ] {
        check(Phase::Subscribe, &plain(refused), "let be, then connect");
        check(Phase::Subscribe, &advising(refused, "none"), "let be, then connect");
    }
    check(
        Phase::Subscribe,
        &hidden("403:denied_by_security_policy:subscribe_denied", "no words that anybody knows"),
        "let be, then connect",
    );
}

#[test]
fn rows_9_and_10_a_wrong_version_is_for_a_person_and_a_denial_without_a_reason_is_not() {
    let stops = "salesforce: a person must act, then handshake";
    check(Phase::Handshake, &plain("400::API version in the URI is mandatory. URI format: '/cometd/66.0'"), stops);
    check(
        Phase::Handshake,
        &plain(
            "400::Unsupported API version. Only API versions '37.0' and later are supported. URI format: '/cometd/66.0'",
        ),
        stops,
    );
    check(Phase::Handshake, &plain("400::Invalid connection type {websocket}"), stops);
    let slowly = "refused after 10 10-300 s, token kept, then handshake";
    check(Phase::Handshake, &plain("403::Handshake denied"), slowly);
    check(Phase::Handshake, &advising("403::Handshake denied", "none"), slowly);
    check(Phase::Handshake, &advising("403::Handshake denied", "handshake"), slowly);
}

#[test]
fn row_11_what_is_not_bayeux_opens_again_and_what_would_come_again_does_not() {
    let of = |cause| told(of_failure(&Failure { phase: Phase::Connect, cause }));
    let status = |status, text: &str| Cause::Status { status, text: text.to_owned() };
    let transport = "transport after 1 1-30 s, token kept";
    assert_eq!(of(Cause::Transport { sent: true, text: String::new(), error: None }), transport);
    assert_eq!(of(status(503, "<html>maintenance")), transport);
    assert_eq!(of(status(405, "method not allowed, channel restricted")), transport);
    assert_eq!(of(Cause::TimedOut), transport);
    // An HTTP failure may be the same disguise.
    assert_eq!(of(status(401, BUSY)), "busy after 60 60-300 s, token kept, the org rests");
    assert_eq!(of(status(403, BUSY)), "busy after 60 60-300 s, token kept, the org rests");
    let malformed = "malformed after 1 1-30 s, token kept";
    assert_eq!(of(Cause::Malformed(String::new())), malformed);
    assert_eq!(of(Cause::Empty), malformed);
    assert_eq!(of(Cause::Unanswered), malformed);
    assert_eq!(of(Cause::TooLarge { limit: 1 }), "too_large: a person must act");
    assert_eq!(of(Cause::NoRoom), "no_room after 0 1-60 s, token kept");
}

#[test]
fn rows_12_to_14_what_nobody_knows_opens_again_as_advised_and_is_never_the_end() {
    for phase in [Phase::Handshake, Phase::Connect] {
        check(phase, &advising("777::never seen", "handshake"), "refused after 0 1-60 s, token kept, then handshake");
        let later = r#""error":"777::never seen","advice":{"reconnect":"handshake","interval":5000}"#;
        check(phase, later, "refused after 5 1-60 s, token kept, then handshake");
        let for_ever = r#""error":"777::never seen","advice":{"reconnect":"handshake","interval":86400000}"#;
        check(phase, for_ever, "refused after 60 1-60 s, token kept, then handshake");
        let none = "refused after 10 10-300 s, token kept, then handshake";
        check(phase, &advising("777::never seen", "none"), none);
        check(phase, r#""error":"777::never seen","advice":{"interval":-1}"#, none);
        let last = "refused after 1 1-60 s, token kept, then handshake";
        check(phase, &advising("777::never seen", "retry"), last);
        check(phase, &plain("777::never seen"), last);
        check(phase, &plain("412::precondition"), last);
        check(phase, r#""advice":"nonsense""#, last);
        check(phase, r#""error":null,"ext":[]"#, last);
    }
    let doubt = "refused after 1 1-60 s, token kept, let be the second time, then disconnect";
    check(Phase::Subscribe, &plain("777::never seen"), doubt);
    check(Phase::Subscribe, &plain("500::internal"), doubt);
}

/// An answer may be good, and advise the end all the same.
#[test]
fn good_answers_that_advise_the_end_are_no_end() {
    for (reconnect, expected) in
        [("handshake", "refused after 0 1-60 s, token kept"), ("none", "refused after 10 10-300 s, token kept")]
    {
        let mut session = session(Phase::Connect);
        let advice = format!(r#""advice":{{"reconnect":"{reconnect}"}}"#);
        say(&mut session, &format!(r#"{{"channel":"<meta>","id":"<id>","successful":true,{advice}}}"#));
        let Some(Event::Ended(failure)) = session.poll_event() else { panic!("{reconnect}") };
        assert_eq!(told(of_failure(&failure)), expected);
    }
}

#[test]
fn f60_the_words_shown_are_salesforce_s_with_the_hidden_reason_first() {
    let ext =
        serde_json::value::RawValue::from_string(r#"{"sfdc":{"failureReason":"401::Authentication invalid"}}"#.into());
    let refusal = Refusal { error: "403::Handshake denied".to_owned(), ext: ext.ok(), advice: None };
    assert_eq!(words(&refusal), "401::Authentication invalid (403::Handshake denied)");
}

#[tokio::test]
async fn a_proxy_or_a_certificate_that_fails_is_told_with_what_to_do() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
    });
    let client = reqwest::Client::builder().proxy(reqwest::Proxy::all(proxy).unwrap()).build().unwrap();
    let sent = client.post("https://acme.my.salesforce.com/cometd/64.0/handshake").send();
    let error = tokio::time::timeout(std::time::Duration::from_secs(20), sent).await.unwrap().unwrap_err();
    let cause = Cause::Transport { sent: false, text: "lost".to_owned(), error: Some(Lost(error.into())) };
    let ended = Ended::of(&Failure { phase: Phase::Handshake, cause });
    let text = "handshake: the proxy asks for a user and a password that it knows: ";
    assert!(ended.text.starts_with(text), "{}", ended.text);
    let stop = ended.stop();
    assert_eq!(stop.decision, Decision::Transient(Pace::growing(1, 30)));
    assert!(stop.remedy.unwrap().starts_with("check the user and the password of the proxy"));
}
