//! The one call that only SOAP has: how long the session is valid (SOAP API Developer Guide, *getUserInfo()*).

use quick_xml::{de, escape::escape};
use reqwest::{Method, RequestBuilder, StatusCode, header::CONTENT_TYPE};
use serde::Deserialize;

use super::{Body, Call};
use crate::{
    Error, Org, Token,
    error::codes,
    login::endpoint,
    reply::{Failure, Reply},
};

/// The session that a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSession {
    /// The name the user logs in with.
    pub user_name: String,
    /// The kind of user, as in `Standard`.
    pub user_type: String,
    /// The org's name.
    pub organization_name: Option<String>,
    /// Seconds without any call after which the session ends.
    pub seconds_valid: u64,
}

impl Org {
    /// Asks what the session is and how long it lives.
    ///
    /// # Errors
    /// As [`Org::limits`].
    pub async fn user_session(&self) -> Result<UserSession, Error> {
        let call = Call { body: Body::Soap("getUserInfo"), ..Call::new(Method::POST, "").urgent() };
        let reply = self.call(&call).await?;
        let content = content(&reply).ok_or_else(|| reply.unexpected())?;
        let info = content.response.ok_or_else(|| reply.unexpected())?.result;
        Ok(UserSession {
            user_name: info.user_name,
            user_type: info.user_type,
            organization_name: info.organization_name.filter(|name| !name.is_empty()),
            seconds_valid: info.session_seconds_valid,
        })
    }
}

/// The request for `operation`, in which the token stands in the body.
pub(super) fn request(org: &Org, token: &Token, operation: &str) -> RequestBuilder {
    let path = format!("/services/Soap/u/{}/{}", org.api_version, token.org_id);
    let session = escape(token.secret().expose());
    let body = format!(
        r#"<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Header><urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader></soapenv:Header><soapenv:Body><urn:{operation}/></soapenv:Body></soapenv:Envelope>"#
    );
    let request = org.http.post(endpoint(&token.instance_url, &path));
    request.header(CONTENT_TYPE, "text/xml; charset=UTF-8").header("SOAPAction", "\"\"").body(body)
}

/// The reply, unless it is a failure. A fault is one whatever its status is, which is 500 as a rule.
pub(super) fn judged(reply: Reply) -> Result<Reply, Error> {
    match content(&reply) {
        Some(Content { fault: Some(fault), .. }) => Err(fault.error(&reply)),
        Some(_) if reply.status.is_success() => Ok(reply),
        None if reply.status.is_success() => Err(reply.unexpected()),
        _ => Err(reply.error()),
    }
}

fn content(reply: &Reply) -> Option<Content> {
    de::from_str::<Envelope>(&reply.text()).ok().map(|envelope| envelope.body)
}

impl Fault {
    /// Of a fault only the code tells what it is, as [`Reply::error`] tells it by the status.
    fn error(self, reply: &Reply) -> Error {
        let code = self.faultcode.rsplit(':').next().unwrap_or_default().to_owned();
        let message = self.faultstring.strip_prefix(&format!("{code}: ")).unwrap_or(&self.faultstring).to_owned();
        let status = match code.as_str() {
            "INVALID_SESSION_ID" => StatusCode::UNAUTHORIZED,
            _ if codes::passes(&code, &message) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut error = reply.classified(status, Failure { code, message, fields: Vec::new(), is_busy: false });
        if let Error::Rejected { status, .. } | Error::Throttled { status, .. } | Error::Server { status, .. } =
            &mut error
        {
            *status = reply.status.as_u16();
        }
        error
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Body")]
    body: Content,
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "getUserInfoResponse")]
    response: Option<Response>,
    #[serde(rename = "Fault")]
    fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    faultcode: String,
    faultstring: String,
}

#[derive(Deserialize)]
struct Response {
    result: UserInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo {
    user_name: String,
    user_type: String,
    organization_name: Option<String>,
    session_seconds_valid: u64,
}

#[cfg(test)]
mod tests;
