//! What the feeds of a process share: the gate of each org, the clusters, the position store, the byte budget.

use crate::config::{self, Config};
use crate::feed::{Budget, Status};
use crate::metrics::Metrics;
use crate::position::Store;
use crate::source::salesforce::channels::inventory::Inventory;
use crate::source::salesforce::handshakes::Handshakes;
use bayeux::{Room, Subscription, Transport};
use http::{HeaderMap, header};
use salesforce::Token;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the feeds of a process share.
pub struct Shared {
    /// The gate of each org: one token, one login at a time.
    pub orgs: BTreeMap<String, Org>,
    /// The clusters.
    pub clusters: BTreeMap<String, kafka::Cluster>,
    /// The positions.
    pub store: Arc<Store>,
    /// The byte budget.
    pub budget: Budget,
    /// Its limit in bytes.
    pub memory: usize,
    /// The largest reply in bytes.
    pub reply_limit: usize,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Each feed's state, in the order of names.
    pub statuses: Vec<Arc<Status>>,
}

/// An org's gate, the API version that is spoken with it, and how it is reached.
#[derive(Clone)]
pub struct Org {
    /// The gate.
    pub gate: salesforce::Org,
    /// `NN.0`.
    pub api_version: String,
    /// The network.
    pub wire: salesforce::Wire,
    /// Permits for the handshakes of its sessions.
    pub(crate) handshakes: Handshakes,
    /// What it has of that which channels are made of.
    pub(crate) inventory: Inventory,
}

impl Org {
    /// An org of the file. Nothing connects yet. `retry_login`: try once more a login that is remembered as failed.
    ///
    /// # Errors
    /// Its settings cannot work.
    pub fn new(name: &str, org: &config::Org, config: &Config, retry_login: bool) -> Result<Self, Error> {
        if let Some(warning) = org.login.warning() {
            tracing::warn!(org = name, "{warning}");
        }
        let options = salesforce::Options {
            api_version: org.api_version.clone(),
            client: Some("crossfeed".to_owned()),
            verdict: Some(config.logins().join(format!("{name}.failed"))),
            retry_login,
            wire: org.network.clone(),
            login_wire: org.login_network.clone(),
            exclusive: org.exclusive,
            api_reserve: org.api_reserve,
            ..salesforce::Options::default()
        };
        let wire = options.wire.clone();
        let gate = salesforce::Org::new(org.login.clone(), options)
            .map_err(|source| Error::Org { name: name.to_owned(), source })?;
        let (handshakes, inventory) = (Handshakes::default(), Inventory::default());
        Ok(Self { gate, api_version: org.api_version.clone(), wire, handshakes, inventory })
    }

    /// What a streaming session of an org's begins with: the replay extension, and what is subscribed.
    pub(crate) fn session(subscriptions: Vec<Subscription>) -> bayeux::Config {
        let handshake_ext = RawValue::from_string(r#"{"replay":true}"#.to_owned()).ok();
        bayeux::Config { handshake_ext, subscriptions, ..bayeux::Config::default() }
    }

    /// How the org's streaming session is reached with a token.
    ///
    /// # Errors
    /// The network is configured in a way that cannot work.
    pub(crate) fn transport(
        &self,
        token: &Token,
        reply_limit: usize,
        room: Option<Arc<dyn Room>>,
    ) -> Result<Transport, salesforce::Error> {
        let mut url = token.instance_url.clone();
        url.set_path(&format!("/cometd/{}", self.api_version));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.authorization());
        let client = self.wire.client()?.user_agent(concat!("crossfeed/", env!("CARGO_PKG_VERSION")));
        Ok(Transport { url, headers, client, reply_limit, room })
    }
}

/// Why a process cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The position store.
    #[error(transparent)]
    Store(#[from] crate::position::Error),
    /// An org's settings.
    #[error("[org.{name}] cannot work")]
    Org {
        /// The org's name.
        name: String,
        /// What is wrong with them.
        source: salesforce::Error,
    },
    /// The metrics.
    #[error("the metrics cannot be set up")]
    Metrics(#[from] prometheus::Error),
}

impl Shared {
    /// Opens what the feeds share. Nothing connects yet. `retry_login`: try once more logins that are remembered as
    /// failed.
    ///
    /// # Errors
    /// The position store is in use or cannot be used, or an org's settings cannot work.
    pub fn open(config: &Config, retry_login: bool) -> Result<Self, Error> {
        let mut orgs = BTreeMap::new();
        for (name, org) in &config.orgs {
            orgs.insert(name.clone(), Org::new(name, org, config, retry_login)?);
        }
        let metrics = Arc::new(Metrics::new()?);
        let statuses =
            config.feeds.iter().map(|feed| Arc::new(Status::new(&feed.name, metrics.feed(&feed.name)))).collect();
        Ok(Self {
            orgs,
            clusters: config.clusters.iter().map(|(name, cluster)| (name.clone(), cluster.kafka.clone())).collect(),
            store: Arc::new(Store::open(&config.positions)?),
            budget: Budget::new(config.memory),
            memory: config.memory,
            reply_limit: config.reply_limit,
            metrics,
            statuses,
        })
    }
}
