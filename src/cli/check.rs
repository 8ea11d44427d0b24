//! `crossfeed check`: the file, and everything that it names.

use super::{FAILED, complain, load, say};
use crate::check::{Finding, Grade, Section};
use clap::Args;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

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
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(FAILED);
        }
    };
    if !arguments.json {
        say(&summary);
    }
    if std::io::stderr().is_terminal() {
        complain("asking orgs and clusters; one that does not answer takes some seconds");
    }
    let looked = runtime.block_on(async {
        tokio::select! {
            sections = crate::check::check(&config, arguments.retry_login) => Some(sections),
            _ = tokio::signal::ctrl_c() => None,
        }
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
