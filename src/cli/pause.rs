//! `crossfeed pause` and `crossfeed resume`: a feed that fetches nothing until it is told to.

use super::admin_client::{AdminClient, Error};
use super::{FAILED, WRONG_INPUT, complain, feed_name, outline, say};
use crate::admin::user;
use crate::config::Outline;
use crate::decide;
use crate::position::{Paused, Store};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// What is paused, and why.
#[derive(Debug, Args)]
pub struct PauseArguments {
    /// The feed's name in the file
    #[arg(value_parser = feed_name)]
    pub feed: String,
    /// Why: shown in the status and the log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Pauses a feed of the running bridge; where none runs, from its next start on.
#[must_use]
pub fn pause(arguments: &PauseArguments, named: Option<&Path>) -> ExitCode {
    let PauseArguments { feed, reason } = arguments;
    let outline = match outline(named) {
        Ok((_, outline)) => outline,
        Err(code) => return code,
    };
    let order = json!({"reason": reason});
    let told = AdminClient::of(&outline).and_then(|bridge| bridge.post(&format!("/feeds/{feed}/pause"), &order));
    match told {
        Ok(answer) => {
            let by = answer.pointer("/paused/by").and_then(Value::as_str).unwrap_or_default();
            let at = answer.pointer("/paused/at").and_then(Value::as_str).unwrap_or_default();
            say(&format!("{feed} is paused, by {by} at {at}: it fetches nothing until `crossfeed resume {feed}`"));
            ExitCode::SUCCESS
        }
        Err(Error::NotRunning { .. }) => in_the_store(&outline, feed, |store| {
            if let Some(Paused { by, at, .. }) = store.paused(feed)? {
                return Ok(format!("{feed} is paused already, by {by} at {at}"));
            }
            let paused = Paused { by: user(), at: Timestamp::now(), reason: reason.clone() };
            store.set_paused(feed, Some(&paused))?;
            Ok(format!("no bridge is running: {feed} is paused from the next start on"))
        }),
        Err(error) => failed(&error),
    }
}

/// Lets a feed of the running bridge go on; where none runs, from its next start on.
#[must_use]
pub fn resume(feed: &str, named: Option<&Path>) -> ExitCode {
    let outline = match outline(named) {
        Ok((_, outline)) => outline,
        Err(code) => return code,
    };
    let told = AdminClient::of(&outline).and_then(|bridge| bridge.post(&format!("/feeds/{feed}/resume"), &json!({})));
    match told {
        Ok(answer) => {
            let started = answer.get("started").and_then(Value::as_bool).unwrap_or_default();
            say(&if started { format!("{feed} goes on") } else { format!("{feed} was not paused: it runs") });
            ExitCode::SUCCESS
        }
        Err(Error::NotRunning { .. }) => in_the_store(&outline, feed, |store| {
            if store.paused(feed)?.is_none() {
                return Ok(format!("{feed} is not paused"));
            }
            store.set_paused(feed, None)?;
            Ok(format!("no bridge is running: {feed} goes on from the next start on"))
        }),
        Err(error) => failed(&error),
    }
}

/// Does something in the store itself, which nobody else has open.
fn in_the_store(
    outline: &Outline,
    feed: &str,
    work: impl FnOnce(&Store) -> Result<String, crate::position::Error>,
) -> ExitCode {
    if outline.feeds.iter().all(|known| known != feed) {
        let known = outline.feeds.join(", ");
        complain(&format!("there is no feed `{feed}`; there are: {known}"));
        return ExitCode::from(WRONG_INPUT);
    }
    match Store::open(&outline.positions).and_then(|store| work(&store)) {
        Ok(done) => {
            say(&done);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&decide::chain(&error));
            ExitCode::from(FAILED)
        }
    }
}

/// Tells why a running bridge did not do it.
pub(super) fn failed(error: &Error) -> ExitCode {
    complain(&error.to_string());
    ExitCode::from(if matches!(error, Error::Refused { wrong_input: true, .. }) { WRONG_INPUT } else { FAILED })
}
