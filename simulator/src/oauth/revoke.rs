//! `/services/oauth2/revoke`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};

use super::form::Form;
use super::refusal;
use crate::counters::Call;
use crate::org::{Org, Simulator};
use crate::session::Interrupt;

/// `/services/oauth2/revoke`: an access token alone, or a refresh token with its access tokens.
pub(crate) async fn revoke(State(simulator): State<Simulator>, request: Request<Body>) -> Response {
    let org = simulator.org();
    org.counters.count(Call::Revoke);
    if !matches!(*request.method(), Method::POST | Method::GET) {
        return refusal::METHOD.into_response();
    }
    let query = Form::parse(request.uri().query().unwrap_or_default().as_bytes());
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await;
    let token = form.find("token").or_else(|| query.find("token"));
    match token.and_then(|token| org.tokens.revoke(token)) {
        Some(dead) => {
            interrupt(org, &dead);
            StatusCode::OK.into_response()
        }
        None => refusal::TOKEN.into_response(),
    }
}

/// Lets the connects learn of it that are held with dead tokens.
pub(crate) fn interrupt(org: &Org, dead: &[String]) {
    for session in org.sessions.all() {
        if dead.iter().any(|token| session.is_of(token)) {
            session.interrupt(Interrupt::Revoked);
        }
    }
}
