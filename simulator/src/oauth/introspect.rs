//! `/services/oauth2/introspect` (RFC 7662).

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::base_url;
use super::client::{self, Secret};
use super::form::Form;
use super::refusal::{self, Refusal};
use crate::counters::Call;
use crate::identifier::USER;
use crate::org::{Org, Simulator};

/// `POST /services/oauth2/introspect`: what a token is, for the app that it was issued to.
pub(crate) async fn introspect(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Introspect);
    if request.method() != Method::POST {
        return refusal::METHOD.into_response();
    }
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await;
    let answer = client::authenticate(org, &head.headers, &form, Secret::Demanded)
        .and_then(|()| describe(org, &form, &base_url(&head.headers)));
    answer.map_or_else(IntoResponse::into_response, |answer| axum::Json(answer).into_response())
}

fn describe(org: &Org, form: &Form, base: &str) -> Result<Value, Refusal> {
    let token = form.need("token")?;
    let answer = |kind: &str, scope: &str, issued: Timestamp, expires: Option<Timestamp>| {
        let mut answer = json!({
            "active": true,
            "scope": scope,
            "client_id": org.options.client_id,
            "username": org.options.user_name,
            "sub": format!("{base}/id/{}/{USER}", org.id()),
            "token_type": kind,
            "iat": issued.as_second(),
            "nbf": issued.as_second(),
        });
        if let (Some(fields), Some(expires)) = (answer.as_object_mut(), expires) {
            fields.insert("exp".to_owned(), expires.as_second().into());
        }
        answer
    };
    if let Some(access) = org.tokens.access(token) {
        return Ok(answer("access_token", &access.grant.scope, access.issued, Some(access.expires())));
    }
    let refresh = org.tokens.refresh(token);
    Ok(refresh.map_or_else(
        || json!({"active": false}),
        |refresh| answer("refresh_token", &refresh.scope, refresh.issued, None),
    ))
}
