//! Salesforce, as far as a program that carries events needs it: logging in, one token for all who use an org, the
//! REST calls that read, write and publish, the shapes of the events, and the errors with what to do about them.
//!
//! Knows nothing of how events travel: the streaming session is another crate's, and takes from here the value of its
//! `Authorization` header ([`Token::authorization`]), its replay extension ([`replay_extension`]) and the shape of its
//! `data` ([`Data`]).
//!
//! Nothing here sleeps, nor tries again: a failure comes back with a [`Disposition`], and whoever called decides when.
//! The exceptions are a call answered with 401, or with a redirect to another host, which is repeated once with a new
//! token, and a refresh token that another process uses, which is waited for.
//!
//! References: *Streaming API Developer Guide*, *Platform Events Developer Guide*, *Change Data Capture Developer
//! Guide*, *REST API Developer Guide*, and *OAuth Authorization Flows* of Salesforce Help.

mod budget;
mod channel;
mod durable;
mod error;
mod event;
mod failure_reason;
mod login;
mod org;
mod org_id;
mod replay;
mod reply;
mod rest;
mod retry_after;
mod row;
mod secret;
#[cfg(test)]
mod stub;
mod token;
mod wire;

pub use budget::Usage;
pub use channel::{Channel, Kind};
pub use error::{Disposition, Error, Scope};
pub use event::{ChangeType, Data, Identity};
pub use failure_reason::failure_reason;
pub use login::{
    AccessToken, AuthorizationCode, ClientCredentials, Consent, Given, Jwt, LoggedOut, Login, Password, RefreshToken,
    Refusal, Saml, Source, UsernamePassword,
};
pub use org::{LoginPause, Logins, Options, Org};
pub use org_id::OrgId;
pub use replay::{Replay, ReplayId, replay_extension};
pub use rest::{
    Description, EventSchema, Field, Limit, Limits, ObjectSummary, Pages, Subreply, Subrequest, Upserted, UserInfo,
    UserSession, Verb,
};
pub use row::{Row, RowError};
pub use secret::Secret;
pub use token::Token;
pub use wire::{CertificateProblem, Proxy, ProxyProblem, Wire, explain};
