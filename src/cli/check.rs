//! `crossfeed check`: the file, and everything that it names.

use super::{FAILED, complain, load, runtime, say};
use crate::check::{Finding, Grade, Section};
use crate::decide;
use clap::Args;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// What is checked.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Only the file: nothing is connected to
    #[arg(long)]
    pub offline: bool,
    /// One JSON object for each org and cluster
    #[arg(long)]
    pub json: bool,
    /// Log in once more where the same credentials were refused before
    #[arg(long)]
    pub retry_login: bool,
}

/// Checks the file, and what it names unless told not to: exit code 2 where something is wrong with the file, 1 where
/// something out there will not work.
#[must_use]
pub fn check(arguments: &CheckArguments, named: Option<&Path>) -> ExitCode {
    let (path, config) = match load(named) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let (orgs, clusters, feeds) = (config.orgs.len(), config.clusters.len(), config.feeds.len());
    let summary = format!("{}: in order: orgs {orgs}, clusters {clusters}, feeds {feeds}", path.display());
    if arguments.offline {
        say(&summary);
        say("checked the file alone: nothing was connected to");
        return ExitCode::SUCCESS;
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    if !arguments.json {
        say(&summary);
    }
    if std::io::stderr().is_terminal() {
        complain("asking orgs and clusters; one that does not answer takes some seconds");
    }
    let orgs = match crate::check::orgs(&config, arguments.retry_login) {
        Ok(orgs) => orgs,
        Err(error) => return failed(&decide::chain(&error)),
    };
    let looked = runtime.block_on(async {
        let looked = tokio::select! {
            sections = crate::check::check(&config, &orgs) => Some(sections),
            _ = tokio::signal::ctrl_c() => None,
        };
        // A login that is on its way may bring a new refresh token, and the old one is dead then.
        let settled = futures_util::future::join_all(orgs.values().map(|org| org.gate.settle()));
        let _ = tokio::time::timeout(SETTLE_LIMIT, settled).await;
        looked
    });
    // A call of librdkafka's that still waits for a broker is not waited for.
    runtime.shutdown_background();
    let Some(sections) = looked else {
        complain("given up");
        return ExitCode::from(FAILED);
    };
    for section in &sections {
        say(&if arguments.json { serde_json::json!(section).to_string() } else { told(section) });
    }
    let bad = sections.iter().flat_map(|section| &section.findings).filter(|it| it.grade == Grade::Bad).count();
    match bad {
        0 => ExitCode::SUCCESS,
        1 => failed("1 thing will not work"),
        _ => failed(&format!("{bad} things will not work")),
    }
}

fn failed(text: &str) -> ExitCode {
    complain(text);
    ExitCode::from(FAILED)
}

fn told(section: &Section) -> String {
    let lines = section.findings.iter().map(line);
    std::iter::once(format!("\n{}", section.about)).chain(lines).collect::<Vec<_>>().join("\n")
}

fn line(finding: &Finding) -> String {
    let sign = match finding.grade {
        Grade::Good => "ok  ",
        Grade::Note => "note",
        Grade::Bad => "BAD ",
    };
    let remedy = finding.remedy.as_ref().map(|remedy| format!("\n        -> {remedy}")).unwrap_or_default();
    format!("  {sign}  {}{remedy}", finding.text)
}

const SETTLE_LIMIT: Duration = Duration::from_secs(10);
