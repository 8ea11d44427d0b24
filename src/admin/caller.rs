//! Who may change things: whoever has the token, and over the Unix socket the user that the process runs as, or root.

use super::changes::refuse;
use super::token::Token;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;
use nix::unistd::geteuid;
use std::fmt;
use std::sync::Arc;
use tokio::net::UnixListener;

/// Who is at the other end of the Unix socket, by user id; unknown where the kernel does not say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(Option<u32>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok().map(|who| who.uid()))
    }
}

/// Who asks for a change, and may.
#[derive(Debug, Clone, Copy)]
pub(super) enum Caller {
    /// A user of this machine, over the socket.
    User(u32),
    /// Whoever has the token.
    Token,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(uid) => write!(f, "user id {uid}"),
            Self::Token => f.write_str("a holder of the admin token"),
        }
    }
}

/// Lets those through who may, with their [`Caller`].
pub(super) async fn may_change(State(token): State<Arc<Token>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| *peer);
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let caller = match (peer, bearer) {
        (_, Some(bearer)) if token.is(bearer.trim()) => Ok(Caller::Token),
        (_, Some(_)) => Err("this is not the admin token"),
        (Some(Peer(Some(uid))), None) if uid == 0 || uid == geteuid().as_raw() => Ok(Caller::User(uid)),
        (Some(_), None) => Err("the bridge runs as another user"),
        (None, None) => Err("a change needs the admin token: Authorization: Bearer TOKEN"),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(reason) => {
            let place = token.path().display();
            refuse(StatusCode::UNAUTHORIZED, format!("{reason}; the token is in {place} on the bridge's machine"))
        }
    }
}

/// The user that this process runs as, in the words in which a caller is named.
#[must_use]
pub fn user() -> String {
    Caller::User(geteuid().as_raw()).to_string()
}
