//! Which resource a path is. After "REST API Developer Guide", resource list.

use axum::http::Method;

use super::answer::Answer;
use super::ask::Ask;
use super::work::Work;
use super::{collections, composite, create, describe, error, limits, query, rows, schema};
use crate::counters::Call;

/// What a resource does.
pub(super) type Act = fn(&mut Work<'_>, &Ask) -> Result<Answer, Answer>;

/// The kind of call, and what carries it out.
pub(super) fn find(method: &Method, path: &[&str]) -> Result<(Call, Act), Answer> {
    let route: (Call, Act) = match (method.as_str(), path) {
        ("GET", ["sobjects"]) => (Call::Describe, describe::all),
        ("GET", ["sobjects", _, "describe"]) => (Call::Describe, describe::one),
        ("GET", ["sobjects", _, "eventSchema"]) => (Call::Schema, schema::of_event),
        ("GET", ["event", "eventSchema", _]) => (Call::Schema, schema::of_id),
        ("GET", ["limits"]) => (Call::Limits, limits::limits),
        ("POST", ["sobjects", _]) => (Call::Create, create::create),
        ("GET", ["sobjects", _, _]) => (Call::Read, rows::read),
        ("GET", ["sobjects", _, _, _]) => (Call::Read, rows::read_by_key),
        ("PATCH", ["sobjects", _, _]) => (Call::Update, rows::update),
        ("PATCH", ["sobjects", _, _, _]) => (Call::Upsert, rows::upsert),
        ("DELETE", ["sobjects", _, _]) => (Call::Delete, rows::delete),
        ("DELETE", ["sobjects", _, _, _]) => (Call::Delete, rows::delete_by_key),
        ("GET", ["query"]) => (Call::Query, query::live),
        ("GET", ["queryAll"]) => (Call::Query, query::all),
        ("GET", ["query" | "queryAll", _]) => (Call::Query, query::next),
        ("GET", ["tooling", "query"]) => (Call::Query, query::tooling),
        ("POST", ["composite"]) => (Call::Composite, composite::composite),
        ("POST", ["composite", "sobjects"]) => (Call::Collections, collections::create),
        ("PATCH", ["composite", "sobjects"]) => (Call::Collections, collections::update),
        ("DELETE", ["composite", "sobjects"]) => (Call::Collections, collections::delete),
        ("PATCH", ["composite", "sobjects", _, _]) => (Call::Collections, collections::upsert),
        _ if exists(path) => return Err(error::not_allowed(method.as_str())),
        _ => return Err(error::not_found()),
    };
    Ok(route)
}

/// Whether another method would find something.
fn exists(path: &[&str]) -> bool {
    matches!(
        path,
        ["sobjects" | "limits" | "query" | "queryAll" | "composite"]
            | ["sobjects", _]
            | ["sobjects", _, _]
            | ["sobjects", _, _, _]
            | ["query" | "queryAll", _]
            | ["tooling", "query"]
            | ["composite", "sobjects"]
            | ["composite", "sobjects", _, _]
            | ["event", "eventSchema", _]
    )
}
