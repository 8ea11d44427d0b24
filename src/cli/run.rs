//! `crossfeed run`: all feeds, until told to stop.

use super::{FAILED, complain, load, runtime};
use crate::config::Config;
use crate::decide;
use crate::feed::Phase;
use crate::process;
use crate::shared::Shared;
use crate::{admin, feed, feed::Status};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
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
    let ended = runtime.block_on(run_until_told(&config, retry_login));
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

async fn run_until_told(config: &Config, retry_login: bool) -> Result<(), Box<dyn std::error::Error>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shared = Shared::open(config, retry_login)?;
    let listener = TcpListener::bind(config.admin).await.map_err(|error| {
        format!(
            "cannot serve metrics and health on {}: {error}; choose another address: admin = \"127.0.0.1:0\"",
            config.admin
        )
    })?;
    tracing::info!(address = %listener.local_addr()?, "serving /metrics, /health and /status");
    let shutdown = CancellationToken::new();
    let view = admin::View {
        metrics: shared.metrics.clone(),
        statuses: shared.statuses.clone(),
        budget: shared.budget.clone(),
        orgs: shared.orgs.iter().map(|(name, org)| (name.clone(), org.gate.clone())).collect(),
    };
    let admin = tokio::spawn(admin::serve(listener, view));
    let mut feeds = process::start(config, &shared, &shutdown);
    let watch = tokio::spawn(feed::watch(shared.statuses.clone()));
    loop {
        tokio::select! {
            () = told_to_stop(&mut terminate, &mut interrupt) => break,
            Some(ended) = feeds.join_next() => report(ended, &shared.statuses),
        }
    }
    tracing::info!(limit = %humantime::format_duration(config.shutdown_timeout), "shutting down: waiting for what is on its way");
    shutdown.cancel();
    tokio::select! {
        () = drained(&mut feeds) => {}
        () = told_to_stop(&mut terminate, &mut interrupt) => {
            tracing::warn!("told twice: stopping at once; what was on its way will come again");
            // Not without them: RocksDB must be closed before the process exits.
            if tokio::time::timeout(AT_ONCE, feeds.shutdown()).await.is_err() {
                tracing::warn!("a feed did not end");
            }
            let all = shared.orgs.values().map(|org| org.gate.settle());
            if tokio::time::timeout(LOG_OUT_LIMIT, futures_util::future::join_all(all)).await.is_err() {
                tracing::warn!("a login was not waited for: a refresh token that was just replaced is lost");
            }
            return Err("stopped at once".into());
        }
    }
    log_out(&shared).await;
    watch.abort();
    admin.abort();
    tracing::info!("done");
    Ok(())
}

/// Waits for logins that are on their way, and ends the tokens that nobody else uses. One that cannot be ended ends by
/// itself.
async fn log_out(shared: &Shared) {
    let all = shared.orgs.iter().map(|(name, org)| async move {
        if tokio::time::timeout(SETTLE_LIMIT, org.gate.settle()).await.is_err() {
            tracing::warn!(org = name, "a login was not waited for: a refresh token that was just replaced is lost");
            return;
        }
        match tokio::time::timeout(LOG_OUT_LIMIT, org.gate.log_out()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(org = name, %error, "the token was not revoked"),
            Err(_) => tracing::warn!(org = name, "the revocation of the token was not answered"),
        }
    });
    futures_util::future::join_all(all).await;
}

/// A feed ends by itself only when a person must act. The process stays: a supervisor that starts it again and again
/// would log in again and again, and lock the user out.
fn report(ended: Result<(), tokio::task::JoinError>, statuses: &[Arc<Status>]) {
    if let Err(error) = ended {
        tracing::error!(%error, "a feed failed in a way that it must not; please report this");
    }
    let running = statuses.iter().filter(|status| !matches!(status.phase(), Phase::Stopped | Phase::Done)).count();
    if running == 0 {
        tracing::error!("no feed is running any more: see the remedies above, then restart");
    }
}

async fn drained(feeds: &mut JoinSet<()>) {
    while let Some(ended) = feeds.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a feed failed in a way that it must not; please report this");
        }
    }
}

async fn told_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// How long a login that is on its way is waited for.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);
/// How long the host may take to revoke a token.
const LOG_OUT_LIMIT: Duration = Duration::from_secs(5);
/// How long feeds may take to end at once.
const AT_ONCE: Duration = Duration::from_secs(2);
