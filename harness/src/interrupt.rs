//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or Ctrl-C. A program that was told so drops what it does, and with it every process, and ends with
/// [`INTERRUPTED`].
pub async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The exit code then: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;
