//! Logs: readable on a terminal, JSON otherwise; on standard error, so that a command's output stays its own.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Sets up logging for the process: from this level on, unless `RUST_LOG` chooses otherwise.
pub fn set_up(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A line that cannot be written, since the terminal was closed, is not worth a panic.
    let builder = tracing_subscriber::fmt().log_internal_errors(false);
    let builder = builder.with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}
