//! What can go wrong, in the caller's terms: try again later, have a person look, or set one record aside.

pub(crate) mod codes;
pub(crate) mod remedy;

use std::sync::Arc;

use jiff::Timestamp;

use crate::{CertificateProblem, ProxyProblem};

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
    /// More records than one call takes. Nothing was sent.
    #[error("{count} records in one call, which takes {limit}")]
    TooMany {
        /// How many there were.
        count: usize,
        /// How many one call takes.
        limit: usize,
    },
    /// Salesforce refused the login.
    #[error("login refused: {code}: {description}")]
    Login {
        /// The `error` of the reply (RFC 6749, 5.2), or the code of a REST error.
        code: String,
        /// The `error_description` of the reply.
        description: String,
        /// What to check.
        remedy: &'static str,
        /// Whether the same login may work later. Where not, the org does not try it again by itself, since repeated
        /// failures lock the user out.
        retry: bool,
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
    /// The token is not valid (any more), and a new one did not help or could not help.
    #[error("not authorized: {code}: {message}")]
    Unauthorized {
        /// Salesforce's error code, or the HTTP status where it gave none.
        code: String,
        /// Salesforce's message.
        message: String,
    },
    /// Salesforce refused the call as a whole. Nothing was applied.
    #[error("refused with status {status}: {code}: {message}{}", of_fields(.fields))]
    Rejected {
        /// HTTP status.
        status: u16,
        /// Salesforce's error code.
        code: String,
        /// Salesforce's message.
        message: String,
        /// The fields it is about.
        fields: Vec<String>,
    },
    /// A limit of the org is used up, for seconds or for hours.
    #[error("limit reached, status {status}: {code}: {message}")]
    Throttled {
        /// HTTP status.
        status: u16,
        /// Salesforce's error code, or the HTTP status where it gave none.
        code: String,
        /// Salesforce's message.
        message: String,
    },
    /// Salesforce could not do it now.
    #[error("server failed with status {status}: {code}: {message}")]
    Server {
        /// HTTP status.
        status: u16,
        /// Salesforce's error code.
        code: String,
        /// Salesforce's message.
        message: String,
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
    #[error("unexpected reply with status {status} and content type `{content_type}`: {excerpt}")]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// The reply's content type; empty if it had none.
        content_type: String,
        /// What it begins with, without secrets; empty where it may hold a token.
        excerpt: String,
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

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may work later: wait, then try again.
    Transient,
    /// It will not work until a person has acted.
    Fatal,
    /// It is about what was sent: other records may go through.
    Rejected,
}

impl Error {
    /// What to do about it. Tried again are only network errors, 5xx, 429, limits, and the few codes for which
    /// Salesforce's guides say so: a code that is not known is for a person.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Interrupted | Self::FreshTokens { .. } => Disposition::Transient,
            Self::Throttled { .. } | Self::Server { .. } => Disposition::Transient,
            Self::Transport { .. } | Self::Redirected { .. } => Disposition::Transient,
            // It may be mended at the other end, and no login was seen there that could count against the user.
            Self::Certificate { .. } | Self::Proxy { .. } => Disposition::Transient,
            Self::Unauthorized { message, .. } if codes::session_never_valid(message) => Disposition::Fatal,
            Self::Unauthorized { .. } | Self::Login { retry: true, .. } => Disposition::Transient,
            Self::Rejected { code, message, .. } => codes::of_call(code, message),
            Self::Record { .. } => Disposition::Rejected,
            Self::Unexpected { status, content_type, .. } => of_unexpected(*status, content_type),
            Self::Remembered { .. } => Disposition::Fatal,
            Self::Login { retry: false, .. } | Self::Configuration { .. } | Self::Channel { .. } => Disposition::Fatal,
            Self::OrgId { .. } | Self::ReplayId { .. } | Self::Ambiguous { .. } => Disposition::Fatal,
            Self::TooMany { .. } | Self::TooLarge { .. } | Self::RowCount { .. } => Disposition::Fatal,
        }
    }

    /// Whether it will not work until a person has acted.
    pub fn is_fatal(&self) -> bool {
        self.disposition() == Disposition::Fatal
    }

    /// Whether a call that failed so may have been applied all the same, so that to repeat it may do it twice.
    pub fn uncertain(&self) -> bool {
        match self {
            Self::Transport { sent, .. } => *sent,
            Self::Server { .. } | Self::TooLarge { .. } | Self::RowCount { .. } => true,
            Self::Unexpected { status, .. } => *status < 300 || *status >= 500,
            _ => false,
        }
    }
}

/// A page of HTML, an empty 200 or a failed gateway passes; an API's JSON of another shape, or a plain 4xx, does not.
fn of_unexpected(status: u16, content_type: &str) -> Disposition {
    let for_good = match status {
        408 | 429 => false,
        400..500 => !content_type.contains("html"),
        200..300 => content_type.contains("json"),
        _ => false,
    };
    if for_good { Disposition::Fatal } else { Disposition::Transient }
}

fn of_fields(fields: &[String]) -> String {
    if fields.is_empty() { String::new() } else { format!(" (fields: {})", fields.join(", ")) }
}

#[cfg(test)]
mod tests;
