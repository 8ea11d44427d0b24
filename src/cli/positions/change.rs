//! Changes by hand: the plan, the question, and the deed.

use super::{Manner, Refused, Seen, Written, complain, say};
use crate::admin::PositionsOrder;
use crate::cli::admin_client::{self, AdminClient};
use crate::position::{Binding, Change, Error, Plan, Store, Target, apply, plan};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::ExitCode;

pub(super) fn set(
    written: &Written,
    feed: &str,
    channel: &str,
    to: &Target,
    manner: &Manner,
) -> Result<ExitCode, Refused> {
    let seen = Seen::of(written)?;
    let channel = seen.known.channel(feed, channel)?.to_owned();
    let asked = Asked { changes: vec![Change { feed: feed.to_owned(), channel, to: to.clone() }], ..Asked::default() };
    change(written, seen, &asked, manner)
}

pub(super) fn reset(
    written: &Written,
    feed: &str,
    channel: Option<&str>,
    manner: &Manner,
) -> Result<ExitCode, Refused> {
    let seen = Seen::of(written)?;
    let channels: Vec<String> = match channel {
        Some(channel) => vec![seen.known.channel(feed, channel)?.to_owned()],
        None => seen.known.channels(feed)?.iter().cloned().collect(),
    };
    let removed = |channel| Change { feed: feed.to_owned(), channel, to: Target::Absent };
    let asked = Asked { changes: channels.into_iter().map(removed).collect(), ..Asked::default() };
    change(written, seen, &asked, manner)
}

/// What is to be done.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) changes: Vec<Change>,
    /// What the new positions belong to, by feed, where that is known.
    pub(super) bindings: BTreeMap<String, Binding>,
}

/// Says what changes would do, asks, and makes them: in the store, or through the bridge that has it open.
pub(super) fn change(written: &Written, seen: Seen, asked: &Asked, manner: &Manner) -> Result<ExitCode, Refused> {
    if manner.dry_run {
        say(&told(&planned(&seen, asked)?));
        say("nothing was changed");
        return Ok(ExitCode::SUCCESS);
    }
    match Store::open(&written.outline.positions) {
        // Held from the plan to the deed, so that what was said is what is done.
        Ok(store) => {
            drop(seen);
            in_the_store(&Seen::with(written, store)?, asked, manner)
        }
        Err(Error::InUse { .. }) => through_the_bridge(written, &seen, asked, manner),
        Err(error) => Err(error.into()),
    }
}

fn in_the_store(seen: &Seen, asked: &Asked, manner: &Manner) -> Result<ExitCode, Refused> {
    let planned = planned(seen, asked)?;
    if !is_to_be_done(&planned, manner)? {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(store) = &seen.store {
        for (feed, binding) in &asked.bindings {
            store.bind(feed, binding)?;
        }
        apply(store, &planned, &who(), manner.reason.as_deref(), Timestamp::now())?;
    }
    say("done");
    Ok(ExitCode::SUCCESS)
}

/// The feed moves on between the question and the deed: what was done is said once more.
fn through_the_bridge(written: &Written, seen: &Seen, asked: &Asked, manner: &Manner) -> Result<ExitCode, Refused> {
    let bridge = AdminClient::of(&written.outline).map_err(not_by_the_bridge)?;
    if !is_to_be_done(&planned(seen, asked)?, manner)? {
        return Ok(ExitCode::SUCCESS);
    }
    let feeds: BTreeSet<&String> = asked.changes.iter().map(|change| &change.feed).collect();
    for feed in feeds {
        let order = PositionsOrder {
            changes: asked.changes.iter().filter(|change| change.feed == *feed).cloned().collect(),
            reason: manner.reason.clone(),
            by: Some(who()),
            binding: asked.bindings.get(feed).cloned(),
            dry_run: false,
        };
        let answer = bridge.post(&format!("/feeds/{feed}/positions"), &order).map_err(not_by_the_bridge)?;
        let done: Plan = serde_json::from_value(answer)
            .map_err(|error| Refused::failed(format!("the bridge's answer is not understood: {error}")))?;
        say(&format!("done by the running bridge:\n{}", told(&done)));
    }
    Ok(ExitCode::SUCCESS)
}

fn not_by_the_bridge(error: admin_client::Error) -> Refused {
    match error {
        admin_client::Error::Refused { wrong_input: true, .. } => Refused::wrong(error),
        error => Refused::failed(error),
    }
}

/// Says what a plan does, and asks whether it is to be done.
fn is_to_be_done(planned: &Plan, manner: &Manner) -> Result<bool, Refused> {
    say(&told(planned));
    if !planned.changes_something() {
        say("nothing to change");
        return Ok(false);
    }
    let stdin = std::io::stdin();
    if manner.yes || confirmed(planned, stdin.is_terminal(), &mut stdin.lock())? {
        return Ok(true);
    }
    Err(Refused::failed("nothing was changed"))
}

fn planned(seen: &Seen, asked: &Asked) -> Result<Plan, Refused> {
    if let Some(store) = &seen.store {
        for (feed, binding) in &asked.bindings {
            store.fits(feed, binding).map_err(|error| match error {
                Error::Foreign { .. } => {
                    Refused::wrong(format!("{error}; or take them all the same with --force; nothing was changed"))
                }
                error => error.into(),
            })?;
        }
    }
    plan(&seen.saved, &asked.changes, &seen.known, Timestamp::now()).map_err(Refused::wrong)
}

fn told(plan: &Plan) -> String {
    let rows = plan.rows.iter().map(|row| {
        let from = row.from.as_ref().map_or_else(|| "no position".to_owned(), super::list::place);
        format!("{} {}: {from} -> {}: {}", row.feed, row.channel, row.to, row.effect)
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Asks a person, where there is one.
fn confirmed(plan: &Plan, terminal: bool, answers: &mut dyn BufRead) -> Result<bool, Refused> {
    if !terminal {
        let text = "nobody is there to ask: add --yes to do it, or --dry-run to see only; nothing was changed";
        return Err(Refused::wrong(text));
    }
    complain(&format!("{}. Do it? y/N", plan.summary()));
    let mut answer = String::new();
    answers.read_line(&mut answer).map_err(Refused::failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Who does this: for the history.
fn who() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "?".to_owned());
    let uid = std::fs::metadata("/proc/self").map_or_else(|_| "?".to_owned(), |it| it.uid().to_string());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "?".to_owned());
    format!("{user} (uid {uid}) on {}, pid {}", host.trim(), std::process::id())
}

#[cfg(test)]
mod tests;
