//! `[org.NAME]`: an org, how to log in to it, and how to reach it.

mod login;
mod network;

use super::problem::Reader;
use super::value::Share;
use salesforce::{Login, Wire};
use std::path::Path;
use toml_span::Value;

/// How to reach an org.
#[derive(Clone, PartialEq)]
pub struct Org {
    /// How to log in.
    pub login: Login,
    /// The API's version, `NN.0`.
    pub api_version: String,
    /// How its hosts are reached.
    pub network: Wire,
    /// How the host that gives tokens is reached, where that differs.
    pub login_network: Option<Wire>,
    /// Whether the tokens are used by this process alone, and may be revoked at its end.
    pub exclusive: bool,
    /// The share of the day's API calls that is left to others, from 0 to 1.
    pub api_reserve: f64,
}

impl Org {
    /// How the host that gives tokens is reached.
    #[must_use]
    pub fn network_of_login(&self) -> &Wire {
        self.login_network.as_ref().unwrap_or(&self.network)
    }
}

impl std::fmt::Debug for Org {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Org")
            .field("login", &self.login)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// Reads the table of the org `name`. `logins` is the folder of what logins leave behind.
pub(super) fn read<'t>(reader: &mut Reader<'t>, name: &str, value: &mut Value<'t>, logins: &Path) -> Option<Org> {
    let span = value.span;
    let mut table = reader.table(value)?;
    let api_version = table.optional_s::<String>("api_version");
    if let Some(version) = &api_version
        && !is_version(&version.value)
    {
        reader.problem(version.span, r#"not an API version: write it as "64.0", 37.0 or later"#);
    }
    let api_version = api_version.map_or_else(|| DEFAULT_API_VERSION.to_owned(), |version| version.value);
    let exclusive = table.optional::<bool>("exclusive").unwrap_or(false);
    let api_reserve = table.optional::<Share>("api_reserve").map_or(0.0, |share| share.0);
    let mut network = |key| table.take(key).map(|(_, mut value)| network::read(reader, &mut value));
    let (network, login_network) = (network("network"), network("login_network"));
    let about = login::About { org: name, api_version: &api_version, logins };
    let login = match table.take("login") {
        Some((_, mut value)) => login::read(reader, &mut value, &about),
        None => {
            let flows: Vec<&str> = login::names().collect();
            let message = format!("no login is described: write [org.{name}.login.{}]", flows.join("] or […login."));
            reader.problem(span, message);
            None
        }
    };
    reader.close(table);
    Some(Org {
        login: login?,
        api_version,
        network: network.unwrap_or_else(|| Some(Wire::default()))?,
        login_network: login_network.map_or(Some(None), |network| network.map(Some))?,
        exclusive,
        api_reserve,
    })
}

/// `NN.0`; the Streaming API serves 37.0 and later (Streaming API Developer Guide, "API version").
fn is_version(text: &str) -> bool {
    text.strip_suffix(".0").and_then(|major| major.parse::<u16>().ok()).is_some_and(|major| (37..1000).contains(&major))
}

const DEFAULT_API_VERSION: &str = "64.0";
