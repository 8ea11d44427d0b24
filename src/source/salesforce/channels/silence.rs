//! Looking for channels that were subscribed and will stay silent, because the org has nothing of their name. It goes on
//! beside the stream, and nothing that fails here is the stream's matter.

use super::inventory::{Inventory, LIFE};
use crate::feed::Status;
use salesforce::{Channel, Org};
use std::sync::Arc;
use tokio::task::JoinSet;

/// A look-out for the channels of one session. It ends when it is dropped.
pub(crate) struct LookOut {
    _task: JoinSet<()>,
}

impl LookOut {
    /// Looks once for all of these channels, which are subscribed now, and once an hour for those that were missing.
    pub(crate) fn begin(org: Org, inventory: Inventory, status: Arc<Status>, channels: Vec<Channel>) -> Self {
        let mut task = JoinSet::new();
        task.spawn(look(org, inventory, status, channels));
        Self { _task: task }
    }
}

async fn look(org: Org, inventory: Inventory, status: Arc<Status>, mut channels: Vec<Channel>) {
    channels.iter().for_each(|channel| inventory.subscribed(channel));
    loop {
        let mut lacking = Vec::new();
        for channel in channels {
            match inventory.has(&org, &channel).await {
                Some(true) => status.channel_found(channel.without_filter()),
                Some(false) => {
                    status.channel_silent(channel.without_filter(), &words(&channel), REMEDY);
                    lacking.push(channel);
                }
                None => {}
            }
        }
        channels = lacking;
        if channels.is_empty() {
            return;
        }
        tokio::time::sleep(LIFE).await;
    }
}

/// What is said of a channel that the org has not.
pub(crate) fn words(channel: &Channel) -> String {
    format!("channel {channel} can be subscribed, but is not among what the org has: it stays silent")
}

/// What a person can do about it.
pub(crate) const REMEDY: &str = "check the spelling (case counts), that the object is selected for Change Data Capture or the event or \
     channel exists, and the user's rights on it";
