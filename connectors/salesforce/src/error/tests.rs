#![allow(clippy::unwrap_used)]

use super::*;

fn refused(code: &str, message: &str) -> Error {
    Error::Rejected {
        status: 400,
        code: code.into(),
        message: message.into(),
        fields: vec!["A".into(), "B".into()],
        request_id: None,
    }
}

#[test]
fn what_is_not_known_to_pass_is_for_a_person() {
    use Disposition::{Fatal, Rejected, Transient};
    let check = |code: &str, message: &str, call: Disposition, row: Disposition| {
        assert_eq!(refused(code, message).disposition(), call, "{code} of a call");
        assert_eq!(codes::of_row(code, message), row, "{code} of a row");
    };
    check("UNABLE_TO_LOCK_ROW", "", Transient, Transient);
    check("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "UNABLE_TO_LOCK_ROW", Transient, Transient);
    check("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "System.NullPointerException", Rejected, Rejected);
    check("PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", "", Transient, Transient);
    check("STORAGE_LIMIT_EXCEEDED", "", Fatal, Fatal);
    check("REQUIRED_FIELD_MISSING", "", Rejected, Rejected);
    check("JSON_PARSER_ERROR", "", Rejected, Rejected);
    check("SOMETHING_NEW", "", Fatal, Rejected);
    assert_eq!(codes::of_row("LIMIT_EXCEEDED", ""), Transient);
}

#[test]
fn a_page_passes_and_an_api_of_another_shape_does_not() {
    let check = |status: u16, content_type: &str, expected: Disposition| {
        let excerpt = String::new();
        let content_type = content_type.to_owned();
        let error = Error::Unexpected {
            status,
            content_type: content_type.clone(),
            excerpt,
            retry_after: None,
            request_id: None,
        };
        assert_eq!(error.disposition(), expected, "{status} {content_type}");
    };
    check(200, "text/html; charset=UTF-8", Disposition::Transient);
    check(200, "", Disposition::Transient);
    check(200, "application/json", Disposition::Fatal);
    check(404, "text/html", Disposition::Transient);
    check(404, "text/plain", Disposition::Fatal);
    check(429, "", Disposition::Transient);
    check(502, "text/plain", Disposition::Transient);
    check(503, "application/json", Disposition::Transient);
}

#[test]
fn an_error_is_one_line_with_the_code_and_has_a_remedy() {
    let error = refused("INVALID_TYPE", "no such type");
    assert_eq!(error.to_string(), "refused with status 400: INVALID_TYPE: no such type (fields: A, B)");
    assert!(error.remedy().unwrap().contains("name of the event"));
    assert!(!error.uncertain());
}
