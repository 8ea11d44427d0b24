//! Opening a session.

use serde_json::{Value, json};

use super::Caller;
use super::message::{Message, Refusal};
use super::reply::Reply;
use crate::counters::add;
use crate::org::Org;

/// The cookie that ties a session to its client.
pub(super) const COOKIE: &str = "BAYEUX_BROWSER";

/// A session of its own, with a cookie of its own: two clients that share a jar take each other's session away.
pub(super) fn handshake(org: &Org, message: &Message, caller: &Caller) -> Reply {
    let types: Vec<&str> = message
        .field("supportedConnectionTypes")
        .and_then(Value::as_array)
        .map_or(Vec::new(), |types| types.iter().filter_map(Value::as_str).collect());
    if !types.contains(&super::connect::LONG_POLLING) {
        let refusal = super::connect::invalid_type(types.first().copied());
        return Reply { replies: vec![message.refused(&refusal)], ..Reply::default() };
    }
    if !message.text("version").is_some_and(|version| version.starts_with("1.")) {
        let refusal = Refusal::new("400::Unsupported Bayeux version").advising("none");
        return Reply { replies: vec![message.refused(&refusal)], ..Reply::default() };
    }
    let (route, routing) = org.routes.open(org.streaming.now().routing_cookie, caller.route.as_deref());
    let session = org.sessions.open(&caller.token, route);
    add(&org.counters.opened, 1);
    tracing::info!(client = session.client_id, "session opened");
    let mut reply = message.succeeded();
    if let Some(fields) = reply.as_object_mut() {
        fields.extend([
            ("clientId".to_owned(), session.client_id.as_str().into()),
            ("version".to_owned(), "1.0".into()),
            ("minimumVersion".to_owned(), "1.0".into()),
            ("supportedConnectionTypes".to_owned(), json!([super::connect::LONG_POLLING])),
            ("ext".to_owned(), json!({"replay": true, "payload.format": true})),
        ]);
    }
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly", session.cookie);
    let cookies = [Some(cookie), routing].into_iter().flatten().collect();
    Reply { replies: vec![reply], cookies, ..Reply::default() }
}
