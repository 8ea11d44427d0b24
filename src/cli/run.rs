//! `crossfeed run`: all feeds, until told to stop.

use super::{FAILED, complain, load, runtime};
use crate::admin;
use crate::config::Config;
use crate::decide;
use crate::feed;
use crate::process::Supervisor;
use crate::shared::{Shared, log_out};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs every feed of the file; 0 after a shut-down that was asked for.
#[must_use]
pub fn run(named: Option<&Path>, retry_login: bool) -> ExitCode {
    let (path, config) = match load(named) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = %path.display(), feeds = config.feeds.len(), "starting");
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let ended = runtime.block_on(run_until_told(path, config, retry_login));
    // A call of librdkafka's that still waits for a broker is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&decide::chain(&*error));
            // Threads of librdkafka's may be at work still. The usual exit would take from under them what they use.
            signal_hook::low_level::exit(FAILED.into())
        }
    }
}

async fn run_until_told(path: PathBuf, config: Config, retry_login: bool) -> Result<(), Box<dyn std::error::Error>> {
    let mut signals = Signals::new()?;
    let shared = Shared::open(&config, retry_login)?;
    let listener = TcpListener::bind(config.admin).await.map_err(|error| {
        format!(
            "cannot serve metrics and health on {}: {error}; choose another address: admin = \"127.0.0.1:0\"",
            config.admin
        )
    })?;
    let (metrics, budget) = (shared.metrics.clone(), shared.budget.clone());
    let (positions, timeout) = (config.positions.clone(), config.shutdown_timeout);
    let shutdown = CancellationToken::new();
    let (supervisor, control) = Supervisor::new(path, config, shared, shutdown.clone())?;
    let view = admin::View { metrics, budget, control: control.clone() };
    // The store is locked: whatever is in its folder is ours.
    let admin = admin::Admin::start(listener, &positions, view)?;
    let at_once = CancellationToken::new();
    let mut running = tokio::spawn(supervisor.run(at_once.clone()));
    let feeds = control.clone();
    let watch = tokio::spawn(feed::watch(move || feeds.roster().statuses.clone()));
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break,
                Asked::Reload => {
                    let control = control.clone();
                    // What became of it is in the log.
                    tokio::spawn(async move { control.reload().await.map(drop) });
                }
            },
            ended = &mut running => return Err(format!("the supervisor ended: {:?}", ended.err()).into()),
        }
    }
    tracing::info!(limit = %humantime::format_duration(timeout), "shutting down: waiting for what is on its way");
    shutdown.cancel();
    let shared = tokio::select! {
        shared = &mut running => shared?,
        () = signals.stop() => {
            tracing::warn!("told twice: stopping at once; what was on its way will come again");
            at_once.cancel();
            // Not without them: RocksDB must be closed before the process exits.
            match tokio::time::timeout(AT_ONCE, &mut running).await {
                Ok(shared) => settle(&shared?).await,
                Err(_) => tracing::warn!("a feed did not end"),
            }
            return Err("stopped at once".into());
        }
    };
    log_out(shared.orgs.iter().map(|(name, org)| (name.as_str(), org))).await;
    watch.abort();
    drop(admin);
    tracing::info!("done");
    Ok(())
}

async fn settle(shared: &Shared) {
    let all = shared.orgs.values().map(|org| org.gate.settle());
    if tokio::time::timeout(SETTLE_LIMIT, futures_util::future::join_all(all)).await.is_err() {
        tracing::warn!("a login was not waited for: a refresh token that was just replaced is lost");
    }
}

/// What the outside asks of the process.
enum Asked {
    Stop,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    on_a_terminal: bool,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            on_a_terminal: std::io::stderr().is_terminal(),
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            () = told_to_stop(&mut self.terminate, &mut self.interrupt) => Asked::Stop,
            // A terminal that was closed says so with the same signal, and is none any more.
            _ = self.hangup.recv() => match self.on_a_terminal && !std::io::stderr().is_terminal() {
                true => Asked::Stop,
                false => Asked::Reload,
            },
        }
    }

    async fn stop(&mut self) {
        told_to_stop(&mut self.terminate, &mut self.interrupt).await;
    }
}

async fn told_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// How long feeds may take to end at once.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long a login that is on its way is waited for then.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
