//! Ways in, one file each. A new one is a file, a variant of [`config::From`] and an arm here.

pub(crate) mod bayeux;
mod kafka;
pub(crate) mod salesforce;

use crate::config::{self, From};
use crate::feed::{Source, Status};
use crate::shared::Shared;
use std::sync::Arc;

/// The source of a feed.
#[must_use]
pub(crate) fn build(feed: &config::Feed, shared: &Shared, status: &Arc<Status>) -> Option<Box<dyn Source>> {
    Some(match &feed.from {
        From::Salesforce(from) => {
            let org = shared.orgs.get(&from.org)?.clone();
            Box::new(salesforce::Salesforce::new(&feed.name, from, org, shared, status.clone()))
        }
        From::Bayeux(from) => Box::new(bayeux::Bayeux::new(&feed.name, from, shared, status.clone())),
        From::Kafka(from) => {
            let cluster = shared.clusters.get(&from.cluster)?.clone();
            Box::new(kafka::Kafka::new(&feed.name, from, cluster, shared.budget.clone(), status.clone()))
        }
    })
}
