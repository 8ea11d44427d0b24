//! The examples in `config/`: each is a file that loads, and what they say of defaults is so.

use crossfeed::config::Config;
use std::path::PathBuf;
use std::process::Command;

fn folder() -> PathBuf {
    let running = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    running.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR"))).join("config")
}

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let examples: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    assert!(examples.len() >= 3, "{examples:?}");
    examples
}

#[test]
fn every_example_passes_the_check() {
    for path in examples() {
        let text = std::fs::read_to_string(&path).unwrap();
        let names = text.lines().find_map(|line| line.strip_prefix("# env: ")).unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossfeed"));
        command
            .args(["check", "--offline", "-c"])
            .arg(&path)
            .env_clear()
            .envs(names.split_whitespace().map(|name| (name, "x")));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_defaults_that_both_ways_writes_out_are_the_defaults() {
    let written = std::fs::read_to_string(folder().join("both-ways.toml")).unwrap();
    // The test's own environment has no secrets: PATH stands for each.
    let names = written.lines().find_map(|line| line.strip_prefix("# env: ")).unwrap_or_default().to_owned();
    let mut written = written;
    for name in names.split_whitespace() {
        written = written.replace(&format!("env = \"{name}\""), "env = \"PATH\"");
    }
    let keys = ["positions", "admin", "memory", "reply_limit", "shutdown_timeout", "api_version"];
    let is_default = |line: &str| keys.iter().any(|key| line.starts_with(&format!("{key} =")));
    for key in keys {
        assert!(written.lines().any(|line| line.starts_with(&format!("{key} ="))), "{key} is not written out");
    }
    let without: String = written.lines().filter(|line| !is_default(line)).map(|line| format!("{line}\n")).collect();
    let (written, without) = (Config::parse(&written).unwrap(), Config::parse(&without).unwrap());
    let said = |config: &Config| {
        let versions: Vec<_> = config.orgs.values().map(|org| org.api_version.clone()).collect();
        let Config { positions, admin, memory, reply_limit, shutdown_timeout, .. } = config;
        (positions.clone(), *admin, *memory, *reply_limit, *shutdown_timeout, versions)
    };
    assert_eq!(said(&written), said(&without));
}
