//! From HTTP to WebSocket (RFC 6455, section 4.1), with the caller's own HTTP client: its certificates, proxies, headers
//! and cookies are the socket's.

use crate::failure::Cause;
use crate::long_polling::{excerpt, lost};
use crate::room::Room;
use crate::transport::Transport;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// How a socket is opened.
#[derive(Clone)]
pub(super) struct Upgrade {
    http: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
    pub(super) limit: usize,
    pub(super) room: Option<Arc<dyn Room>>,
}

/// An open socket that counts the bytes that come.
pub(super) type Stream = WebSocketStream<Counted>;

impl Upgrade {
    pub(super) fn new(transport: Transport) -> Result<Self, reqwest::Error> {
        let mut headers = transport.headers;
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        Ok(Self {
            http: Transport::http(transport.client)?,
            url: transport.url,
            headers,
            limit: transport.reply_limit,
            room: transport.room,
        })
    }

    /// Opens a socket. No Bayeux message has left before it is open.
    pub(super) async fn open(&self) -> Result<Stream, Cause> {
        let key = generate_key();
        let request = self.http.get(self.url.clone()).headers(self.headers.clone());
        let response = request.header(header::SEC_WEBSOCKET_KEY, &key).send().await.map_err(|e| lost(false, e))?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Cause::NoUpgrade { status: status.as_u16(), text: beginning(response).await });
        }
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
            let text = "the answer's Sec-WebSocket-Accept does not belong to our key".to_owned();
            return Err(Cause::NoUpgrade { status: status.as_u16(), text });
        }
        let inner = response.upgrade().await.map_err(|error| lost(false, error))?;
        let counted = Counted { inner, read: Arc::default() };
        let limit = Some(self.limit);
        let config =
            WebSocketConfig::default().read_buffer_size(READ_BUFFER).max_message_size(limit).max_frame_size(limit);
        Ok(WebSocketStream::from_raw_socket(counted, Role::Client, Some(config)).await)
    }
}

/// The beginning of a refusal's body; whoever waits for it has a deadline.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while body.len() < MOST_REFUSAL
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    excerpt(&body)
}

/// A stream that tells how many bytes have come: a long message is no silence.
pub(super) struct Counted {
    inner: reqwest::Upgraded,
    read: Arc<AtomicU64>,
}

impl Counted {
    /// How many bytes have come so far.
    pub(super) fn count(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, into);
        let came = into.filled().len().saturating_sub(before);
        self.read.fetch_add(came.try_into().unwrap_or_default(), Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

const MOST_REFUSAL: usize = 4096;
/// Messages are a few hundred bytes in most places, and a process may have many sockets.
const READ_BUFFER: usize = 16 << 10;
