//! Sockets that a reply can doom: kept without an answer, or reset as by a proxy or a server that died.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use tls_listener::rustls::TlsAcceptor;
use tls_listener::{AsyncAccept, AsyncListener, TlsListener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::fault::Doom;

/// Accepts sockets.
#[derive(Debug)]
pub(crate) struct Sockets(TcpListener);

/// A connection, whose end is in the hands of its [`Wire`].
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    wire: Wire,
}

/// How a connection is to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<AtomicU8>);

impl Sockets {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

/// Does to a request's connection what its reply says.
pub(crate) async fn meet_doom(
    State(closing): State<CancellationToken>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    match response.extensions().get::<Doom>() {
        None => return response,
        Some(Doom::Stall) => {
            closing.cancelled().await;
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Some(Doom::Reset) => wire.0.store(DEAD, Ordering::Relaxed),
        Some(Doom::ResetAtEnd) => wire.0.store(DOOMED, Ordering::Relaxed),
    }
    response
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        // Each reply is one write, and a client waits for it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off Nagle's algorithm");
        }
        Self { stream, wire: Wire::default() }
    }

    /// The stream, unless nothing may be sent through it any more.
    fn alive(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.wire.0.load(Ordering::Relaxed) == DEAD {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Without lingering, what closes a socket is a reset.
        if self.wire.0.load(Ordering::Relaxed) != LIVE
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::warn!(%error, "a connection cannot be reset");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, out)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.alive()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive()?.poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.wire.0.load(Ordering::Relaxed) == LIVE {
            return Pin::new(&mut self.stream).poll_shutdown(context);
        }
        // An orderly end first would be no reset.
        Poll::Ready(Ok(()))
    }
}

impl Listener for Sockets {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Socket::new(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncAccept for Sockets {
    type Connection = Socket;
    type Address = SocketAddr;
    type Error = io::Error;

    fn poll_accept(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(Self::Connection, Self::Address), Self::Error>> {
        self.0.poll_accept(context).map_ok(|(stream, address)| (Socket::new(stream), address))
    }
}

impl AsyncListener for Sockets {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Sockets>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Sockets>) -> Self {
        stream.io().wire.clone()
    }
}

impl Connected<IncomingStream<'_, TlsListener<Sockets, TlsAcceptor>>> for Wire {
    fn connect_info(stream: IncomingStream<'_, TlsListener<Sockets, TlsAcceptor>>) -> Self {
        stream.io().get_ref().0.wire.clone()
    }
}

const LIVE: u8 = 0;
/// What is sent still goes out, and then the connection is reset.
const DOOMED: u8 = 1;
const DEAD: u8 = 2;
