//! What `crossfeed check` finds out there: every org, channel, cluster and topic of the file, with nothing written.

mod bayeux;
mod channels;
mod cluster;
mod org;

use crate::config::{Config, From};
use crate::shared::{Error, Org};
use futures_util::future::{join, join_all};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was found about one org, server or cluster.
#[derive(Debug, Serialize)]
pub struct Section {
    /// `org acme`, `server events.example.com (feed x)`, `cluster main`.
    pub about: String,
    /// In the order in which they were looked at.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// How it is.
    pub grade: Grade,
    /// What it is.
    pub text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// It works, and a person should know.
    Note,
    /// It will not work.
    Bad,
}

/// The orgs of the file. Nothing connects yet. `retry_login`: try once more logins that are remembered as failed.
///
/// # Errors
/// The settings of one cannot work.
pub fn orgs(config: &Config, retry_login: bool) -> Result<BTreeMap<&str, Org>, Error> {
    let orgs = config.orgs.iter();
    orgs.map(|(name, org)| Ok((name.as_str(), Org::new(name, org, config, retry_login)?))).collect()
}

/// Looks at everything, side by side.
pub async fn check(config: &Config, orgs: &BTreeMap<&str, Org>) -> Vec<Section> {
    let names = orgs.keys();
    let orgs = orgs.iter().map(|(name, org)| async move {
        let seen = tokio::time::timeout(ORG_LIMIT, org::check(name, org, config)).await;
        seen.unwrap_or_else(|_| org::Seen::unanswered(name))
    });
    let servers = config.feeds.iter().filter_map(|feed| match &feed.from {
        From::Bayeux(from) => Some(bayeux::check(&feed.name, from, config.reply_limit)),
        From::Salesforce(_) | From::Kafka(_) => None,
    });
    let (orgs, servers) = join(join_all(orgs), join_all(servers)).await;
    let ids = names.zip(&orgs).filter_map(|(name, seen)| Some((*name, seen.id.clone()?)));
    let ids: BTreeMap<&str, String> = ids.collect();
    let clusters = config.clusters.iter().map(|(name, cluster)| cluster::check(name, cluster, config, &ids));
    let clusters = join_all(clusters).await;
    orgs.into_iter().map(|seen| seen.section).chain(servers).chain(clusters).collect()
}

/// What a person waits for at most; one call alone may take as long.
const ORG_LIMIT: Duration = Duration::from_secs(120);

impl Section {
    fn new(about: String) -> Self {
        Self { about, findings: Vec::new() }
    }

    fn good(&mut self, text: impl Into<String>) {
        self.add(Grade::Good, text, None::<String>);
    }

    fn note(&mut self, text: impl Into<String>, remedy: Option<impl Into<String>>) {
        self.add(Grade::Note, text, remedy);
    }

    fn bad(&mut self, text: impl Into<String>, remedy: Option<impl Into<String>>) {
        self.add(Grade::Bad, text, remedy);
    }

    fn add(&mut self, grade: Grade, text: impl Into<String>, remedy: Option<impl Into<String>>) {
        self.findings.push(Finding { grade, text: text.into(), remedy: remedy.map(Into::into) });
    }
}
