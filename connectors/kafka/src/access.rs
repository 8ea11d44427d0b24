//! What a cluster holds and what its user may do there, found out without writing anything.
//!
//! References: KIP-430 (authorized operations in the answers to DescribeTopics, DescribeCluster and DescribeGroups, since
//! Kafka 2.3), KIP-4 (`validate_only` of CreateTopics).

mod native;

use std::collections::BTreeMap;
use std::ffi::CString;
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode as Code;

use crate::error::{classify, is_connection};
use crate::producer::blocking;
use crate::topic::{Probe, not_created};
use crate::{Cluster, Error, Topic};
use native::{About, Answer, Asking, Each, Failure, Granted, NewTopic, Operation, Partitions};

/// What [`Cluster::look`] is to find out, next to how the cluster itself is.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Topics whose existence and rights are asked for.
    pub topics: Vec<String>,
    /// Consumer groups, which need not exist, whose rights are asked for.
    pub groups: Vec<String>,
    /// Topics whose creation is tried, without creating them. Those with no [`Topic::create`] are left out.
    pub create: Vec<Topic>,
}

/// What [`Cluster::look`] found. Each map has an entry for every name that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The cluster's own id.
    pub cluster_id: String,
    /// How many brokers it has now.
    pub brokers: usize,
    /// Whether topics of any name may be created. `None` where the broker does not tell, which takes Describe on the
    /// cluster. A user without this right may still create topics of some names: [`Seen::creatable`] knows.
    pub may_create_topics: Option<bool>,
    /// By name, what was found about each of [`Look::topics`].
    pub topics: BTreeMap<String, TopicSeen>,
    /// By name, what was found about each of [`Look::groups`].
    pub groups: BTreeMap<String, GroupSeen>,
    /// By name, whether each of [`Look::create`] would be created now, or is there already; else why not:
    /// [`Error::NotAllowed`], or [`Error::TopicInvalid`] with the broker's words.
    pub creatable: BTreeMap<String, Result<(), Error>>,
}

/// What is known of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicSeen {
    /// It is there.
    Exists {
        /// How many partitions it has.
        partitions: i32,
        /// What may be done with it.
        rights: Rights,
    },
    /// It is not there.
    Missing,
    /// Describe is not allowed on it, so that the broker does not even say whether it is there.
    Hidden,
    /// There was no usable answer: a name that no topic can have, no leader, no answer in time.
    Failed(Error),
}

/// What may be done with a topic. `None` where the broker does not tell, as those before Kafka 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Consume from it.
    pub read: Option<bool>,
    /// Produce to it.
    pub write: Option<bool>,
    /// See that it is there, and its partitions.
    pub describe: Option<bool>,
}

/// What is known of a consumer group. One that does not exist yet has rights all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupSeen {
    /// Describe is allowed on it.
    Visible {
        /// Whether it may be joined, and offsets committed. `None` where the broker does not tell.
        read: Option<bool>,
    },
    /// Describe is not allowed on it, nor therefore Read.
    Hidden,
    /// There was no usable answer: no coordinator, no answer in time.
    Failed(Error),
}

impl Cluster {
    /// Finds out what is there and what its user may do, within `limit`, without writing a record or creating a topic.
    /// (Asked about a group, a broker that never had one creates its internal topic for offsets.)
    ///
    /// [`Error::NotAllowed`] with librdkafka's words where the cluster does not accept who we are, as soon as no broker
    /// is left to try; [`Error::HungUp`] where somebody is there who only hangs up; [`Error::Unreachable`] where nobody
    /// answers; [`Error::TopicInvalid`] and [`Error::Configuration`] for a name that cannot even be sent. What fails for one
    /// name only is in [`Seen`].
    pub async fn look(&self, request: &Look, limit: Duration) -> Result<Seen, Error> {
        let (cluster, request) = (self.clone(), request.clone());
        blocking(move || look(&cluster, &request, limit.min(LONGEST))).await
    }
}

fn look(cluster: &Cluster, request: &Look, limit: Duration) -> Result<Seen, Error> {
    let deadline = Instant::now() + limit;
    let probe = Probe::new(cluster, CLIENT)?;
    let asking = Asking::new(probe.native(), limit)?;
    let mut found = Found::ask(&asking, request)?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if found.is_complete() || left.is_zero() {
            break;
        }
        match asking.next(left.min(SLICE)) {
            Some(answer) => found.take(answer),
            None => found.ask_again(&asking)?,
        }
        // Refusals come as events of the client, which goes on trying: no question ends before its limit.
        probe.hear();
        if found.about.is_none() && probe.log().is_refused() {
            break;
        }
    }
    match found.about {
        Some(Ok(about)) => Ok(Seen {
            cluster_id: about.id,
            brokers: about.brokers,
            may_create_topics: about.granted.may(Operation::RD_KAFKA_ACL_OPERATION_CREATE),
            topics: found.topics,
            groups: found.groups,
            creatable: found.creatable,
        }),
        Some(Err(failure)) if !is_connection(failure.code) => Err(classify(failure.code, None)),
        Some(Err(_)) | None => Err(probe.log().never_answered()),
    }
}

/// The answers so far. Names without one are there too, as timed out.
struct Found {
    waiting: usize,
    /// Groups whose coordinator was not ready.
    again: Vec<CString>,
    about: Option<Result<About, Failure>>,
    topics: BTreeMap<String, TopicSeen>,
    groups: BTreeMap<String, GroupSeen>,
    creatable: BTreeMap<String, Result<(), Error>>,
}

impl Found {
    /// Asks everything at once.
    fn ask(asking: &Asking<'_>, request: &Look) -> Result<Found, Error> {
        let late = |what: &str, name: &str| Error::TimedOut { reason: format!("no answer about {what} {name}") };
        let topics = request.topics.iter().map(|name| (name.clone(), TopicSeen::Failed(late("topic", name))));
        let groups = request.groups.iter().map(|name| (name.clone(), GroupSeen::Failed(late("group", name))));
        let mut found = Found {
            waiting: 0,
            again: Vec::new(),
            about: None,
            topics: topics.collect(),
            groups: groups.collect(),
            creatable: BTreeMap::new(),
        };
        asking.cluster()?;
        found.waiting += 1;
        if !found.topics.is_empty() {
            let names: Result<Vec<CString>, Error> = found.topics.keys().map(|name| topic_name(name)).collect();
            asking.topics(&names?)?;
            found.waiting += 1;
        }
        if !found.groups.is_empty() {
            let names: Result<Vec<CString>, Error> = found.groups.keys().map(|name| group_name(name)).collect();
            found.again = names?;
            found.ask_again(asking)?;
        }
        let mut creations = Vec::new();
        for topic in &request.create {
            let (name, Some(shape)) = (&topic.name, topic.create) else { continue };
            if found.creatable.contains_key(name) {
                continue;
            }
            let tried = NewTopic::new(&topic_name(name)?, shape).map(|new| creations.push(new));
            let tried = tried.map_err(|reason| Error::TopicInvalid { topic: name.clone(), reason });
            found.creatable.insert(name.clone(), tried.and(Err(late("the creation of topic", name))));
        }
        if !creations.is_empty() {
            asking.creations(&creations)?;
            found.waiting += 1;
        }
        Ok(found)
    }

    /// Asks about groups once more. librdkafka waits for a coordinator to be there, but not until it has read its topic:
    /// a cluster that never had a group creates that only now.
    fn ask_again(&mut self, asking: &Asking<'_>) -> Result<(), Error> {
        if !self.again.is_empty() {
            asking.groups(&std::mem::take(&mut self.again))?;
            self.waiting += 1;
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.waiting == 0 && self.again.is_empty()
    }

    fn take(&mut self, answer: Answer) {
        self.waiting = self.waiting.saturating_sub(1);
        if let Answer::Groups(Ok(each)) = &answer {
            let unready = each.iter().filter(|(_, found)| found.as_ref().is_err_and(Failure::will_pass));
            self.again.extend(unready.filter_map(|(name, _)| CString::new(name.as_str()).ok()));
        }
        match answer {
            Answer::Cluster(about) => self.about = Some(about),
            Answer::Topics(each) => fill(&mut self.topics, each, topic_seen),
            Answer::Groups(each) => fill(&mut self.groups, each, group_seen),
            Answer::Created(each) => fill(&mut self.creatable, each, creation_seen),
        }
    }
}

/// A question that failed as a whole failed for each of its names.
fn fill<T, A>(
    seen: &mut BTreeMap<String, T>,
    answer: Result<Each<A>, Failure>,
    read: impl Fn(&str, Result<A, Failure>) -> T,
) {
    match answer {
        Ok(each) => seen.extend(each.into_iter().map(|(name, found)| {
            let read = read(&name, found);
            (name, read)
        })),
        Err(failure) => seen.iter_mut().for_each(|(name, at)| *at = read(name, Err(failure.clone()))),
    }
}

fn topic_seen(name: &str, found: Result<Partitions, Failure>) -> TopicSeen {
    match found {
        Ok(Partitions { count, granted }) => TopicSeen::Exists {
            partitions: i32::try_from(count).unwrap_or(i32::MAX),
            rights: Rights {
                read: granted.may(Operation::RD_KAFKA_ACL_OPERATION_READ),
                write: granted.may(Operation::RD_KAFKA_ACL_OPERATION_WRITE),
                describe: granted.may(Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE),
            },
        },
        Err(failure) => match failure.code {
            Code::UnknownTopicOrPartition | Code::UnknownTopic => TopicSeen::Missing,
            Code::TopicAuthorizationFailed => TopicSeen::Hidden,
            _ => TopicSeen::Failed(classify(failure.code, Some(name))),
        },
    }
}

fn group_seen(_: &str, found: Result<Granted, Failure>) -> GroupSeen {
    match found {
        Ok(granted) => GroupSeen::Visible { read: granted.may(Operation::RD_KAFKA_ACL_OPERATION_READ) },
        Err(failure) => match failure.code {
            Code::GroupAuthorizationFailed => GroupSeen::Hidden,
            _ => GroupSeen::Failed(classify(failure.code, None)),
        },
    }
}

fn creation_seen(name: &str, found: Result<(), Failure>) -> Result<(), Error> {
    match found {
        Err(failure) if failure.code != Code::TopicAlreadyExists => Err(not_created(failure.code, name, failure.words)),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Failure {
    fn will_pass(&self) -> bool {
        matches!(self.code, Code::CoordinatorLoadInProgress | Code::CoordinatorNotAvailable | Code::NotCoordinator)
    }
}

/// librdkafka refuses a question with an empty name as a whole.
fn topic_name(name: &str) -> Result<CString, Error> {
    let invalid = |reason: &str| Error::TopicInvalid { topic: name.to_owned(), reason: reason.to_owned() };
    if name.is_empty() {
        return Err(invalid("it has no name"));
    }
    CString::new(name).map_err(|_| invalid("its name holds a zero byte"))
}

fn group_name(name: &str) -> Result<CString, Error> {
    CString::new(name)
        .map_err(|_| Error::Configuration { key: "group.id".to_owned(), reason: "it holds a zero byte".to_owned() })
}

const CLIENT: &str = "access";

// How late a refusal may be noticed.
const SLICE: Duration = Duration::from_millis(50);

// librdkafka's own bound for a question.
const LONGEST: Duration = Duration::from_secs(3600);
