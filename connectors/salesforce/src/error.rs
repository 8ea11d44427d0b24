//! What can go wrong, in the caller's terms: try again later, have a person look, or set one record aside.

mod class;
pub(crate) mod codes;
pub(crate) mod remedy;

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;

pub use self::class::Disposition;
use crate::{CertificateProblem, ProxyProblem, Refusal};

/// Why something did not work. `Display` is one line with Salesforce's own code and message; what a person should look
/// at is [`Error::remedy`], what a program should do [`Error::disposition`]. Holds no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for cannot work; found before any call.
    #[error("{problem}")]
    Configuration {
        /// What is wrong.
        problem: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// Not the name of a channel of Salesforce's.
    #[error("channel `{name}`: {problem}")]
    Channel {
        /// What was given.
        name: String,
        /// What is wrong with it, and how it should look.
        problem: &'static str,
    },
    /// Not the id of an org.
    #[error("org id `{given}`: {problem}")]
    OrgId {
        /// What was given.
        given: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Not a replay id.
    #[error("replay id `{given}` is not a whole number")]
    ReplayId {
        /// What was given.
        given: String,
    },
    /// Two subscriptions in one replay extension that Salesforce could not tell apart.
    #[error("channel {channel} is named twice in one replay extension")]
    Ambiguous {
        /// The key that both have.
        channel: String,
    },
    /// A record that cannot be sent as it is. Nothing was sent.
    #[error("record {index}: {problem}")]
    Record {
        /// Its place in the request, from 0.
        index: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// More than one call takes. Nothing was sent.
    #[error("{count} {what} in one call, which takes {limit}")]
    TooMany {
        /// What there were too many of.
        what: &'static str,
        /// How many there were.
        count: usize,
        /// How many one call takes.
        limit: usize,
    },
    /// Salesforce refused the login.
    #[error("login refused: {code}: {description}")]
    Login {
        /// Why. Where that is final, the org does not try it again by itself, since repeated failures lock the user
        /// out.
        refusal: Refusal,
        /// The `error` of the reply (RFC 6749, 5.2), the exception code of SOAP, or the code of a REST error.
        code: String,
        /// What Salesforce says about it.
        description: String,
        /// What to check.
        remedy: Cow<'static, str>,
    },
    /// What a login needs could not be had on this machine, from a file or a command; or what a command gave is not good.
    #[error("{problem}")]
    Credential {
        /// What is wrong.
        problem: String,
        /// What to do about it.
        remedy: Cow<'static, str>,
        /// Whether it may work later.
        passes: bool,
    },
    /// The login failed for good before, with the same credentials, and was not tried again.
    #[error("{error} (on {at}; the same credentials are not tried again)")]
    Remembered {
        /// When it failed.
        at: Timestamp,
        /// What was said then.
        error: String,
        /// What to do.
        remedy: String,
    },
    /// Token after token was refused soon after it had been given; logins come more slowly now.
    #[error("{count} new tokens in a row were refused")]
    FreshTokens {
        /// How many.
        count: u32,
    },
    /// The login ended without an outcome: the runtime is shutting down.
    #[error("login interrupted")]
    Interrupted,
    /// The calls that are left of the day are left to others. Nothing was sent.
    #[error("{used} of the day's {max} API calls are used, and the last {reserve} are left to others")]
    Reserved {
        /// Calls used, as Salesforce last said.
        used: u64,
        /// Calls of the day.
        max: u64,
        /// Calls that are left to others.
        reserve: u64,
        /// How long until one call is let through, to see what is used then.
        wait: Duration,
    },
    /// The token is not valid (any more), and a new one did not help or could not help.
    #[error("not authorized: {code}: {message}{}", of_request(.request_id))]
    Unauthorized {
        /// Salesforce's error code, or the HTTP status where it gave none.
        code: String,
        /// Salesforce's message.
        message: String,
        /// Salesforce's id of the request.
        request_id: Option<Box<str>>,
    },
    /// Salesforce refused the call as a whole. Nothing was applied, unless [`Error::uncertain`] says so.
    #[error("refused with status {status}: {code}: {message}{}{}", of_fields(.fields), of_request(.request_id))]
    Rejected {
        /// HTTP status.
        status: u16,
        /// Salesforce's error code.
        code: String,
        /// Salesforce's message.
        message: String,
        /// The fields it is about.
        fields: Vec<String>,
        /// Salesforce's id of the request.
        request_id: Option<Box<str>>,
    },
    /// There is no such record, object, field or resource, or the user may not see it: Salesforce does not say which.
    #[error("not found: {code}: {message}{}", of_request(.request_id))]
    NotFound {
        /// Salesforce's error code.
        code: String,
        /// Salesforce's message.
        message: String,
        /// Salesforce's id of the request.
        request_id: Option<Box<str>>,
    },
    /// A value of an external id that several records have. Nothing was applied.
    #[error("{} records have this external id: {}", .urls.len(), .urls.join(", "))]
    SeveralMatch {
        /// The path of each of them.
        urls: Vec<String>,
    },
    /// A limit of the org is used up, for seconds or for hours.
    #[error("limit reached, status {status}: {code}: {message}{}", of_request(.request_id))]
    Throttled {
        /// HTTP status.
        status: u16,
        /// Salesforce's error code, or the HTTP status where it gave none.
        code: String,
        /// Salesforce's message.
        message: String,
        /// Which limit it is.
        scope: Scope,
        /// How long Salesforce asks to wait, from 1 s to 1 h.
        retry_after: Option<Duration>,
        /// Salesforce's id of the request.
        request_id: Option<Box<str>>,
    },
    /// Salesforce could not do it now.
    #[error("server failed with status {status}: {code}: {message}{}", of_request(.request_id))]
    Server {
        /// HTTP status. Not always 5xx: a server that is too busy says so with 401 and 403, too.
        status: u16,
        /// Salesforce's error code.
        code: String,
        /// Salesforce's message.
        message: String,
        /// How long Salesforce asks to wait, from 1 s to 1 h.
        retry_after: Option<Duration>,
        /// Salesforce's id of the request.
        request_id: Option<Box<str>>,
    },
    /// The network.
    #[error("{}", if *.sent { "connection lost before the reply had come" } else { "cannot connect" })]
    Transport {
        /// Whether the request may have reached Salesforce, and been applied.
        sent: bool,
        /// The cause, without the address.
        source: Arc<reqwest::Error>,
    },
    /// No trust between this machine and the host, or the proxy: no request was looked at.
    #[error("{}", problem.words(host))]
    Certificate {
        /// The host, or `the proxy`.
        host: String,
        /// What is wrong.
        problem: CertificateProblem,
        /// The cause, without the address.
        source: Arc<reqwest::Error>,
    },
    /// The proxy does not lead to the host: no request was sent on.
    #[error("{}", problem.words(host))]
    Proxy {
        /// The host behind it.
        host: String,
        /// What is wrong.
        problem: ProxyProblem,
        /// The cause, without the address; none where the proxy answered.
        source: Option<Arc<reqwest::Error>>,
    },
    /// A reply that is not Salesforce's API talking: a maintenance page, a proxy, another host.
    #[error("unexpected reply with status {status} and content type `{content_type}`: {excerpt}{}", of_request(.request_id))]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// The reply's content type; empty if it had none.
        content_type: String,
        /// What it begins with, without secrets; empty where it may hold a token.
        excerpt: String,
        /// How long whoever answered asks to wait, from 1 s to 1 h.
        retry_after: Option<Duration>,
        /// Salesforce's id of the request.
        request_id: Option<Box<str>>,
    },
    /// A redirect, which is not followed: the token is for one host only.
    #[error("redirected with status {status} to {host}")]
    Redirected {
        /// HTTP status.
        status: u16,
        /// The host it points to.
        host: String,
    },
    /// A reply over the limit; it was not read to its end.
    #[error("reply over {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The rows of a reply cannot be matched with the records of the request.
    #[error("{sent} records sent, but {received} rows came back")]
    RowCount {
        /// Records in the request.
        sent: usize,
        /// Rows in the reply.
        received: usize,
    },
}

/// Which limit of the org a call ran into (REST API Developer Guide, *API Request Limits and Allocations*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Long calls at one time: free again within seconds.
    Concurrent,
    /// Calls within 24 hours: free again within tens of minutes at best.
    Daily,
    /// Another one, such as the events published in an hour.
    Other,
}

fn of_fields(fields: &[String]) -> String {
    if fields.is_empty() { String::new() } else { format!(" (fields: {})", fields.join(", ")) }
}

fn of_request(id: &Option<Box<str>>) -> String {
    id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
