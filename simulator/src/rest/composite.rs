//! Up to 25 calls in one request, the later ones with values from the replies to the earlier ones.

mod reference;

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::ask::Ask;
use super::work::Work;
use super::{error, is_offered, route};
use crate::counters::Call;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    all_or_none: bool,
    composite_request: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    method: String,
    url: String,
    reference_id: String,
    body: Option<Value>,
    #[serde(default)]
    http_headers: HashMap<String, String>,
}

/// The reply to a part.
struct Done {
    reference_id: String,
    answer: Answer,
    /// Writes records, which can be taken back; events cannot.
    can_roll_back: bool,
}

/// `POST /composite`: HTTP 200 whatever the parts say.
pub(super) fn composite(work: &mut Work<'_>, ask: &Ask) -> Result<Answer, Answer> {
    let request: Request = ask.read()?;
    if let Some(why) = too_many(&request.composite_request) {
        return Ok(reply([entry(None, &error::bad("LIMIT_EXCEEDED", &why))]));
    }
    let locked = work.take_locked();
    let mark = work.mark();
    let mut done: Vec<Done> = Vec::new();
    for (index, part) in request.composite_request.into_iter().enumerate() {
        let is_halted = request.all_or_none && done.iter().any(Done::has_failed);
        let can_roll_back = is_halted || !is_event(&part);
        let reference_id = part.reference_id.clone();
        let answer = if is_halted {
            halted()
        } else if locked.holds(index) {
            error::record(&error::locked())
        } else {
            carry_out(work, part, &done).unwrap_or_else(|refusal| refusal)
        };
        done.push(Done { reference_id, answer, can_roll_back });
    }
    if request.all_or_none && done.iter().any(Done::has_failed) {
        work.roll_back(mark);
        for part in done.iter_mut().filter(|part| !part.has_failed() && part.can_roll_back) {
            part.answer = halted();
        }
    }
    Ok(reply(done.iter().map(|part| entry(Some(&part.reference_id), &part.answer))))
}

fn carry_out(work: &mut Work<'_>, mut part: Part, done: &[Done]) -> Result<Answer, Answer> {
    let value_of = |name: &str| done.iter().find(|part| part.reference_id == name)?.answer.body.as_ref();
    let missing = |text: String| {
        error::bad("PROCESSING_HALTED", &format!("Invalid reference specified. No value for {text} found"))
    };
    part.url = reference::resolve_text(&part.url, &value_of).map_err(missing)?;
    if let Some(body) = &mut part.body {
        reference::resolve(body, &value_of).map_err(missing)?;
    }
    let ask = read(&part).ok_or_else(error::not_found)?;
    if !is_offered(&ask.version) {
        return Err(error::not_found());
    }
    match route::find(&ask.method, &ask.path())? {
        (Call::Composite, _) => Err(error::not_found()),
        (_, act) => act(work, &ask),
    }
}

/// A part as the call that it stands for.
fn read(part: &Part) -> Option<Ask> {
    let header = |(name, value): (&String, &String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    };
    let headers: HeaderMap = part.http_headers.iter().filter_map(header).collect();
    let method = Method::from_bytes(part.method.to_uppercase().as_bytes()).ok()?;
    let mut ask = Ask::new(method, &part.url, headers)?;
    ask.body = part.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    Some(ask)
}

fn too_many(parts: &[Part]) -> Option<String> {
    let is_large = |part: &&Part| {
        let path = read(part).map(|ask| ask.segments).unwrap_or_default();
        matches!(path.first().map(String::as_str), Some("query" | "queryAll" | "composite"))
    };
    if parts.len() > MOST {
        Some(format!("The request can’t contain more than {MOST} operations."))
    } else if parts.iter().filter(is_large).count() > MOST_LARGE {
        Some(format!("The request can’t contain more than {MOST_LARGE} query or sObject Collections operations."))
    } else {
        None
    }
}

fn is_event(part: &Part) -> bool {
    read(part).is_some_and(|ask| ask.segments.len() == 2 && ask.segment(1).ends_with("__e"))
}

fn halted() -> Answer {
    let text = "The transaction was rolled back since another operation in the same transaction failed.";
    error::bad("PROCESSING_HALTED", text)
}

impl Done {
    fn has_failed(&self) -> bool {
        self.answer.status.as_u16() >= 300
    }
}

fn entry(reference_id: Option<&str>, answer: &Answer) -> Value {
    let headers: Map<String, Value> =
        answer.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    json!({
        "body": answer.body,
        "httpHeaders": headers,
        "httpStatusCode": answer.status.as_u16(),
        "referenceId": reference_id,
    })
}

fn reply(entries: impl IntoIterator<Item = Value>) -> Answer {
    let entries: Value = entries.into_iter().collect();
    Answer::ok(json!({"compositeResponse": entries}))
}

const MOST: usize = 25;
const MOST_LARGE: usize = 5;
