//! Sessions whose events are acknowledged: a lost answer is had again.

use super::*;

/// Agrees to acknowledgements. The fourth connect brings the event again that the third's lost answer had.
const ACKNOWLEDGES: Script = |message, count| match message["channel"].as_str() {
    Some("/meta/handshake") => {
        let mut yes = yes(message);
        yes["clientId"] = json!("c1");
        yes["ext"] = json!({"ack": {"enabled": true, "batch": 7}});
        Some(Act::Say(vec![yes]))
    }
    Some("/meta/connect") => {
        let mut yes = yes(message);
        yes["ext"] = json!({"ack": 7 + count});
        match count {
            1 => yes["advice"] = json!({"timeout": 500, "interval": 0}),
            3 | 6.. => return Some(Act::Hold),
            _ => {}
        }
        Some(Act::Say(if count == 1 { vec![yes] } else { vec![event(count), yes] }))
    }
    _ => None,
};

async fn check_lost(lose: &str) {
    for kind in BOTH {
        let mut stage = Stage::new(kind, ACKNOWLEDGES, Config { ack: true, ..config() }).await;
        stage.play("! Handshaken(ack)\n! Subscribed(/a)\n! Connected\n! Messages(1)").await;
        let mut said = Vec::new();
        for _ in 0..3 {
            said.push(stage.heard("/meta/connect").await);
        }
        stage.play(&format!("{lose}\n! Messages(1)\n! Messages(1)")).await;
        for _ in 0..2 {
            said.push(stage.heard("/meta/connect").await);
        }
        let numbers: Vec<&Value> = said.iter().map(|message| &message["ext"]["ack"]).collect();
        // The third was lost: its number goes out again, in the same session, and asks for an answer at once.
        assert_eq!(json!(numbers), json!([7, 8, 9, 9, 11]), "{kind:?} {lose}");
        assert!(said.iter().all(|message| message["clientId"] == "c1"));
        assert_eq!(json!([&said[2]["advice"], &said[3]["advice"]]), json!([null, {"timeout": 0}]));
    }
}

#[tokio::test]
async fn f14_an_acknowledged_session_outlives_a_cut_line() {
    check_lost("reset").await;
    check_lost("half-closed").await;
}

#[tokio::test]
async fn f04_an_acknowledged_session_outlives_a_silence() {
    check_lost("").await;
}

#[tokio::test]
async fn f14_an_acknowledged_session_outlives_a_failed_request() {
    const FAILS_ONCE: Script = |message, count| match count {
        3 if message["channel"] == "/meta/connect" => Some(Act::Fail(1011)),
        _ => ACKNOWLEDGES(message, count),
    };
    const UNAVAILABLE_ONCE: Script = |message, count| match count {
        3 if message["channel"] == "/meta/connect" => Some(Act::Fail(503)),
        _ => ACKNOWLEDGES(message, count),
    };
    let config = || Config { ack: true, ..config() };
    let transcript = "! Handshaken(ack)\n! Subscribed(/a)\n! Connected\n! Messages(1)\n! Messages(1)\n! Messages(1)";
    Stage::new(TransportKind::WebSocket, FAILS_ONCE, config()).await.play(transcript).await;
    Stage::new(TransportKind::LongPolling, UNAVAILABLE_ONCE, config()).await.play(transcript).await;
}

#[tokio::test]
async fn an_acknowledged_session_that_was_gone_for_too_long_ends() {
    for kind in BOTH {
        let config = Config { ack: true, expiry: Duration::from_secs(1), ..config() };
        let mut stage = Stage::new(kind, ACKNOWLEDGES, config).await;
        stage.play("! Handshaken(ack)\n! Subscribed(/a)\n! Connected\n! Messages(1)\nfrozen\n! Ended(connect: *").await;
    }
}
