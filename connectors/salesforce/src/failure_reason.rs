//! The reason Salesforce gives beside the one Bayeux has room for.

use serde_json::{Value, value::RawValue};

/// The `sfdc.failureReason` of a reply's `ext`, where there is one.
///
/// Read it before the reply's `error`, which may say `401::Authentication invalid` where the reason is
/// `503::Server is too busy` (seen in conversations with real orgs; no guide says so).
pub fn failure_reason(ext: &RawValue) -> Option<String> {
    let ext: Value = serde_json::from_str(ext.get()).ok()?;
    of_value(&ext).map(str::to_owned)
}

/// As [`failure_reason`].
pub(crate) fn of_value(ext: &Value) -> Option<&str> {
    let reason = ext.get("sfdc")?.get("failureReason")?.as_str()?.trim();
    (!reason.is_empty()).then_some(reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reason_is_found_where_there_is_one() {
        let check = |ext: &str, expected: Option<&str>| {
            let ext: &RawValue = serde_json::from_str(ext).unwrap();
            assert_eq!(failure_reason(ext).as_deref(), expected, "{ext}");
        };
        check(
            r#"{"sfdc":{"failureReason":"401::Authentication invalid"},"replay":true,"payload.format":true}"#,
            Some("401::Authentication invalid"),
        );
        check(
            r#"{"sfdc":{"failureReason":"503::Server is too busy.  Please try your request again later."}}"#,
            Some("503::Server is too busy.  Please try your request again later."),
        );
        check(r#"{"replay":true}"#, None);
        check(r#"{"sfdc":{"failureReason":" "}}"#, None);
        check(r#"{"sfdc":{"failureReason":503}}"#, None);
        check(r#"{"sfdc":null}"#, None);
        check("[]", None);
        check("null", None);
    }
}
