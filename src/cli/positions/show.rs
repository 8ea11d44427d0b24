//! `crossfeed positions show`: all that is known of a feed's positions.

use super::list::{ago, of_history, place, seconds, table, time};
use super::{FAILED, Refused, Seen, Written, complain, say};
use crate::position::{Configured, Error, Position, Saved};
use jiff::Timestamp;
use std::process::ExitCode;

pub(super) fn show(written: &Written, feed: &str, channel: Option<&str>) -> Result<ExitCode, Refused> {
    let seen = Seen::of(written)?;
    let channels: Vec<&str> = match channel {
        Some(channel) => vec![seen.known.channel(feed, channel)?],
        None => seen.known.channels(feed)?.iter().map(String::as_str).collect(),
    };
    let store = seen.store.as_ref();
    say(&format!("feed {feed}"));
    match store.map(|store| store.binding(feed)).transpose()?.flatten() {
        Some(binding) => say(&format!("belongs to org {} and Kafka cluster {}", binding.org, binding.cluster)),
        None => say("belongs to no org and no Kafka cluster yet"),
    }
    let now = Timestamp::now();
    let mut code = ExitCode::SUCCESS;
    for channel in &channels {
        say(&format!("\n{channel}"));
        match of(&seen.saved, feed, channel) {
            Some(Err(error)) => {
                complain(&error.to_string());
                code = ExitCode::from(FAILED);
            }
            saved => {
                let configured = seen.known.configured(feed, channel);
                let lines = of_channel(saved.and_then(Result::ok), &configured, now);
                lines.iter().for_each(|line| say(&format!("  {line}")));
            }
        }
    }
    let history = store.map(|store| store.history(feed)).transpose()?.unwrap_or_default();
    let history = history.iter().filter(|entry| channels.contains(&entry.channel.as_str()));
    let rows: Vec<[String; 6]> = history
        .map(|entry| {
            let [at, from, to, by, why] = of_history(entry);
            [at, entry.channel.clone(), from, to, by, why]
        })
        .collect();
    if rows.is_empty() {
        say("\nnever changed by hand");
    } else {
        say("\nchanged by hand");
        say(&table(["WHEN", "CHANNEL", "FROM", "TO", "BY", "WHY"], rows.into_iter()));
    }
    Ok(code)
}

fn of<'s>(saved: &'s [Result<Saved, Error>], feed: &str, channel: &str) -> Option<Result<&'s Saved, &'s Error>> {
    saved.iter().map(Result::as_ref).find(|saved| match saved {
        Ok(saved) => saved.feed == feed && saved.channel == channel,
        Err(Error::Unreadable { feed: of, channel: its, .. }) => of == feed && its == channel,
        Err(_) => false,
    })
}

fn of_channel(saved: Option<&Saved>, configured: &Configured, now: Timestamp) -> Vec<String> {
    let Configured { retention, start } = configured;
    let kept = format!("events are kept for {} h", retention.as_hours());
    let Some(saved) = saved else {
        return vec![format!("no position: the configured start holds, {start}"), kept];
    };
    let mut lines = vec![format!("position: {}", place(&saved.position))];
    match time(&saved.position) {
        Some(time) => {
            lines.push(format!("time: {}, {} ago", seconds(time), ago(time, now)));
            let left = *retention - now.duration_since(time);
            lines.push(if left.is_positive() {
                format!("{kept}: {:.1} h are left until those after it begin to go", left.as_secs_f64() / 3600.0)
            } else {
                format!("{kept}: some of those after it may be gone")
            });
        }
        None if saved.position == Position::Earliest => lines.push(kept),
        None => lines.push(format!("time: not known; {kept}")),
    }
    lines.push(format!("saved: {} ago, by write {}", ago(saved.written, now), saved.commit_seq));
    lines
}
