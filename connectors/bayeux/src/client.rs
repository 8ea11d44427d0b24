//! A session over whichever transport was chosen.

use crate::long_polling::LongPolling;
use crate::message::Ask;
use crate::session::{Config, Event};
use crate::transport::{Transport, TransportKind};
use crate::web_socket::WebSocket;
use serde::Deserialize;

/// An open session. Dropping it aborts what is in flight.
pub enum Client<D> {
    /// Over HTTP requests.
    LongPolling(Box<LongPolling<D>>),
    /// Over a socket.
    WebSocket(Box<WebSocket<D>>),
}

impl<D: for<'de> Deserialize<'de>> Client<D> {
    /// A session that has not said anything yet. `kind` decides over `config.transport`.
    ///
    /// # Errors
    /// The HTTP client cannot be built, for instance because no certificates were found.
    pub fn open(transport: Transport, config: Config, kind: TransportKind) -> Result<Self, reqwest::Error> {
        Ok(match kind {
            TransportKind::LongPolling => Self::LongPolling(Box::new(LongPolling::new(transport, config)?)),
            TransportKind::WebSocket => Self::WebSocket(Box::new(WebSocket::new(transport, config)?)),
        })
    }

    /// The next thing that happens. Cancel-safe. After [`Event::Ended`] it never returns.
    pub async fn next(&mut self) -> Event<D> {
        match self {
            Self::LongPolling(client) => client.next().await,
            Self::WebSocket(client) => client.next().await,
        }
    }

    /// Asks for a change of subscriptions, see [`Session::ask`](crate::Session::ask).
    pub fn ask(&mut self, ask: Ask) {
        match self {
            Self::LongPolling(client) => client.ask(ask),
            Self::WebSocket(client) => client.ask(ask),
        }
    }

    /// Lets a refused channel be, see [`Session::forget`](crate::Session::forget).
    pub fn forget(&mut self, channel: &str) {
        match self {
            Self::LongPolling(client) => client.forget(channel),
            Self::WebSocket(client) => client.forget(channel),
        }
    }

    /// Ends the session politely; [`next`](Self::next) goes on until [`Event::Ended`].
    pub fn disconnect(&mut self) {
        match self {
            Self::LongPolling(client) => client.disconnect(),
            Self::WebSocket(client) => client.disconnect(),
        }
    }
}

#[cfg(test)]
mod tests;
