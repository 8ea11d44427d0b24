//! What a changed file changes.

use crate::config::{Cluster, Config, Feed, From, Org, To};
use serde::Serialize;

/// What became of the feeds when the file was read again, by their names.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// They are new.
    pub added: Vec<String>,
    /// They, or the org or the cluster that they name, mean something else now.
    pub changed: Vec<String>,
    /// They are no more; their positions are kept.
    pub removed: Vec<String>,
    /// They did not notice.
    pub unchanged: Vec<String>,
}

/// What is different between two files, feed by feed.
///
/// # Errors
/// The settings that differ and belong to the process as a whole.
pub(super) fn compare(old: &Config, new: &Config) -> Result<Changes, Vec<&'static str>> {
    let fixed = fixed(old, new);
    if !fixed.is_empty() {
        return Err(fixed);
    }
    let mut changes = Changes::default();
    for feed in &new.feeds {
        let before = old.feeds.iter().find(|before| before.name == feed.name);
        let kind = match before {
            None => &mut changes.added,
            Some(before) if meaning(old, before) == meaning(new, feed) => &mut changes.unchanged,
            Some(_) => &mut changes.changed,
        };
        kind.push(feed.name.clone());
    }
    let gone = old.feeds.iter().filter(|before| new.feeds.iter().all(|feed| feed.name != before.name));
    changes.removed = gone.map(|feed| feed.name.clone()).collect();
    Ok(changes)
}

/// The orgs of `new` that need a gate of their own: new ones, and those that mean something else than in `old`.
pub(super) fn orgs_to_make<'n>(old: &Config, new: &'n Config) -> Vec<(&'n str, &'n Org)> {
    let orgs = new.orgs.iter().map(|(name, org)| (name.as_str(), org));
    orgs.filter(|(name, org)| old.orgs.get(*name) != Some(*org)).collect()
}

/// The orgs of `old` whose gate is not used by `new` any more.
pub(super) fn orgs_to_leave(old: &Config, new: &Config) -> Vec<String> {
    let gone = old.orgs.iter().filter(|(name, org)| new.orgs.get(*name) != Some(*org));
    gone.map(|(name, _)| name.clone()).collect()
}

/// The feed's own table, and what it refers to by name.
type Meaning<'c> = (&'c Feed, [Option<&'c Org>; 2], [Option<&'c Cluster>; 2]);

fn meaning<'c>(config: &'c Config, feed: &'c Feed) -> Meaning<'c> {
    let (from_org, from_cluster) = match &feed.from {
        From::Salesforce(from) => (config.orgs.get(&from.org), None),
        From::Bayeux(_) => (None, None),
        From::Kafka(from) => (None, config.clusters.get(&from.cluster)),
    };
    let (to_org, to_cluster) = match &feed.to {
        To::Kafka(to) => (None, config.clusters.get(&to.cluster)),
        To::PlatformEvent(to) => (config.orgs.get(&to.org), None),
    };
    (feed, [from_org, to_org], [from_cluster, to_cluster])
}

/// Settings of the process that differ. A new one is of no feed's until it is said here whose it is.
fn fixed(old: &Config, new: &Config) -> Vec<&'static str> {
    let Config { orgs: _, clusters: _, feeds: _, positions, admin, memory, reply_limit, shutdown_timeout } = old;
    let differing = [
        ("positions", *positions != new.positions),
        ("admin", *admin != new.admin),
        ("memory", *memory != new.memory),
        ("reply_limit", *reply_limit != new.reply_limit),
        ("shutdown_timeout", *shutdown_timeout != new.shutdown_timeout),
    ];
    differing.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
