//! A CometD server: whether it is there, speaks as the file says, and lets a feed's channels be read.

use super::Section;
use super::channels::{Heard, NoRoom, converse};
use crate::config::{BayeuxSource, Transport};
use crate::decide;
use crate::feed::Stop;
use crate::source::bayeux::client;
use crate::source::salesforce::offers_replay;
use crate::source::salesforce::reaction::Ended;
use bayeux::{Cause, Failure, Subscription, TransportKind};
use salesforce::{Replay, replay_extension};
use std::sync::Arc;

/// One session that subscribes the feed's channels from what comes next, reads nothing, and says goodbye; a second one where
/// the first finds no WebSocket and long polling will do.
pub(super) async fn check(feed: &str, from: &BayeuxSource, reply_limit: usize) -> Section {
    let host = from.url.host_str().unwrap_or_default();
    let mut section = Section::new(format!("server {host} (feed {feed})"));
    let first = match from.transport {
        Transport::WebSocket => TransportKind::WebSocket,
        Transport::Auto if !from.replay => TransportKind::WebSocket,
        Transport::Auto | Transport::LongPolling => TransportKind::LongPolling,
    };
    let mut kind = first;
    let mut heard = ask(from, kind, reply_limit).await;
    if let Ok(Heard { ended: Some(failure), .. }) = &heard
        && from.transport == Transport::Auto
        && kind == TransportKind::WebSocket
        && matches!(failure.cause, Cause::NoUpgrade { .. } | Cause::NoTransport(_))
    {
        section.note(format!("{}: long polling is used", failure.cause), None::<String>);
        kind = TransportKind::LongPolling;
        heard = ask(from, kind, reply_limit).await;
    }
    match heard {
        Ok(heard) => told(&mut section, from, kind, &heard),
        Err(stop) => section.bad(format!("no session: {stop}"), stop.remedy),
    }
    section
}

async fn ask(from: &BayeuxSource, kind: TransportKind, reply_limit: usize) -> Result<Heard, Stop> {
    let subscriptions = from.channels.iter().map(|channel| {
        let ext = if from.replay { Some(replay_extension(&[(channel, Replay::Tip)])) } else { None };
        let ext = ext.transpose().map_err(|error| decide::salesforce(&error))?;
        Ok(Subscription { channel: channel.clone(), ext })
    });
    let subscriptions = subscriptions.collect::<Result<_, Stop>>()?;
    let client = client(from, kind, subscriptions, reply_limit, Arc::new(NoRoom))?;
    Ok(converse(client, from.channels.len()).await)
}

fn told(section: &mut Section, from: &BayeuxSource, kind: TransportKind, heard: &Heard) {
    if let Some((ext, ack)) = &heard.handshake {
        section.good(format!("it answers over {}", kind.name()));
        if from.replay && !offers_replay(ext.as_deref()) {
            return section.bad("it has no replay extension", Some("write replay = false: it keeps no events"));
        }
        if from.ack && !ack {
            let text = "it does not acknowledge";
            if from.replay {
                section.note(format!("{text}: a lost reply costs a new session, and no event"), None::<String>);
            } else {
                section.note(
                    format!("{text}: the events of a reply that is lost are lost, and told as a gap"),
                    Some("install its acknowledgement extension (AcknowledgedMessagesExtension in CometD)"),
                );
            }
        }
    }
    for channel in &from.channels {
        let about = format!("channel {channel}");
        match heard.channels.get(channel) {
            Some(None) => section.good(format!("{about} can be read")),
            Some(Some(refusal)) => {
                let stop = Ended::of_refusal_elsewhere(refusal).stop();
                section.bad(format!("{about} is refused: {stop}"), stop.remedy);
            }
            None if heard.ended.is_none() => section.bad(format!("{about} was not answered"), Some(AGAIN)),
            None => {}
        }
    }
    if let Some(failure) = &heard.ended {
        let (stop, remedy) = ended(failure);
        section.bad(format!("no session: {stop}"), Some(remedy));
    }
}

fn ended(failure: &Failure) -> (Stop, String) {
    let stop = Ended::elsewhere(failure).stop();
    let remedy = stop.remedy.clone().unwrap_or_else(|| UNREACHABLE.to_owned());
    (stop, remedy)
}

const AGAIN: &str = "try again; if it repeats, look at the server's log";
const UNREACHABLE: &str =
    "check `url` with its path (CometD's is often /cometd), the network to it, and that the server runs";
