//! Up to 200 records a request; each has its own row in the reply, in order, and HTTP is 200 whatever the rows say.

mod row;

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::ask::Ask;
use super::work::Work;
use super::{error, rows};
use crate::object::Refusal;
use row::Row;

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "allOrNone", default)]
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

/// `POST /composite/sobjects`.
pub(super) fn create(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let Request { all_or_none, records } = read(ask)?;
    refuse_many_types(&records)?;
    Ok(write(work, all_or_none, records, row::create))
}

/// `PATCH /composite/sobjects`.
pub(super) fn update(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let Request { all_or_none, records } = read(ask)?;
    refuse_many_types(&records)?;
    Ok(write(work, all_or_none, records, row::update))
}

/// `PATCH /composite/sobjects/X/<external id>`.
pub(super) fn upsert(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let Request { all_or_none, records } = read(ask)?;
    let of = rows::object(work.org, ask.segment(2))?;
    let field = of.field(ask.segment(3)).filter(|field| field.external_id).ok_or_else(error::not_found)?;
    let mut seen = HashSet::new();
    Ok(write(work, all_or_none, records, |work, record| row::upsert(work, &of, field, &mut seen, record)))
}

/// `DELETE /composite/sobjects?ids=…&allOrNone=…`.
pub(super) fn delete(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let ids = ask.query.get("ids").filter(|ids| !ids.is_empty());
    let ids = ids.ok_or_else(|| error::bad("MISSING_ARGUMENT", "The ids parameter is required"))?;
    let ids: Vec<String> = ids.split(',').map(|id| id.trim().to_owned()).collect();
    refuse_many(ids.len())?;
    let all_or_none = ask.query.get("allOrNone").is_some_and(|text| text == "true");
    Ok(write(work, all_or_none, ids, |work, id| row::delete(work, &id)))
}

/// Writes one row after the other, and takes all back where one is refused and the caller wants all or none. Events
/// go out last, since they cannot be taken back.
fn write<T>(
    work: &mut Work<'_>,
    all_or_none: bool,
    input: Vec<T>,
    mut act: impl FnMut(&mut Work<'_>, T) -> Result<Row, Refusal>,
) -> Answer {
    let mark = work.mark();
    let locked = work.take_locked();
    let mut rows = Vec::with_capacity(input.len());
    for (index, record) in input.into_iter().enumerate() {
        rows.push(if locked.holds(index) { Err(error::locked()) } else { act(work, record) });
    }
    let roll_back = all_or_none && rows.iter().any(Result::is_err);
    if roll_back {
        work.roll_back(mark);
    }
    let reply = |row: Result<Row, Refusal>| match row {
        Err(refusal) => error::row(&refusal),
        Ok(_) if roll_back => error::row(&Refusal::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", ROLLED_BACK)),
        Ok(row) => row.finish(work.org),
    };
    Answer::ok(rows.into_iter().map(reply).collect())
}

fn read(ask: &Ask) -> Result<Request, Answer> {
    let request: Request = ask.read()?;
    refuse_many(request.records.len())?;
    Ok(request)
}

fn refuse_many(count: usize) -> Result<(), Answer> {
    let text = format!("record limit reached. cannot submit more than {MOST} records into this call");
    if count > MOST { Err(error::bad("EXCEEDED_ID_LIMIT", &text)) } else { Ok(()) }
}

/// Records of one type in a row are a chunk.
fn refuse_many_types(records: &[Map<String, Value>]) -> Result<(), Answer> {
    let mut types: Vec<Option<&str>> = records.iter().map(row::type_of).collect();
    types.dedup();
    if types.len() <= MOST_CHUNKS {
        return Ok(());
    }
    let text = format!(
        "Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."
    );
    Err(error::bad("LIMIT_EXCEEDED", &text))
}

const MOST: usize = 200;
const MOST_CHUNKS: usize = 10;
const ROLLED_BACK: &str =
    "Record rolled back because not all records were valid and the request was using AllOrNone header";
