//! The process: everything that feeds share, and the feeds themselves.

use crate::config::Config;
use crate::feed::{self, Budget, Feed, Status};
use crate::metrics::Metrics;
use crate::position::Store;
use crate::{sink, source};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

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

/// An org's gate, and the API version that is spoken with it.
#[derive(Clone)]
pub struct Org {
    /// The gate.
    pub gate: salesforce::Org,
    /// `NN.0`.
    pub api_version: String,
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
    /// Opens what the feeds share. Nothing connects yet.
    ///
    /// # Errors
    /// The position store is in use or cannot be used, or an org's settings cannot work.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let mut orgs = BTreeMap::new();
        for (name, org) in &config.orgs {
            let options = salesforce::Options {
                api_version: org.api_version.clone(),
                client: Some("crossfeed".to_owned()),
                ..salesforce::Options::default()
            };
            let gate = salesforce::Org::new(org.login.clone(), options)
                .map_err(|source| Error::Org { name: name.clone(), source })?;
            orgs.insert(name.clone(), Org { gate, api_version: org.api_version.clone() });
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

/// Starts every feed. One feed's end is never another's.
#[must_use]
pub fn start(config: &Config, shared: &Shared, shutdown: &CancellationToken) -> JoinSet<()> {
    let mut feeds = JoinSet::new();
    for (written, status) in config.feeds.iter().zip(&shared.statuses) {
        let (source, sink) = (source::build(written, shared, status), sink::build(written, shared, status));
        // Names were checked when the file was read.
        let (Some(source), Some(sink)) = (source, sink) else { continue };
        let feed = Feed { source, sink, status: status.clone(), shutdown_timeout: config.shutdown_timeout };
        feeds.spawn(feed::run(feed, shutdown.clone()));
    }
    feeds
}
