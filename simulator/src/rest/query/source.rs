//! What can be queried: records, and a few objects that say what the org and its channels are.

use serde_json::{Value, json};

use crate::channel::{self, ALL_CHANGES, Kind};
use crate::event::PUSH_TOPIC_FIELDS;
use crate::identifier::{self, USER};
use crate::object::Sort;
use crate::org::Org;
use crate::record::{Record, Store, field_names};

/// Which rows a query is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Live,
    /// The deleted ones too.
    All,
    /// The objects of the Tooling API.
    Tooling,
}

/// An object's rows, with the fields that they have.
pub(super) struct Source<'a> {
    pub(super) object: String,
    pub(super) fields: Vec<String>,
    pub(super) rows: Box<dyn Iterator<Item = Row<'a>> + 'a>,
}

/// A row.
pub(super) enum Row<'a> {
    Stored(&'a str, &'a Record),
    Fixed(Value),
}

impl Row<'_> {
    pub(super) fn value(&self, field: &str) -> Value {
        match self {
            Self::Stored(id, record) => record.value(id, field),
            Self::Fixed(row) => row.get(field).cloned().unwrap_or_default(),
        }
    }
}

/// The rows of an object, whose name is taken in any case; none where there is no such object.
pub(super) fn open<'a>(org: &'a Org, store: &'a Store, which: Which, object: &str) -> Option<Source<'a>> {
    match (which, object.to_ascii_lowercase().as_str()) {
        (Which::Tooling, "platformeventchannel") => return Some(custom_channels(org)),
        (Which::Tooling, "platformeventchannelmember") => return Some(members(org)),
        (Which::Tooling, _) => return None,
        (_, "organization") => return Some(organization(org)),
        (_, "user") => return Some(user(org)),
        (_, "pushtopic") => return Some(push_topics(org)),
        (_, "streamingchannel") => return Some(streaming_channels(org)),
        (Which::Live | Which::All, _) => {}
    }
    let mut all = org.definitions.all().into_iter();
    let of = all.find(|of| of.name.eq_ignore_ascii_case(object) && of.sort() == Sort::Object)?;
    let fields = field_names(&of).map(str::to_owned).collect();
    let object = of.name.clone();
    let rows = store.rows().filter(move |(_, record)| record.object == object);
    let rows = rows.filter(move |(_, record)| which == Which::All || !record.is_deleted());
    Some(Source { object: of.name.clone(), fields, rows: Box::new(rows.map(|(id, record)| Row::Stored(id, record))) })
}

fn organization<'a>(org: &Org) -> Source<'a> {
    let row = json!({
        "Id": org.id(),
        "Name": "Simulator",
        "IsSandbox": org.options.is_sandbox,
        "OrganizationType": "Developer Edition",
        "InstanceName": "SIM1",
    });
    fixed("Organization", &["Id", "Name", "IsSandbox", "OrganizationType", "InstanceName"], vec![row])
}

fn user<'a>(org: &Org) -> Source<'a> {
    let row = json!({
        "Id": USER,
        "Username": org.options.user_name,
        "Name": "Integration User",
        "IsActive": true,
    });
    fixed("User", &["Id", "Username", "Name", "IsActive"], vec![row])
}

fn push_topics<'a>(org: &Org) -> Source<'a> {
    let query = format!("SELECT {} FROM Invoice__c", PUSH_TOPIC_FIELDS.join(", "));
    let row = |channel: &str| {
        let name = channel.trim_start_matches("/topic/");
        json!({"Id": id_of("0IF", channel), "Name": name, "IsActive": true, "Query": query})
    };
    let rows = channels(org, Kind::PushTopic).iter().map(|channel| row(channel)).collect();
    fixed("PushTopic", &["Id", "Name", "IsActive", "Query"], rows)
}

fn streaming_channels<'a>(org: &Org) -> Source<'a> {
    let row = |channel: &String| json!({"Id": id_of("0M6", channel), "Name": channel});
    fixed("StreamingChannel", &["Id", "Name"], channels(org, Kind::Generic).iter().map(row).collect())
}

/// The custom channels, whose names end with `__chn`.
fn custom_channels<'a>(org: &Org) -> Source<'a> {
    let of_kind = |kind, channel_type: &'static str| {
        channels(org, kind).into_iter().filter_map(move |channel| {
            let name = channel.rsplit('/').next()?.strip_suffix("__chn")?.to_owned();
            Some(json!({
                "Id": id_of("0YL", &channel),
                "DeveloperName": name,
                "MasterLabel": name.replace('_', " "),
                "ChannelType": channel_type,
            }))
        })
    };
    let rows = of_kind(Kind::Change, "data").chain(of_kind(Kind::Platform, "event")).collect();
    fixed("PlatformEventChannel", &["Id", "DeveloperName", "MasterLabel", "ChannelType"], rows)
}

/// The members of custom channels, and the entities that are selected for the standard one.
fn members<'a>(org: &Org) -> Source<'a> {
    let row = |channel: &str, of: &str, member: &str, filter: Option<&str>| {
        let event = member.rsplit('/').next().unwrap_or_default();
        // A custom event is named by its id.
        let entity = if event.ends_with("__e") { id_of("01I", member) } else { event.to_owned() };
        let name = format!("{}_{event}", channel.rsplit('/').next().unwrap_or_default().replace("__", "_"));
        json!({
            "Id": id_of("0v8", &name),
            "DeveloperName": name.replace("__", "_"),
            "MasterLabel": name.replace('_', " "),
            "EventChannel": of,
            "SelectedEntity": entity,
            "FilterExpression": filter,
        })
    };
    let changes = channels(org, Kind::Change);
    let selected = changes.iter().filter(|member| channel::entity(member).is_some() && *member != ALL_CHANGES);
    let mut rows: Vec<Value> = selected.map(|member| row("ChangeEvents", "ChangeEvents", member, None)).collect();
    for custom in org.bus.customs() {
        let of = id_of("0YL", &custom.channel);
        let each = custom.members.iter();
        rows.extend(each.map(|member| row(&custom.channel, &of, member, custom.expression.as_deref())));
    }
    let fields = ["Id", "DeveloperName", "MasterLabel", "EventChannel", "SelectedEntity", "FilterExpression"];
    fixed("PlatformEventChannelMember", &fields, rows)
}

fn channels(org: &Org, kind: Kind) -> Vec<String> {
    let streams = org.bus.streams();
    streams.iter().filter(|stream| stream.kind == kind).map(|stream| stream.channel.clone()).collect()
}

/// An id that a channel keeps, whatever other channels come.
fn id_of(prefix: &str, channel: &str) -> String {
    identifier::numbered(prefix, u64::from(crc32fast::hash(channel.as_bytes())))
}

fn fixed<'a>(object: &str, fields: &[&str], rows: Vec<Value>) -> Source<'a> {
    Source {
        object: object.to_owned(),
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
        rows: Box::new(rows.into_iter().map(Row::Fixed)),
    }
}
