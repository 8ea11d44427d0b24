//! An org: whether it lets us in, as whom, what is left of its limits, and what its channels and events are.

use super::{Section, channels};
use crate::config::{Config, From, To};
use crate::decide;
use crate::position::{self, Store};
use crate::shared;
use crate::source::salesforce::channels::inventory::{Held, Part};
use crate::source::salesforce::channels::silence;
use salesforce::{Channel, Limits, Login, ObjectSummary, Org, Subrequest, Token, Verb};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What was found about an org, and its id where a login told it.
pub(super) struct Seen {
    pub(super) section: Section,
    pub(super) id: Option<String>,
}

impl Seen {
    /// It took too long to answer.
    pub(super) fn unanswered(name: &str) -> Self {
        let mut section = Section::new(format!("org {name}"));
        let remedy = "try again; if it repeats, check the network to the org, and status.salesforce.com";
        section.bad("no answer to everything within two minutes", Some(remedy));
        Self { section, id: None }
    }
}

/// A login, `getUserInfo`, a composite of queries, the limits, the list of objects, and a session of three messages: eight
/// calls, and one more where there are custom channels.
pub(super) async fn check(name: &str, org: &shared::Org, config: &Config) -> Seen {
    let mut section = Section::new(format!("org {name}"));
    let login = config.orgs.get(name).map(|org| &org.login);
    if let Some(warning) = login.and_then(Login::warning) {
        section.note(warning, None::<String>);
    }
    let token = match org.gate.token().await {
        Ok(token) => token,
        Err(error) => {
            section.bad(format!("no login: {}", decide::chain(&error)), error.remedy());
            return Seen { section, id: None };
        }
    };
    let id = token.org_id.to_string();
    identity(&mut section, &org.gate, &token, login.map(Login::flow).unwrap_or_default()).await;
    positions(&mut section, name, &id, config).await;
    let names = names(name, config);
    let mut known = organization(&mut section, &org.gate, &id, &names).await;
    limits(&mut section, org).await;
    for part in [Part::Objects, Part::Custom] {
        if part == Part::Custom && !names.parts().contains(&part) {
            continue;
        }
        match Held::ask(&org.gate, part).await {
            Ok(held) => drop(known.insert(part, held)),
            Err(error) => failed(&mut section, &format!("{} cannot be read", part.name()), &error),
        }
    }
    let objects = match known.get(&Part::Objects) {
        Some(Held::Objects(objects)) => Some(objects.as_slice()),
        Some(Held::Names(_)) | None => None,
    };
    for (feed, event) in &names.events {
        published(&mut section, feed, event, objects);
    }
    let refused = channels::subscribe(org, &token, &names.channels, config.reply_limit).await;
    for (feed, channel) in &names.channels {
        subscribed(&mut section, feed, channel, &refused, &known);
    }
    // The token is left to end by itself: Salesforce may have given the same one to the bridge that runs.
    Seen { section, id: Some(id) }
}

/// What of an org the feeds of the file use.
struct Names {
    channels: Vec<(String, Channel)>,
    events: Vec<(String, String)>,
}

impl Names {
    /// What the channels are made of.
    fn parts(&self) -> BTreeSet<Part> {
        self.channels.iter().filter_map(|(_, channel)| Part::of(channel)).collect()
    }
}

fn names(org: &str, config: &Config) -> Names {
    let mut names = Names { channels: Vec::new(), events: Vec::new() };
    for feed in &config.feeds {
        if let From::Salesforce(from) = &feed.from
            && from.org == org
        {
            names.channels.extend(from.channels.iter().map(|channel| (feed.name.clone(), channel.clone())));
        }
        if let To::PlatformEvent(to) = &feed.to
            && to.org == org
        {
            names.events.push((feed.name.clone(), to.event.clone()));
        }
    }
    names
}

async fn identity(section: &mut Section, org: &Org, token: &Token, flow: &str) {
    let instance = &token.instance_url;
    match org.user_session().await {
        Ok(session) => {
            let (user, kind) = (&session.user_name, &session.user_type);
            let left = humantime::format_duration(Duration::from_secs(session.seconds_valid));
            section.good(format!("logged in by {flow} as {user} ({kind}, {}) at {instance}", token.user_id));
            section.good(format!("the session lives {left} without use; the bridge renews it by itself where it can"));
        }
        Err(error) => failed(section, &format!("logged in by {flow} at {instance}, but the user is not told"), &error),
    }
}

/// Positions mean nothing in another org.
async fn positions(section: &mut Section, org: &str, id: &str, config: &Config) {
    let feeds = config.feeds.iter().filter(|feed| matches!(&feed.from, From::Salesforce(from) if from.org == org));
    let feeds: Vec<String> = feeds.map(|feed| feed.name.clone()).collect();
    let path = config.positions.clone();
    let bindings = tokio::task::spawn_blocking(move || {
        let store = Store::open_to_read(&path)?;
        feeds.into_iter().map(|feed| Ok((store.binding(&feed)?, feed))).collect::<Result<Vec<_>, position::Error>>()
    });
    let bindings = match bindings.await {
        Ok(Ok(bindings)) => bindings,
        Ok(Err(position::Error::Missing { .. })) => return,
        Ok(Err(error)) => {
            return section.bad(decide::chain(&error), Some("see `crossfeed positions list`; nothing was changed"));
        }
        Err(error) => return section.bad(error.to_string(), Some("please report this")),
    };
    for (binding, feed) in bindings {
        if let Some(binding) = binding.filter(|binding| binding.org != id) {
            section.bad(
                format!("the positions of feed {feed} belong to org {}, but this is {id}", binding.org),
                Some("log in to that org, name a new feed, or another positions folder"),
            );
        }
    }
}

/// What the org has of that which channels are made of, as far as it told.
type Known = BTreeMap<Part, Held>;

#[derive(serde::Deserialize)]
struct Records<T> {
    records: Vec<T>,
    /// Whether these are all.
    #[serde(default)]
    done: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    name: String,
    is_sandbox: bool,
    organization_type: String,
    instance_name: Option<String>,
}

async fn organization(section: &mut Section, org: &Org, id: &str, names: &Names) -> Known {
    let mut queries = vec![("organization", ORGANIZATION)];
    let parts = names.parts();
    for (reference, part) in QUERIED {
        queries.extend(part.query().filter(|_| parts.contains(&part)).map(|query| (reference, query)));
    }
    let paths: Vec<(&str, String)> = queries.iter().map(|(reference, soql)| (*reference, query_path(soql))).collect();
    let requests: Vec<Subrequest<'_>> =
        paths.iter().map(|(reference, path)| Subrequest { verb: Verb::Get, path, reference, body: None }).collect();
    let mut known = Known::new();
    let replies = match org.composite(&requests, false).await {
        Ok(replies) => replies,
        Err(error) => {
            failed(section, "the organization cannot be read", &error);
            return known;
        }
    };
    for reply in replies {
        if let Some(error) = &reply.error {
            failed(section, &format!("{} cannot be read", reply.reference), error);
            continue;
        }
        match reply.reference.as_str() {
            "organization" => match serde_json::from_str::<Records<Organization>>(reply.body.get()) {
                Ok(Records { records, .. }) => records.iter().for_each(|it| described(section, id, it)),
                Err(_) => section.note(format!("org {id}: its name and kind are not told"), None::<String>),
            },
            reference => {
                let part = QUERIED.iter().find(|(queried, _)| *queried == reference).map(|(_, part)| *part);
                let found = serde_json::from_str::<Records<Box<RawValue>>>(reply.body.get());
                if let (Some(part), Ok(Records { records, done: true })) = (part, found) {
                    known.insert(part, Held::of_records(&records));
                }
            }
        }
    }
    known
}

fn described(section: &mut Section, id: &str, organization: &Organization) {
    let Organization { name, is_sandbox, organization_type, instance_name } = organization;
    let kind = match (is_sandbox, organization_type.contains("Developer")) {
        (true, _) => "sandbox",
        (false, true) => "developer",
        (false, false) => "production",
    };
    let instance = instance_name.as_ref().map(|instance| format!(", instance {instance}")).unwrap_or_default();
    section.good(format!("org {id}, {name}: {kind} ({organization_type}){instance}"));
}

async fn limits(section: &mut Section, org: &shared::Org) {
    let limits = match org.gate.limits().await {
        Ok(limits) => limits,
        Err(error) => return failed(section, "the limits cannot be read", &error),
    };
    section.good(format!("API version {}", org.api_version));
    for (name, what) in LIMITS {
        limit(section, &limits, name, what);
    }
}

fn limit(section: &mut Section, limits: &Limits, name: &str, what: &str) {
    let Some(limit) = limits.get(name).filter(|limit| limit.max > 0) else { return };
    let used = limit.max.saturating_sub(limit.remaining);
    let text = format!("{what}: {used} of {} used ({name})", limit.max);
    if limit.remaining.saturating_mul(10) < limit.max {
        section.note(text, Some("less than a tenth is left: see what else uses it, in Setup, Company Information"));
    } else {
        section.good(text);
    }
}

fn published(section: &mut Section, feed: &str, event: &str, objects: Option<&[ObjectSummary]>) {
    let Some(objects) = objects else { return };
    match objects.iter().find(|object| object.name == event) {
        Some(object) if object.createable => section.good(format!("event {event} (feed {feed}) may be published")),
        Some(_) => section.bad(
            format!("event {event} (feed {feed}) may not be published by this user"),
            Some("give the user Create on the event (Setup, Permission Sets)"),
        ),
        None => section.bad(
            format!("there is no event {event} (feed {feed}), or the user may not see it"),
            Some("check the API name: it ends in __e, and case counts; and the user's rights on it"),
        ),
    }
}

fn subscribed(section: &mut Section, feed: &str, channel: &Channel, answers: &channels::Answers, known: &Known) {
    let about = format!("channel {channel} (feed {feed})");
    match answers {
        channels::Answers::None(stop) => {
            return section.bad(format!("{about}: no session: {stop}"), stop.remedy.clone());
        }
        channels::Answers::Each(answers) => match answers.get(channel.as_str()) {
            Some(channels::Answer::Subscribed) => {}
            Some(channels::Answer::Refused(stop)) => {
                return section.bad(format!("{about} is refused: {stop}"), stop.remedy.clone());
            }
            None => {
                return section.bad(
                    format!("{about} was not answered"),
                    Some("try again; if it repeats, look at status.salesforce.com"),
                );
            }
        },
    }
    // Some servers take a subscription to what does not exist, and stay silent.
    let held = Part::of(channel).and_then(|part| known.get(&part));
    if held.is_none_or(|held| held.has(channel)) {
        return section.good(format!("{about} can be read"));
    }
    section.bad(format!("{} (feed {feed})", silence::words(channel)), Some(silence::REMEDY));
}

/// Something that a check asks and a feed does not.
fn failed(section: &mut Section, what: &str, error: &salesforce::Error) {
    section.note(format!("{what}: {}", decide::chain(error)), error.remedy());
}

fn query_path(soql: &str) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", soql).finish();
    format!("query?{query}")
}

const ORGANIZATION: &str = "SELECT Name, IsSandbox, OrganizationType, InstanceName FROM Organization";

/// What is queried beside it, and the name of its answer.
const QUERIED: [(&str, Part); 2] = [("topics", Part::Topics), ("generic", Part::Generic)];

/// Salesforce's names of limits, and ours (REST API Developer Guide, *Limits*).
const LIMITS: [(&str, &str); 6] = [
    ("DailyApiRequests", "API calls of the day"),
    ("DailyDeliveredPlatformEvents", "events delivered of the day"),
    ("DailyStandardVolumePlatformEvents", "standard-volume events delivered of the day"),
    ("DailyDurableStreamingApiEvents", "PushTopic events delivered of the day"),
    ("DailyDurableGenericStreamingApiEvents", "generic events delivered of the day"),
    ("HourlyPublishedPlatformEvents", "events published of the hour"),
];
