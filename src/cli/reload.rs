//! `crossfeed reload`: a running bridge reads its file again.

use super::admin_client::AdminClient;
use super::pause::failed;
use super::{outline, say};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Has the running bridge read its file again: exit code 2 where something is wrong with the file, and then nothing has
/// changed.
#[must_use]
pub fn reload(named: Option<&Path>) -> ExitCode {
    let outline = match outline(named) {
        Ok((_, outline)) => outline,
        Err(code) => return code,
    };
    match AdminClient::of(&outline).and_then(|bridge| bridge.post("/reload", &json!({}))) {
        Ok(changes) => {
            say(&told(&changes));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

fn told(changes: &Value) -> String {
    let lines = ["added", "changed", "removed", "unchanged"].into_iter().filter_map(|kind| {
        let feeds = changes.get(kind)?.as_array()?;
        let feeds: Vec<&str> = feeds.iter().filter_map(Value::as_str).collect();
        (!feeds.is_empty()).then(|| format!("{kind}: {}", feeds.join(", ")))
    });
    lines.collect::<Vec<_>>().join("\n")
}
