//! The token reply.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Login;
use crate::identifier::USER;
use crate::token::Grant;

/// What a grant gives.
pub(super) struct Granted {
    pub(super) scope: String,
    /// The approval that the access token dies with.
    pub(super) approval: Option<u64>,
    /// A refresh token that the client does not have yet.
    pub(super) refresh_token: Option<String>,
    /// Whether `issued_at` and `signature` are in the reply: they are not after an assertion.
    pub(super) is_signed: bool,
}

impl Granted {
    /// An access token for the API, and nothing else.
    pub(super) fn api(is_signed: bool) -> Self {
        Self { scope: "api".to_owned(), approval: None, refresh_token: None, is_signed }
    }
}

/// Issues the access token.
pub(super) fn reply(login: &Login<'_>, granted: Granted) -> Value {
    let org = login.org;
    let grant = Grant {
        scope: granted.scope.clone(),
        approval: granted.approval,
        idle: org.session_length(&login.policy),
        is_limited: false,
    };
    let id = format!("{}/id/{}/{USER}", login.base, org.id());
    let mut reply = json!({
        "access_token": org.tokens.issue(&org.short_id(), grant),
        "scope": granted.scope,
        "instance_url": login.policy.instance(&login.base),
        "id": id,
        "token_type": "Bearer",
    });
    let Some(fields) = reply.as_object_mut() else { return reply };
    if let Some(refresh_token) = granted.refresh_token {
        fields.insert("refresh_token".to_owned(), refresh_token.into());
    }
    if granted.is_signed {
        let issued_at = Timestamp::now().as_millisecond().to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, org.options.client_secret.as_bytes());
        let signature = hmac::sign(&key, format!("{id}{issued_at}").as_bytes());
        fields.insert("signature".to_owned(), STANDARD.encode(signature).into());
        fields.insert("issued_at".to_owned(), issued_at.into());
    }
    reply
}
