#![allow(clippy::unwrap_used)]

use super::*;
use crate::feed::Decision;

const SLOW: Pace = Pace::growing(60, 300);
const QUICK: Pace = Pace::at_once(1, 60);

#[track_caller]
fn check(phase: Phase, error: &str, failure_reason: Option<&str>, then: Then) {
    let ext = failure_reason.map(|reason| {
        let ext = serde_json::json!({ "sfdc": { "failureReason": reason }, "replay": true });
        serde_json::value::to_raw_value(&ext).unwrap()
    });
    let refusal = Refusal { error: error.to_owned(), ext, advice: None };
    assert_eq!(of_failure(&Failure { phase, cause: Cause::Refused(refusal) }), then, "{error} {failure_reason:?}");
}

#[test]
fn f31_a_busy_server_is_recognised_in_its_disguises_and_the_token_is_kept() {
    let busy = Then::Reopen(Reason::Busy, SLOW);
    let too_busy = "503::Server is too busy.  Please try your request again later.";
    check(Phase::Handshake, "401::Authentication invalid", Some(too_busy), busy);
    check(Phase::Handshake, "403::Handshake denied", Some(too_busy), busy);
    check(Phase::Subscribe, "403:denied_by_security_policy:subscribe_denied", Some(too_busy), busy);
    check(Phase::Connect, too_busy, None, busy);
    let denied = "403::To protect all customers from excessive use and Denial of Service attacks, we limit the number of simultaneous connections per server.";
    check(Phase::Handshake, "403::Handshake denied", Some(denied), busy);
}

#[test]
fn f20_a_refused_token_is_renewed_wherever_it_is_refused() {
    let renew = Then::Renew(QUICK);
    check(Phase::Connect, "401::Authentication invalid", None, renew);
    check(Phase::Handshake, "403::Handshake denied", Some("401::Authentication invalid"), renew);
    check(Phase::Subscribe, "401::Request requires authentication", None, renew);
    check(Phase::Connect, "400::Authenticated user id does not match the session's user id", None, renew);
    let status = Cause::Status { status: 401, text: String::new() };
    assert_eq!(of_failure(&Failure { phase: Phase::Handshake, cause: status }), renew);
}

#[test]
fn a_limit_is_waited_out_also_where_it_refuses_a_channel() {
    let daily = Then::Reopen(Reason::Limit, Pace::growing(300, 3600));
    check(Phase::Subscribe, "403::Organization total events daily limit exceeded", None, daily);
    check(Phase::Connect, "403::Organization total events daily limit exceeded", None, daily);
    let clients = Then::Reopen(Reason::Limit, Pace::growing(60, 600));
    check(Phase::Handshake, "403::Organization concurrent user limit exceeded", None, clients);
    check(Phase::Subscribe, "403::Subscription limit exceeded for this topic", None, clients);
}

#[test]
fn f02_an_unknown_client_opens_again_whatever_the_advice() {
    let reopen = Then::Reopen(Reason::UnknownClient, QUICK);
    check(Phase::Connect, "403::Unknown client", None, reopen);
    check(Phase::Subscribe, "402::Unknown client", None, reopen);
    check(Phase::Connect, "403::Client has not completed handshake", None, reopen);
    check(
        Phase::Connect,
        "400::Client 4px has established a session, but no BAYEUX_BROWSER cookie present",
        None,
        reopen,
    );
    assert_eq!(of_failure(&Failure { phase: Phase::Connect, cause: Cause::Disconnected }), reopen);
}

#[test]
fn f18_a_refused_replay_id_is_told_from_other_refusals_of_a_channel() {
    let invalid = "400::The replayId {42} you provided was invalid. Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.";
    check(Phase::Subscribe, invalid, None, Then::Reposition);
    for refused in [
        "400::The channel you requested to subscribe to does not exist {/event/Nope__e}",
        "403:denied_by_security_policy:create_denied",
        "403::User not allowed to subscribe CDC without View All Data permissions",
    ] {
        let refusal = Refusal { error: refused.to_owned(), ..Refusal::default() };
        assert!(matches!(of_refusal(&refusal), Then::Fail(Reason::Channel, _)), "{refused}");
    }
}

#[test]
fn what_is_not_bayeux_opens_again_and_what_would_come_again_does_not() {
    let of = |cause| of_failure(&Failure { phase: Phase::Connect, cause });
    let quick = Pace::growing(1, 30);
    assert_eq!(
        of(Cause::Transport { sent: true, text: String::new(), error: None }),
        Then::Reopen(Reason::Transport, quick)
    );
    assert_eq!(of(Cause::Status { status: 503, text: String::new() }), Then::Reopen(Reason::Transport, quick));
    assert_eq!(of(Cause::TimedOut), Then::Reopen(Reason::Transport, quick));
    assert_eq!(of(Cause::Malformed(String::new())), Then::Reopen(Reason::Malformed, quick));
    assert_eq!(of(Cause::Empty), Then::Reopen(Reason::Malformed, quick));
    assert!(matches!(of(Cause::TooLarge { limit: 1 }), Then::Fail(Reason::TooLarge, _)));
    check(Phase::Connect, "777::never seen before", None, Then::Reopen(Reason::Refused, Pace::growing(1, 60)));
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
