#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;

use super::*;
use crate::{Refusal, Secret};

/// An outcome of a login: a token, a failure that passes, one that says that there are too many, one for good.
#[derive(Clone, Copy)]
enum Answer {
    Token,
    Busy,
    TooMany,
    Wrong,
}

/// A gate whose logins are answered in turn, the last one for ever; and when each came.
fn gate(answers: &[Answer]) -> (Arc<Gate>, Arc<Mutex<Vec<Instant>>>) {
    let mut answers: VecDeque<Answer> = answers.iter().copied().collect();
    let logins = Arc::new(Mutex::new(Vec::new()));
    let seen = logins.clone();
    let answers = Mutex::new(move || if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() });
    let grant: Grant = Box::new(move || {
        seen.lock().unwrap().push(Instant::now());
        let answer = (answers.lock().unwrap())().unwrap();
        Box::pin(async move { outcome(answer) })
    });
    (Arc::new(Gate::new(grant, true, LoginPause::default(), Verdict::none())), logins)
}

fn outcome(answer: Answer) -> Result<Token, Error> {
    let refused = |code: &str, refusal| {
        let (description, remedy) = (String::new(), "".into());
        Error::Login { refusal, code: code.into(), description, remedy }
    };
    match answer {
        Answer::Token => Token::new(
            Secret::from("t".to_owned()),
            "https://acme.my.salesforce.com".parse().unwrap(),
            "00Dxx0000001gPL".parse().unwrap(),
            "005xx000001SwiUAAS".into(),
        ),
        Answer::Busy => Err(Error::Interrupted),
        Answer::TooMany => Err(refused("rate_limit_exceeded", Refusal::TooManyLogins)),
        Answer::Wrong => Err(refused("invalid_grant", Refusal::WrongCredentials)),
    }
}

/// Twenty feeds that ask each second for so long.
async fn asked_for(gate: &Arc<Gate>, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        for _ in 0..20 {
            let _ = gate.token(None).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn gaps(logins: &Mutex<Vec<Instant>>) -> Vec<u64> {
    logins.lock().unwrap().windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn an_hour_of_failing_logins_follows_the_schedule_whoever_asks() {
    let (gate, logins) = gate(&[Answer::Busy]);
    asked_for(&gate, HOUR).await;
    assert_eq!(gaps(&logins), [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
    assert_eq!(gate.logins(), Logins { granted: 0, failed: 12 });
}

#[tokio::test(start_paused = true)]
async fn too_many_logins_wait_a_minute_at_least() {
    let (gate, logins) = gate(&[Answer::TooMany]);
    asked_for(&gate, HOUR).await;
    assert_eq!(gaps(&logins), [60, 60, 60, 60, 80, 160, 320, 600, 600, 600, 600]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_a_failure_for_good() {
    let (gate, logins) = gate(&[Answer::Busy, Answer::Wrong]);
    asked_for(&gate, HOUR).await;
    assert_eq!(gaps(&logins), [5]);
    assert!(gate.standing().unwrap().unwrap_err().is_fatal());
}

#[tokio::test(start_paused = true)]
async fn a_success_starts_the_schedule_anew() {
    let (gate, logins) = gate(&[Answer::Busy, Answer::Busy, Answer::Token, Answer::Busy]);
    asked_for(&gate, Duration::from_secs(400)).await;
    assert_eq!(gaps(&logins), [5, 10]);
    let stale = gate.token(None).await.unwrap();
    let _ = gate.token(Some(&stale)).await;
    asked_for(&gate, Duration::from_secs(16)).await;
    assert_eq!(gaps(&logins)[3..], [5, 10]);
}

/// Each time a token is given it is refused at once: a user without rights, a session locked to another address.
#[tokio::test(start_paused = true)]
async fn f29_tokens_that_never_work_are_replaced_ever_more_slowly() {
    let (gate, logins) = gate(&[Answer::Token]);
    let end = Instant::now() + HOUR;
    while Instant::now() < end {
        if let Ok(token) = gate.token(None).await {
            let _ = gate.token(Some(&token)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(gaps(&logins), [0, 6, 10, 20, 300, 300, 300, 320, 600, 600, 600], "the first is replaced at once");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lived_is_replaced_at_once_every_time() {
    let (gate, logins) = gate(&[Answer::Token]);
    for _ in 0..10 {
        let token = gate.token(None).await.unwrap();
        tokio::time::sleep(HEALTHY).await;
        gate.token(Some(&token)).await.unwrap();
    }
    assert_eq!(logins.lock().unwrap().len(), 11);
}
