//! A Kafka cluster: whether it can be reached, and what may be done with the topics that the feeds name.

use super::Section;
use crate::config::{self, Config, Creation, From, To};
use crate::decide;
use kafka::{GroupSeen, Look, Topic, TopicSeen};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a feed wants of a topic.
struct Wish {
    feed: String,
    topic: String,
    write: bool,
    create: Option<Creation>,
}

pub(super) async fn check(
    name: &str,
    cluster: &config::Cluster,
    config: &Config,
    orgs: &BTreeMap<&str, String>,
) -> Section {
    let mut section = Section::new(format!("cluster {name}"));
    let (wishes, groups) = wishes(&mut section, name, config, orgs);
    let creations = wishes.iter().filter_map(|wish| {
        let create = wish.create?.into();
        Some(Topic { name: wish.topic.clone(), create: Some(create) })
    });
    let look = Look {
        topics: wishes.iter().map(|wish| wish.topic.clone()).collect(),
        groups: groups.iter().map(|(_, group)| group.clone()).collect(),
        create: creations.collect(),
    };
    let seen = match cluster.kafka.look(&look, LIMIT).await {
        Ok(seen) => seen,
        Err(error) => {
            let stop = decide::kafka(&error);
            section.bad(decide::chain(&error), stop.remedy.or_else(|| Some(UNREACHABLE.to_owned())));
            return section;
        }
    };
    let brokers = if seen.brokers == 1 { "1 broker".to_owned() } else { format!("{} brokers", seen.brokers) };
    section.good(format!("reached: {brokers}, cluster id {}", seen.cluster_id));
    for wish in &wishes {
        let creatable = seen.creatable.get(&wish.topic);
        topic(&mut section, wish, seen.topics.get(&wish.topic), creatable);
    }
    for (feed, group) in &groups {
        let about = format!("group {group} (feed {feed})");
        match seen.groups.get(group) {
            Some(GroupSeen::Visible { read: Some(false) } | GroupSeen::Hidden) => {
                section.bad(format!("{about} may not be joined"), Some("give the user the ACL Read on the group"));
            }
            Some(GroupSeen::Visible { .. }) => section.good(format!("{about} may be joined")),
            Some(GroupSeen::Failed(error)) => section.bad(format!("{about}: {}", decide::chain(error)), Some(AGAIN)),
            None => {}
        }
    }
    section
}

fn wishes(
    section: &mut Section,
    cluster: &str,
    config: &Config,
    orgs: &BTreeMap<&str, String>,
) -> (Vec<Wish>, Vec<(String, String)>) {
    let (mut wishes, mut groups) = (Vec::new(), Vec::new());
    for feed in &config.feeds {
        let name = &feed.name;
        if let From::Kafka(from) = &feed.from
            && from.cluster == cluster
        {
            let topics = from.topics.iter();
            wishes.extend(topics.map(|topic| Wish {
                feed: name.clone(),
                topic: topic.clone(),
                write: false,
                create: None,
            }));
            groups.push((name.clone(), from.group.clone()));
        }
        let To::Kafka(to) = &feed.to else { continue };
        if to.cluster != cluster {
            continue;
        }
        wishes.push(Wish { feed: name.clone(), topic: to.gaps.clone(), write: true, create: to.create });
        let org = match &feed.from {
            From::Salesforce(from) => orgs.get(from.org.as_str()),
            From::Bayeux(_) | From::Kafka(_) => None,
        };
        if !to.topic.is_known_ahead() || (org.is_none() && to.topic.names_the_org()) {
            section.note(format!("the topics of feed {name} are known only once events come"), None::<String>);
            continue;
        }
        for channel in feed.from.channels() {
            let topic = to.topic_of(channel, org.map(String::as_str).unwrap_or_default(), name);
            wishes.push(Wish { feed: name.clone(), topic, write: true, create: to.create });
        }
    }
    (wishes, groups)
}

fn topic(section: &mut Section, wish: &Wish, seen: Option<&TopicSeen>, creatable: Option<&Result<(), kafka::Error>>) {
    let about = format!("topic {} (feed {})", wish.topic, wish.feed);
    let (verb, right) = if wish.write { ("written", "Write") } else { ("read", "Read") };
    match seen {
        Some(TopicSeen::Exists { partitions, rights }) => {
            let allowed = if wish.write { rights.write } else { rights.read };
            match allowed {
                Some(true) => section.good(format!("{about} has {partitions} partitions and may be {verb}")),
                Some(false) => section.bad(
                    format!("{about} may not be {verb}"),
                    Some(format!("give the user the ACL {right} on the topic")),
                ),
                None => section.note(
                    format!("{about} has {partitions} partitions; the broker does not tell whether it may be {verb}"),
                    None::<String>,
                ),
            }
        }
        Some(TopicSeen::Missing) => match creatable {
            Some(Ok(())) => section.good(format!("{about} is not there and will be created")),
            Some(Err(error)) => section.bad(
                format!("{about} is not there and cannot be created: {}", decide::chain(error)),
                decide::kafka(error).remedy,
            ),
            None if wish.write => section.bad(format!("{about} is not there"), Some(decide::CREATE_TOPIC)),
            None => section.bad(format!("{about} is not there"), Some("create it, or correct its name")),
        },
        Some(TopicSeen::Hidden) => section.bad(
            format!("{about} is not there, or the user may not see it"),
            Some(format!("create it, and give the user the ACLs Describe and {right} on it")),
        ),
        Some(TopicSeen::Failed(error)) => section.bad(format!("{about}: {}", decide::chain(error)), Some(AGAIN)),
        None => {}
    }
}

const LIMIT: Duration = Duration::from_secs(10);
const AGAIN: &str = "correct the name, or try again; if it repeats, look at the broker's log";
const UNREACHABLE: &str = "check `brokers`, the network, and `security.protocol` in [kafka.NAME] librdkafka";
