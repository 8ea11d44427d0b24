//! Queries, a page at a time.

mod cursor;
mod source;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::ask::Ask;
use super::error;
use super::work::Work;
use crate::identifier;
use crate::object::Refusal;
use crate::soql::{self, Condition, Query};
pub(crate) use cursor::Cursors;
use cursor::Pages;
use source::{Row, Source, Which};

/// `GET /query?q=…`.
pub(super) fn live(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    run(work, ask, Which::Live)
}

/// `GET /queryAll?q=…`: the deleted records too.
pub(super) fn all(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    run(work, ask, Which::All)
}

/// `GET /tooling/query?q=…`.
pub(super) fn tooling(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    run(work, ask, Which::Tooling)
}

/// `GET /query/<locator>`, as `nextRecordsUrl` has it.
pub(super) fn next(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let found = work.org.cursors.find(ask.segment(1));
    let (id, pages, from) = found.ok_or_else(|| error::bad("INVALID_QUERY_LOCATOR", "invalid query locator"))?;
    Ok(page(ask, &pages, from, Some(&id)))
}

fn run(work: &mut Work<'_>, ask: &Ask, which: Which) -> Result<Answer, Answer> {
    let text = ask.query.get("q").map_or("", String::as_str);
    let query = soql::parse(text).map_err(|why| error::bad("MALFORMED_QUERY", &why))?;
    let org = work.org;
    let source = source::open(org, work.store(), which, &query.object)
        .ok_or_else(|| error::bad("INVALID_TYPE", &format!("sObject type '{}' is not supported.", query.object)))?;
    let rows = select(source, &query, ask).map_err(|why| error::record(&why))?;
    let pages = Pages { rows, size: page_size(ask).min(org.options.query_page).max(1) };
    if pages.rows.len() <= pages.size {
        return Ok(page(ask, &pages, 0, None));
    }
    let (id, pages) = org.cursors.keep(pages);
    Ok(page(ask, &pages, 0, Some(&id)))
}

fn select(source: Source<'_>, query: &Query, ask: &Ask) -> Result<Vec<Value>, Refusal> {
    let Source { object, fields, rows } = source;
    let known = |name: &String| {
        let found = fields.iter().find(|field| field.eq_ignore_ascii_case(name)).map(String::as_str);
        found.ok_or_else(|| Refusal::no_such_column(name, &object))
    };
    let wanted: Vec<&str> = query.fields.iter().map(known).collect::<Result<_, _>>()?;
    let conditions = query.conditions.iter().map(|condition| Ok((known(&condition.field)?, condition)));
    let conditions: Vec<(&str, &Condition)> = conditions.collect::<Result<_, Refusal>>()?;
    let holds = |row: &Row<'_>| {
        conditions.iter().all(|(field, condition)| {
            let value = row.value(field);
            condition.any_of.iter().any(|other| is_equal(field, &value, other))
        })
    };
    let show = |row: Row<'_>| {
        let mut out = Map::new();
        let url = row.value("Id").as_str().map(|id| ask.url_of(&object, id));
        out.insert("attributes".to_owned(), json!({"type": object, "url": url}));
        out.extend(wanted.iter().map(|field| ((*field).to_owned(), row.value(field))));
        Value::Object(out)
    };
    Ok(rows.filter(holds).take(query.limit.unwrap_or(usize::MAX)).map(show).collect())
}

/// Numbers are compared by value, ids in either form, text exactly.
fn is_equal(field: &str, value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Number(value), Value::Number(other)) => value.as_f64() == other.as_f64(),
        (Value::String(value), Value::String(other)) if field == "Id" => {
            identifier::whole(other).is_some_and(|other| *value == other)
        }
        _ => value == other,
    }
}

fn page(ask: &Ask, pages: &Pages, from: usize, id: Option<&str>) -> Answer {
    let end = from.saturating_add(pages.size).min(pages.rows.len());
    let records = pages.rows.get(from..end).unwrap_or_default();
    let mut body = json!({"totalSize": pages.rows.len(), "done": end == pages.rows.len(), "records": records});
    if let (Some(id), true, Some(body)) = (id, end < pages.rows.len(), body.as_object_mut()) {
        let url = format!("/services/data/{}/query/{id}-{end}", ask.version);
        body.insert("nextRecordsUrl".to_owned(), url.into());
    }
    Answer::ok(body)
}

/// What the caller wants, as `Sforce-Query-Options: batchSize=N` says.
fn page_size(ask: &Ask) -> usize {
    let options = ask.header("sforce-query-options").unwrap_or_default();
    let sizes = options.split([',', ';']).filter_map(|option| option.trim().strip_prefix("batchSize="));
    sizes.filter_map(|size| size.trim().parse().ok()).next().map_or(MOST, |size: usize| size.clamp(FEWEST, MOST))
}

const MOST: usize = 2000;
const FEWEST: usize = 200;
