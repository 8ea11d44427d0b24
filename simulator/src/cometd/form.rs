//! Good replies of an uncommon form. The bytes of events' `data` stay as they are.

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::fault::Form;

/// Gives a reply's body, whose last `metas` messages are meta replies, another form.
pub(super) fn give(form: &Form, body: Bytes, metas: usize) -> Bytes {
    let Ok(all) = serde_json::from_slice::<Vec<&RawValue>>(&body) else { return body };
    let (events, metas) = all.split_at(all.len().saturating_sub(metas));
    let mut events: Vec<String> = events.iter().map(|event| event.get().to_owned()).collect();
    let mut metas: Vec<String> = metas.iter().map(|meta| meta.get().to_owned()).collect();
    match form {
        Form::NoAdvice => change(&mut metas, |fields| _ = fields.remove("advice")),
        Form::OddAdvice(advice) => change(&mut metas, |fields| _ = fields.insert("advice".to_owned(), advice.clone())),
        Form::StaleId => change(&mut metas, |fields| {
            let id = fields.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok()).unwrap_or(STRANGE_ID);
            fields.insert("id".to_owned(), (id - 1).to_string().into());
        }),
        Form::Duplicate => metas = metas.into_iter().flat_map(|meta| [meta.clone(), meta]).collect(),
        Form::Unordered => metas.reverse(),
        Form::UnknownFields => {
            for message in events.iter_mut().chain(&mut metas) {
                message.insert_str(1, UNKNOWN);
            }
        }
        Form::EventsAround => {
            let after = events.split_off(events.len() / 2);
            metas.extend(after);
        }
    }
    events.extend(metas);
    Bytes::from(format!("[{}]", events.join(",")))
}

fn change(metas: &mut [String], how: impl Fn(&mut serde_json::Map<String, Value>)) {
    for meta in metas {
        let mut value: Value = serde_json::from_str(meta).unwrap_or_else(|_| json!({}));
        if let Some(fields) = value.as_object_mut() {
            how(fields);
        }
        *meta = value.to_string();
    }
}

/// Of all kinds, one of them larger than a double holds, and two that were seen.
const UNKNOWN: &str = r#""surprise":{"list":[1,null,{"channel":"/meta/connect"}],"number":9007199254740993},"EventType":"?","CreatedDate":null,"#;
const STRANGE_ID: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &Form, wanted: &str) {
        let body = r#"[{"e":1},{"e":2},{"e":3},{"id":"7","advice":{}},{"id":"8"}]"#;
        assert_eq!(give(form, Bytes::from_static(body.as_bytes()), 2), wanted, "{form:?}");
    }

    #[test]
    fn forms() {
        check(&Form::NoAdvice, r#"[{"e":1},{"e":2},{"e":3},{"id":"7"},{"id":"8"}]"#);
        let odd = r#"[{"e":1},{"e":2},{"e":3},{"advice":"?","id":"7"},{"advice":"?","id":"8"}]"#;
        check(&Form::OddAdvice("?".into()), odd);
        check(&Form::StaleId, r#"[{"e":1},{"e":2},{"e":3},{"advice":{},"id":"6"},{"id":"7"}]"#);
        let twice = r#"[{"e":1},{"e":2},{"e":3},{"id":"7","advice":{}},{"id":"7","advice":{}},{"id":"8"},{"id":"8"}]"#;
        check(&Form::Duplicate, twice);
        check(&Form::Unordered, r#"[{"e":1},{"e":2},{"e":3},{"id":"8"},{"id":"7","advice":{}}]"#);
        check(&Form::EventsAround, r#"[{"e":1},{"id":"7","advice":{}},{"id":"8"},{"e":2},{"e":3}]"#);
        let [one, two, three, seven, eight] =
            [r#""e":1}"#, r#""e":2}"#, r#""e":3}"#, r#""id":"7","advice":{}}"#, r#""id":"8"}"#]
                .map(|rest| format!("{{{UNKNOWN}{rest}"));
        check(&Form::UnknownFields, &format!("[{one},{two},{three},{seven},{eight}]"));
    }
}
