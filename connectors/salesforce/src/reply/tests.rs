//! Each failure that the guides name, and each way a reply can be broken.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Disposition, Row, Scope, row::WireRow};

fn reply(status: u16, content_type: &str, body: &str) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        url: "https://acme.my.salesforce.com/services/data/v64.0/sobjects/A__e".parse().unwrap(),
        date: None,
        content_type: content_type.into(),
        retry_after: Some(Duration::from_secs(7)),
        request_id: Some("r1".into()),
        body: body.into(),
        secrets: Vec::new(),
        is_unshown: false,
    }
}

fn variant(error: &Error) -> &'static str {
    match error {
        Error::Unauthorized { .. } => "Unauthorized",
        Error::Rejected { .. } => "Rejected",
        Error::NotFound { .. } => "NotFound",
        Error::SeveralMatch { .. } => "SeveralMatch",
        Error::Server { .. } => "Server",
        Error::Throttled { scope: Scope::Concurrent, .. } => "Throttled now",
        Error::Throttled { scope: Scope::Daily, .. } => "Throttled today",
        Error::Throttled { scope: Scope::Other, .. } => "Throttled",
        Error::Unexpected { .. } => "Unexpected",
        _ => "another",
    }
}

use Disposition::{Fatal, Rejected, Transient};

/// Code, a plausible message and status; then variant, disposition, and a part of the remedy, where there is one.
type Case = (u16, &'static str, &'static str, &'static str, Disposition, &'static str);

const CASES: &[Case] = &[
    (401, "INVALID_SESSION_ID", "Session expired or invalid", "Unauthorized", Transient, "API Enabled"),
    (
        401,
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
        "Unauthorized",
        Fatal,
        "scope api",
    ),
    (401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", "Unauthorized", Transient, "API Enabled"),
    (
        400,
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record",
        "Rejected",
        Transient,
        "fewer writers",
    ),
    (503, "SERVER_UNAVAILABLE", "Server is too busy", "Server", Transient, "status.salesforce.com"),
    (403, "SERVER_UNAVAILABLE", "unavailable", "Server", Transient, "status.salesforce.com"),
    (
        403,
        "503",
        "Server is too busy. Please try your request again later.",
        "Server",
        Transient,
        "status.salesforce.com",
    ),
    (
        401,
        "401",
        "503::Server is too busy. Please try your request again later.",
        "Server",
        Transient,
        "status.salesforce.com",
    ),
    (403, "API_CURRENTLY_DISABLED", "API is currently disabled", "Rejected", Transient, "status.salesforce.com"),
    (400, "ORG_IN_MAINTENANCE", "maintenance", "Rejected", Transient, "status.salesforce.com"),
    (400, "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE", "try later", "Rejected", Transient, "status.salesforce.com"),
    (400, "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", "try later", "Rejected", Transient, "status.salesforce.com"),
    (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred", "Server", Transient, "status.salesforce.com"),
    (502, "BAD_GATEWAY", "", "Server", Transient, "status.salesforce.com"),
    (504, "GATEWAY_TIMEOUT", "", "Server", Transient, "status.salesforce.com"),
    (400, "QUERY_TIMEOUT", "Your query request was running for too long", "Rejected", Transient, "index"),
    (400, "REQUEST_RUNNING_TOO_LONG", "too long", "Rejected", Transient, "fewer records"),
    (400, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "read-only", "Rejected", Transient, "maintenance"),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "Throttled today", Transient, "24 hours"),
    (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        "Throttled now",
        Transient,
        "over 20 s",
    ),
    (403, "REQUEST_LIMIT_EXCEEDED", "another one", "Throttled", Transient, "limits in Setup"),
    (400, "LIMIT_EXCEEDED", "hourly publishes", "Throttled", Transient, "limits in Setup"),
    (503, "TOO_MANY_APEX_REQUESTS", "", "Throttled", Transient, "limits in Setup"),
    (400, "EXCEEDED_QUOTA", "", "Throttled", Transient, "limits in Setup"),
    (429, "ANYTHING", "slow down", "Throttled", Transient, "limits in Setup"),
    (400, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", "Rejected", Fatal, "storage"),
    (400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "rolled back", "Rejected", Transient, "status.salesforce.com"),
    (400, "PROCESSING_HALTED", "halted", "Rejected", Transient, "status.salesforce.com"),
    (400, "DUPLICATE_VALUE", "duplicate value found", "Rejected", Rejected, "unique field"),
    (400, "DUPLICATES_DETECTED", "Use one of these records?", "Rejected", Rejected, "duplicate rules"),
    (400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", "Rejected", Rejected, "requires"),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "no", "Rejected", Rejected, "validation rules"),
    (400, "FIELD_INTEGRITY_EXCEPTION", "no", "Rejected", Rejected, "type"),
    (400, "INVALID_FIELD", "No such column 'X' on sobject of type A__e", "Rejected", Rejected, "API name"),
    (400, "INVALID_FIELD_FOR_INSERT_UPDATE", "no", "Rejected", Rejected, "may edit"),
    (400, "INVALID_TYPE", "sObject type 'X' is not supported.", "Rejected", Fatal, "name of the event"),
    (400, "STRING_TOO_LONG", "data value too large", "Rejected", Rejected, "fits the field"),
    (400, "NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range", "Rejected", Rejected, "fits the field"),
    (400, "MALFORMED_ID", "id value of incorrect type", "Rejected", Rejected, "15 or 18"),
    (400, "JSON_PARSER_ERROR", "Cannot deserialize", "Rejected", Rejected, "JSON object"),
    (400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "Rejected", Rejected, "referred to"),
    (404, "ENTITY_IS_DELETED", "entity is deleted", "NotFound", Rejected, "recycle bin"),
    (400, "ENTITY_IS_LOCKED", "the entity is locked for editing", "Rejected", Rejected, "approval"),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "A: execution of BeforeInsert", "Rejected", Rejected, "trigger"),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "A: UNABLE_TO_LOCK_ROW", "Rejected", Transient, "trigger"),
    (403, "INSUFFICIENT_ACCESS", "no", "Rejected", Fatal, "permission"),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "no", "Rejected", Fatal, "permission"),
    (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "no", "Rejected", Rejected, "refers to"),
    (404, "NOT_FOUND", "The requested resource does not exist", "NotFound", Fatal, "name of the event"),
    (405, "METHOD_NOT_ALLOWED", "HTTP Method 'PUT' not allowed", "Rejected", Fatal, "does not allow"),
    (400, "INVALID_OPERATION", "no", "Rejected", Fatal, "does not allow"),
    (403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization", "Rejected", Fatal, "API Enabled"),
    (404, "UNSUPPORTED_API_VERSION", "no", "NotFound", Fatal, "/services/data/"),
    (400, "EXCEEDED_ID_LIMIT", "record limit reached", "Rejected", Fatal, "fewer records"),
    (400, "TOO_MANY_RECORDS", "no", "Rejected", Fatal, "fewer records"),
    (413, "EXCEEDED_MAX_SIZE_REQUEST", "no", "Rejected", Rejected, "fewer records"),
    (403, "MUTUAL_AUTHENTICATION_FAILED", "no", "Rejected", Fatal, "client certificate"),
    (409, "CONFLICT", "", "Rejected", Fatal, ""),
    (412, "PRECONDITION_FAILED", "", "Rejected", Fatal, ""),
    (415, "UNSUPPORTED_MEDIA_TYPE", "", "Rejected", Fatal, ""),
    (428, "PRECONDITION_REQUIRED", "", "Rejected", Fatal, ""),
    (400, "MALFORMED_QUERY", "unexpected token", "Rejected", Fatal, ""),
    (400, "BRAND_NEW", "", "Rejected", Fatal, ""),
];

#[test]
fn each_code_has_its_variant_its_disposition_and_its_remedy() {
    for (status, code, message, expected, disposition, remedy) in CASES {
        let array = format!(r#"[{{"message":"{message}","errorCode":"{code}","fields":["A"]}}]"#);
        let object = format!(r#"{{"message":"{message}","errorCode":"{code}"}}"#);
        let as_row = format!(r#"[{{"message":"{message}","statusCode":"{code}","fields":null}}]"#);
        for body in [array, object, as_row] {
            let error = reply(*status, "application/json", &body).error();
            assert_eq!((variant(&error), error.disposition()), (*expected, *disposition), "{status} {code} {message}");
            let found = error.remedy().unwrap_or_default();
            assert!(found.contains(remedy) && (remedy.is_empty() == found.is_empty()), "{code}: {found}");
            let shown = error.to_string();
            assert!(shown.contains(code) && shown.contains(message) && shown.ends_with("(request r1)"), "{shown}");
        }
    }
}

#[test]
fn what_has_no_code_is_told_by_what_it_looks_like() {
    let check = |status: u16, kind: &str, body: &str, expected: &str, disposition: Disposition| {
        let error = reply(status, kind, body).error();
        assert_eq!((variant(&error), error.disposition()), (expected, disposition), "{status} {kind} {body}");
        if *expected != *"Unauthorized" && *expected != *"SeveralMatch" {
            assert_eq!(error.wait(), Some(Duration::from_secs(7)));
        }
    };
    let json = "application/json;charset=UTF-8";
    for body in ["", "[", r#"[{"errorCode":"NOT_F"#, "[]", "{}", "null", "7", r#"[{"errorCode":7}]"#, r#"["x"]"#] {
        check(400, json, body, "Unexpected", Fatal);
        check(404, json, body, "Unexpected", Fatal);
        check(500, json, body, "Unexpected", Transient);
        check(503, "", body, "Unexpected", Transient);
        check(401, json, body, "Unauthorized", Transient);
        check(429, json, body, "Throttled", Transient);
    }
    check(404, "text/html", "<html>URL No Longer Exists", "Unexpected", Transient);
    check(420, "text/plain", "no routing", "Unexpected", Fatal);
    check(502, "text/html", "<html>", "Unexpected", Transient);
    check(503, "text/html", "<html>Server is too busy", "Unexpected", Transient);
    check(401, "text/html", "<html>", "Unauthorized", Transient);
    check(401, "text/html", "<html>Server is too busy", "Server", Transient);
    check(403, "text/plain", "503::Server is too busy.", "Server", Transient);
    check(403, "text/plain", "Bad_OAuth_Token", "Unauthorized", Transient);
    check(403, "text/plain", "order 503 of 600", "Unexpected", Fatal);
    check(
        300,
        json,
        r#"["/services/data/v64.0/sobjects/A/1","/services/data/v64.0/sobjects/A/2"]"#,
        "SeveralMatch",
        Rejected,
    );
    check(300, "text/html", "<html>", "Unexpected", Transient);
}

#[test]
fn a_record_whose_text_speaks_of_a_busy_server_does_not_pass() {
    let body = r#"[{"errorCode":"STRING_TOO_LONG","message":"Name: Server is too busy","fields":["Name"]}]"#;
    assert_eq!(reply(400, "application/json", body).error().disposition(), Rejected);
}

#[test]
fn a_failure_that_may_have_done_something_says_so() {
    let check = |status: u16, code: &str, uncertain: bool| {
        let body = format!(r#"[{{"errorCode":"{code}","message":""}}]"#);
        assert_eq!(reply(status, "application/json", &body).error().uncertain(), uncertain, "{status} {code}");
    };
    check(500, "UNKNOWN_EXCEPTION", true);
    check(503, "SERVER_UNAVAILABLE", true);
    check(403, "SERVER_UNAVAILABLE", false);
    check(400, "REQUEST_RUNNING_TOO_LONG", true);
    check(400, "QUERY_TIMEOUT", true);
    check(400, "UNABLE_TO_LOCK_ROW", false);
    check(403, "REQUEST_LIMIT_EXCEEDED", false);
    check(404, "NOT_FOUND", false);
    check(401, "INVALID_SESSION_ID", false);
}

#[test]
fn the_same_codes_in_a_row_are_about_the_record_unless_they_pass() {
    let check = |code: &str, message: &str, expected: Disposition| {
        let body =
            format!(r#"{{"success":false,"errors":[{{"statusCode":"{code}","message":"{message}","fields":null}}]}}"#);
        let row = Row::from(serde_json::from_str::<WireRow>(&body).unwrap());
        assert_eq!(row.disposition(), Some(expected), "{code} {message}");
    };
    for (_, code, message, _, disposition, _) in CASES {
        match (*code, disposition) {
            // Codes of HTTP's, of a call as a whole, of which there are no rows.
            ("503" | "401" | "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" | "ANYTHING", _) => {}
            ("BAD_GATEWAY" | "GATEWAY_TIMEOUT", _) => {}
            ("STORAGE_LIMIT_EXCEEDED", _) => check(code, message, Fatal),
            (_, Transient) => check(code, message, Transient),
            (_, Fatal | Rejected) => check(code, message, Rejected),
        }
    }
}
