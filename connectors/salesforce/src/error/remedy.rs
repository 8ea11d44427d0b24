//! What a person should look at. The codes are Salesforce's own: the REST API Developer Guide. Those of a login are
//! where logins are.

use super::{Disposition, Error, Scope, codes};

impl Error {
    /// What to check, where there is something to check.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Configuration { remedy, .. } => Some(remedy),
            Self::Login { remedy, .. } | Self::Credential { remedy, .. } => Some(remedy),
            Self::Remembered { remedy, .. } => Some(remedy),
            Self::FreshTokens { .. } => Some(
                "check that the user has the permission API Enabled, that the app allows the scope api, and that sessions \
                 are not locked to the IP address they come from (Setup, Session Settings)",
            ),
            Self::Certificate { problem, .. } => Some(problem.remedy()),
            Self::Proxy { problem, .. } => Some(problem.remedy()),
            Self::Channel { .. } => Some("correct the channel's name; names are case-sensitive"),
            Self::OrgId { .. } => Some("take the organization id from Setup, Company Information"),
            Self::ReplayId { .. } => Some("give a replay id as Salesforce sent it, in decimal digits"),
            Self::Ambiguous { .. } => Some("subscribe two filters of one topic in two messages"),
            Self::Unauthorized { message, .. } if codes::session_never_valid(message) => {
                Some("check that the user has the permission API Enabled and that the app allows the scope api")
            }
            Self::Unauthorized { .. } => Some(
                "if it repeats: check that the user has the permission API Enabled, and that sessions are not locked \
                 to the IP address they come from (Setup, Session Settings)",
            ),
            Self::Rejected { code, .. } | Self::NotFound { code, .. } => {
                of_call(code).or_else(|| (self.disposition() == Disposition::Transient).then_some(LASTS))
            }
            Self::SeveralMatch { .. } => Some("make the field unique, or merge the records that have the value"),
            Self::Throttled { scope: Scope::Concurrent, .. } => Some(
                "too many calls over 20 s at one time: send fewer records in a call, and look for other programs that \
                 make long calls",
            ),
            Self::Throttled { scope: Scope::Daily, .. } | Self::Reserved { .. } => Some(
                "look in Setup, System Overview, for which programs use up the org's API calls of 24 hours; send more \
                 records in a call, or buy more calls",
            ),
            Self::Throttled { scope: Scope::Other, .. } => {
                Some("check the org's limits in Setup, Company Information and System Overview")
            }
            Self::Unexpected { .. } | Self::Redirected { .. } => Some(
                "if it repeats: check that the login url is the org's My Domain, that no proxy answers in its place, \
                 and status.salesforce.com for maintenance",
            ),
            Self::Transport { sent: false, .. } => {
                Some("check the host name, the proxy, the firewall and the certificates")
            }
            Self::Record { .. } => Some("send each record as one JSON object of the event's fields"),
            Self::TooLarge { .. } => Some("send fewer records in a call"),
            Self::RowCount { .. } => {
                Some("look in the org for what was applied, before the records are sent once more")
            }
            Self::Server { .. } => Some(LASTS),
            Self::Transport { sent: true, .. } | Self::Interrupted | Self::TooMany { .. } => None,
        }
    }
}

/// What to check after a call, or one of its rows, was refused.
pub(crate) fn of_call(code: &str) -> Option<&'static str> {
    Some(match code {
        "NOT_FOUND" | "INVALID_TYPE" => {
            "check the name of the event or object (it ends in __e or __c if it is the org's own), and the user's \
             permission to create it"
        }
        "INSUFFICIENT_ACCESS" | "INSUFFICIENT_ACCESS_OR_READONLY" | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => {
            "give the user the permission to create the event or object, and access to the records it refers to"
        }
        "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE" => {
            "check the field's API name (it ends in __c if it is the org's own), and that the user may edit it (field \
             level security)"
        }
        "REQUIRED_FIELD_MISSING" => "send the fields that the object requires",
        "STRING_TOO_LONG" | "NUMBER_OUTSIDE_VALID_RANGE" => {
            "send a value that fits the field, or make the field larger"
        }
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => "see the object's validation rules (Setup, Object Manager)",
        "FIELD_INTEGRITY_EXCEPTION" => {
            "send a value of the field's type, as in 2026-04-01T00:00:00Z for a date and time"
        }
        "DUPLICATE_VALUE" => "another record has the value of a unique field; two in one call must not have the same",
        "DUPLICATES_DETECTED" => "see the org's duplicate rules (Setup, Duplicate Rules)",
        "MALFORMED_ID" => "send an id of 15 or 18 characters, of the right object",
        "INVALID_CROSS_REFERENCE_KEY" => "a record that is referred to is missing, or the user may not see it",
        "ENTITY_IS_DELETED" => "the record is in the recycle bin: restore it, or send no more changes of it",
        "ENTITY_IS_LOCKED" => "the record is locked, by an approval as a rule: end the approval, or unlock it",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" => "a trigger of the org failed: mend it, or what it does not bear",
        "UNABLE_TO_LOCK_ROW" => "if it repeats: let fewer writers work on records of one parent",
        "JSON_PARSER_ERROR" => "send each record as one JSON object with values of its fields' types",
        "METHOD_NOT_ALLOWED" | "INVALID_OPERATION" => {
            "the object does not allow this: an event can only be created, for example"
        }
        "EXCEEDED_ID_LIMIT" | "TOO_MANY_RECORDS" | "EXCEEDED_MAX_SIZE_REQUEST" => "send fewer records in a call",
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
        | "ORG_IN_MAINTENANCE"
        | "API_CURRENTLY_DISABLED"
        | "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE" => "see status.salesforce.com for maintenance",
        "QUERY_TIMEOUT" | "REQUEST_RUNNING_TOO_LONG" => {
            "if it repeats: send fewer records in a call, or select fewer, by fields that have an index"
        }
        "LIMIT_EXCEEDED" | "TOO_MANY_APEX_REQUESTS" | "EXCEEDED_QUOTA" | "REQUEST_LIMIT_EXCEEDED" => {
            "check the org's limits in Setup, Company Information and System Overview"
        }
        "API_DISABLED_FOR_ORG" => "the org's edition has no API, or the user lacks the permission API Enabled",
        "UNSUPPORTED_API_VERSION" => "use a version that GET /services/data/ of the org lists",
        "STORAGE_LIMIT_EXCEEDED" => "free or buy storage (Setup, Storage Usage)",
        "MUTUAL_AUTHENTICATION_FAILED" => "the org asks for a client certificate: name it as network.identity",
        _ => return None,
    })
}

/// Of what passes by itself.
const LASTS: &str = "nothing, unless it lasts: then look at status.salesforce.com";
