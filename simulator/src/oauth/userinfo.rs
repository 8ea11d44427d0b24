//! `/services/oauth2/userinfo`, and the identity URL of the token reply.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::base_url;
use crate::counters::Call;
use crate::identifier::USER;
use crate::org::Simulator;

/// Who the token's user is.
pub(crate) async fn userinfo(State(simulator): State<Simulator>, headers: HeaderMap) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Userinfo);
    if org.tokens.admit(&headers).is_err() {
        return (StatusCode::FORBIDDEN, "Bad_OAuth_Token").into_response();
    }
    let base = base_url(&headers);
    let instance = org.policies.now().instance(&base);
    let id = &org.id();
    let name = &org.options.user_name;
    axum::Json(json!({
        "sub": format!("{base}/id/{id}/{USER}"),
        "user_id": USER,
        "organization_id": id,
        "preferred_username": name,
        "username": name,
        "name": "Integration User",
        "email": name,
        "zoneinfo": "GMT",
        "urls": {
            "rest": format!("{instance}/services/data/v{{version}}/"),
            "sobjects": format!("{instance}/services/data/v{{version}}/sobjects/"),
            "partner": format!("{instance}/services/Soap/u/{{version}}/{}", org.short_id()),
            "enterprise": format!("{instance}/services/Soap/c/{{version}}/{}", org.short_id()),
            "custom_domain": instance,
        },
    }))
    .into_response()
}
