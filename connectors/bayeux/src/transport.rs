//! How a server is reached: the address, the HTTP client, and which of Bayeux's transports is spoken.

use crate::room::Room;
use http::HeaderMap;
use std::sync::Arc;

/// How to reach a server.
pub struct Transport {
    /// The Bayeux URL (`http` or `https`), without the message type that long polling appends to it.
    pub url: reqwest::Url,
    /// Sent with each request, and with a WebSocket's upgrade; mark secrets as sensitive.
    pub headers: HeaderMap,
    /// TLS, proxies and whatever else the caller decides. Cookies, redirects and HTTP's version are decided here.
    pub client: reqwest::ClientBuilder,
    /// The largest reply, or WebSocket message, in bytes.
    pub reply_limit: usize,
    /// Where replies are charged to.
    pub room: Option<Arc<dyn Room>>,
}

/// Which of Bayeux's transports a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// One HTTP request for each exchange.
    LongPolling,
    /// One socket for all of them; events come at any time.
    WebSocket,
}

impl TransportKind {
    /// Its name in Bayeux (`connectionType`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LongPolling => "long-polling",
            Self::WebSocket => "websocket",
        }
    }
}

impl Transport {
    /// The HTTP client, as both transports need it: a cookie jar of its own, no redirects, HTTP/1.1.
    pub(crate) fn http(client: reqwest::ClientBuilder) -> Result<reqwest::Client, reqwest::Error> {
        client
            .cookie_store(true)
            .http1_only()
            .gzip(true)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
    }
}
