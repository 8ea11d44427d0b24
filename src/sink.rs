//! Ways out, one file each. A new one is a file, a variant of [`config::To`] and an arm here.

mod kafka;
mod platform_event;

use crate::config::{self, To};
use crate::feed::{Sink, Status};
use crate::shared::Shared;
use std::sync::Arc;

/// The sink of a feed.
#[must_use]
pub(crate) fn build(feed: &config::Feed, shared: &Shared, status: &Arc<Status>) -> Option<Box<dyn Sink>> {
    Some(match &feed.to {
        To::Kafka(to) => {
            let cluster = shared.clusters.get(&to.cluster)?.clone();
            Box::new(kafka::Kafka::new(feed, to, cluster, shared, status.clone()))
        }
        To::PlatformEvent(to) => {
            let org = shared.orgs.get(&to.org)?.clone();
            Box::new(platform_event::PlatformEvent::new(to, org.gate, status.clone()))
        }
    })
}
