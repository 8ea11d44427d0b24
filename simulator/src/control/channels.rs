//! Channels and event definitions beyond those that every simulator has.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{ok, read, unknown, wrong};
use crate::bus::Custom;
use crate::object::{Definition, Field, FieldType, LONG};
use crate::org::Simulator;
use crate::{channel, soql};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    channel: String,
    fields: Option<BTreeMap<String, Shape>>,
    /// Events' names, or their channels.
    members: Option<Vec<String>>,
    #[serde(default)]
    enriched_fields: Vec<String>,
    filter: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    r#type: FieldType,
    #[serde(default)]
    required: bool,
    length: Option<usize>,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
}

impl Shape {
    pub(super) fn field(self, name: String) -> Field {
        let Self { r#type: of, required, length, external_id, unique } = self;
        Field { name, of, required, length: length.unwrap_or(LONG), external_id, unique }
    }

    fn is_of_records(&self) -> bool {
        self.external_id || self.unique
    }
}

/// `POST /simulator/channels`.
pub(super) async fn define(State(simulator): State<Simulator>, body: Bytes) -> Result<Response, Response> {
    let Order { channel, fields, members, enriched_fields, filter } = read(&body)?;
    let org = simulator.org();
    if members.is_some() && !channel::is_custom(&channel) {
        return Err(wrong("only custom channels (/data/…__chn, /event/…__chn) have members"));
    }
    if members.is_none() && (filter.is_some() || !enriched_fields.is_empty()) {
        return Err(wrong("filter and enriched_fields go with members"));
    }
    let conditions = filter.as_deref().map_or(Ok(Vec::new()), soql::conditions);
    let conditions = conditions.map_err(|why| wrong(&format!("filter: {why}")))?;
    let prefix = if channel.starts_with("/data/") { "/data/" } else { "/event/" };
    let whole = |member: &String| if member.starts_with('/') { member.clone() } else { format!("{prefix}{member}") };
    let whole: Vec<String> = members.iter().flatten().map(whole).collect();
    if let Some(stranger) = whole.iter().find(|member| org.bus.stream(member).is_none()) {
        return Err(unknown(stranger));
    }
    let event = channel.strip_prefix("/event/").filter(|name| name.ends_with("__e"));
    if fields.is_some() && event.is_none() {
        return Err(wrong("only platform events (/event/…__e) have fields"));
    }
    if !org.bus.add(&channel) {
        return Err(wrong("a channel's name begins with /data/, /event/, /topic/ or /u/ and has no wildcard"));
    }
    if members.is_some() {
        let expression = filter;
        let (members, enriched, filter) = (whole, enriched_fields, conditions);
        org.bus.compose(Custom { channel: channel.clone(), members, enriched, filter, expression });
    }
    if let Some(name) = event {
        match fields {
            Some(fields) => {
                if fields.values().any(Shape::is_of_records) {
                    return Err(wrong("a field of an event is neither an external id nor unique"));
                }
                let fields = fields.into_iter().map(|(name, shape)| shape.field(name));
                org.definitions.define(Definition::new(name, fields.collect()));
            }
            None if org.definitions.find(name).is_none() => org.definitions.define(Definition::standard(&channel)),
            None => {}
        }
    }
    Ok(ok(json!({"channel": channel})))
}

/// `GET /simulator/channels`.
pub(super) async fn list(State(simulator): State<Simulator>) -> Response {
    let streams = simulator.org().bus.streams();
    ok(json!({"channels": streams.iter().map(|stream| stream.channel.as_str()).collect::<Vec<_>>()}))
}
