//! The HTTP server: every path of the org, and an orderly end.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use crate::org::Simulator;
use crate::session::Interrupt;
use crate::socket::{self, Sockets, Wire};
use crate::{cometd, control, oauth, rest, soap, tls};

/// Serves the org until `shutdown`, over TLS where the options say so. Held connects are then answered with HTTP 503,
/// other requests are finished within a second, and the listener is closed; the org itself stays as it is.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    simulator: Simulator,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let closing = CancellationToken::new();
    let router = router(&simulator);
    let router = router.layer(middleware::from_fn_with_state(closing.clone(), socket::meet_doom));
    let shut = closing.clone().cancelled_owned();
    let sockets = Sockets::new(listener);
    let server = match &simulator.org().options.tls {
        None => {
            let service = router.into_make_service_with_connect_info::<Wire>();
            axum::serve(sockets, service).with_graceful_shutdown(shut).into_future()
        }
        Some(tls) => {
            let router = router.layer(middleware::map_request(tls::note));
            let service = router.into_make_service_with_connect_info::<Wire>();
            axum::serve(tls.listen(sockets), service).with_graceful_shutdown(shut).into_future()
        }
    };
    let mut server = pin!(server);
    let mut shutdown = pin!(shutdown);
    let org = simulator.org();
    let mut clock = tokio::time::interval(org.tidy_every());
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            ended = &mut server => return ended,
            _ = clock.tick() => org.tidy(),
        }
    }
    closing.cancel();
    let mut clock = tokio::time::interval(Duration::from_millis(5));
    let give_up = tokio::time::sleep(DRAIN);
    let mut give_up = pin!(give_up);
    loop {
        tokio::select! {
            biased;
            ended = &mut server => return ended,
            () = &mut give_up => return Ok(()),
            // Again and again: a connect may have been on its way.
            _ = clock.tick() => for session in org.sessions.all() {
                session.interrupt(Interrupt::Closing);
            },
        }
    }
}

fn router(simulator: &Simulator) -> Router {
    let router = Router::new()
        .route("/", get(async || GREETING))
        .route("/services/oauth2/token", any(oauth::token))
        .route("/services/oauth2/authorize", get(oauth::authorize))
        .route("/services/oauth2/introspect", any(oauth::introspect))
        .route("/services/oauth2/userinfo", get(oauth::userinfo))
        .route("/services/oauth2/revoke", any(oauth::revoke))
        .route("/id/{org}/{user}", get(oauth::userinfo))
        .route("/services/Soap/{*path}", any(soap::call))
        .route("/services/data", get(rest::versions))
        .route("/services/data/", get(rest::versions))
        .route("/services/data/{*path}", any(rest::call))
        .route("/cometd", any(cometd::exchange))
        .route("/cometd/", any(cometd::exchange))
        .route("/cometd/{*path}", any(cometd::exchange))
        .nest("/simulator", control::router())
        .fallback(rest::not_found)
        .layer(DefaultBodyLimit::max(CONTROL_BYTES));
    let router = if simulator.org().options.gzip { router.layer(CompressionLayer::new()) } else { router };
    router.with_state(simulator.clone())
}

const GREETING: &str = "A Salesforce org on localhost: crossfeed-simulator. Its control API is under /simulator/.\n";
const DRAIN: Duration = Duration::from_secs(1);
const CONTROL_BYTES: usize = 16 << 20;
