//! What an exchange that failed below HTTP means.

use std::{error::Error as StdError, sync::Arc};

use super::certificate::{causes, explain};
use crate::Error;

/// Why a proxy does not lead to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyProblem {
    /// It answers nobody, or not this machine.
    Unreachable,
    /// It asks for a user and a password, or for others (status 407).
    Credentials,
    /// It opens no tunnel to the host.
    NoTunnel,
}

impl ProxyProblem {
    /// One line about the way to `host`.
    pub(crate) fn words(self, host: &str) -> String {
        match self {
            Self::Unreachable => "cannot connect to the proxy".to_owned(),
            Self::Credentials => "the proxy asks for a user and a password that it knows".to_owned(),
            Self::NoTunnel => format!("the proxy does not connect to {host}"),
        }
    }

    /// What to check.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unreachable => "check the address of the proxy (`network.proxy`, or the variable HTTPS_PROXY)",
            Self::Credentials => {
                "check the user and the password of the proxy (`network.proxy`, or the variable HTTPS_PROXY)"
            }
            Self::NoTunnel => "check the host name and its port, and that the proxy allows them",
        }
    }
}

impl Error {
    /// What it means that the exchange with `host` failed with `source`, which should not name more of the address.
    #[must_use]
    pub fn of_network(host: &str, source: Arc<reqwest::Error>) -> Self {
        let proxy = tunnel(&*source);
        if let Some(problem) = explain(&*source) {
            let of_proxy = proxy == Some(ProxyProblem::Unreachable);
            let host = if of_proxy { "the proxy" } else { host }.to_owned();
            return Self::Certificate { host, problem, source };
        }
        if let Some(problem) = proxy {
            return Self::Proxy { host: host.to_owned(), problem, source: Some(source) };
        }
        Self::Transport { sent: !source.is_connect() && !source.is_builder(), source }
    }
}

/// What a tunnel failed at, if it did. hyper-util keeps the type of that error to itself, so that its words must do.
fn tunnel(error: &(dyn StdError + 'static)) -> Option<ProxyProblem> {
    let words = causes(error).map(ToString::to_string).find(|words| words.starts_with("tunnel error: "))?;
    Some(match words.as_str() {
        "tunnel error: failed to create underlying connection" => ProxyProblem::Unreachable,
        "tunnel error: proxy authorization required" => ProxyProblem::Credentials,
        _ => ProxyProblem::NoTunnel,
    })
}
