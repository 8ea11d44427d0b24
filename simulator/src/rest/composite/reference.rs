//! `@{name.path}`: a value of an earlier part's reply, such as `@{account.id}` or `@{found.records[0].Id}`.

use serde_json::Value;

/// Replaces the references in every text of a value. A text that is nothing but a reference becomes the value itself.
/// The error is the reference that leads nowhere.
pub(super) fn resolve<'a>(value: &mut Value, of: &impl Fn(&str) -> Option<&'a Value>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let whole = text.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}'));
            *value = match whole.filter(|inner| !inner.contains('}')) {
                Some(inner) => find(inner, of)?.clone(),
                None => resolve_text(text, of)?.into(),
            };
        }
        Value::Array(all) => all.iter_mut().try_for_each(|inner| resolve(inner, of))?,
        Value::Object(all) => all.values_mut().try_for_each(|inner| resolve(inner, of))?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Replaces the references in a text.
pub(super) fn resolve_text<'a>(text: &str, of: &impl Fn(&str) -> Option<&'a Value>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (inner, after))) =
        rest.split_once("@{").and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        out.push_str(before);
        match find(inner, of)? {
            Value::String(text) => out.push_str(text),
            other => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn find<'a>(reference: &str, of: &impl Fn(&str) -> Option<&'a Value>) -> Result<&'a Value, String> {
    let end = reference.find(['.', '[']).unwrap_or(reference.len());
    let (name, path) = reference.split_at(end);
    let pointer = path.replace(['.', '['], "/").replace(']', "");
    of(name).and_then(|value| value.pointer(&pointer)).ok_or_else(|| reference.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, wanted: Result<Value, &str>) {
        let reply = json!({"id": "001", "records": [{"Id": "002", "n": 5}]});
        let rows = json!([{"id": "003"}]);
        let of = |name: &str| match name {
            "a" => Some(&reply),
            "rows" => Some(&rows),
            _ => None,
        };
        let mut value = json!([{"x": text}]);
        let outcome = resolve(&mut value, &of).map(|()| value[0]["x"].clone());
        assert_eq!(outcome, wanted.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn references_are_replaced_or_named() {
        check("plain", Ok(json!("plain")));
        check("@{a.id}", Ok(json!("001")));
        check("@{a.records[0].n}", Ok(json!(5)));
        check("x-@{a.id}-@{a.records[0].n}", Ok(json!("x-001-5")));
        check("@{rows[0].id}", Ok(json!("003")));
        check("@{a.no}", Err("a.no"));
        check("x@{b.id}", Err("b.id"));
        check("@{open", Ok(json!("@{open")));
        check("@{a.id}@{a.id}", Ok(json!("001001")));
    }
}
