//! Salesforce for the tests: answers as it is told, and keeps what it was asked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod log;

use std::{
    collections::VecDeque,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
    serve::Listener,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;

pub(crate) use self::log::Log;
use crate::{ClientCredentials, Login, LoginPause, Options, Org};

/// What came in: its method and path, its headers and its body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

type Answer = Arc<dyn Fn(&Stub, &Asked) -> (u16, &'static str, String) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) url: Url,
    asked: Arc<Mutex<VecDeque<Asked>>>,
    headers: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
    answer: Answer,
}

impl Stub {
    /// Answers with status, content type (of a redirect: location) and body.
    pub(crate) async fn start<F>(answer: F) -> Self
    where
        F: Fn(&Self, &Asked) -> (u16, &'static str, String) + Send + Sync + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        Self::serve(listener, url, answer)
    }

    /// The same behind a listener that is reached at `url`.
    pub(crate) fn serve<L, F>(listener: L, url: Url, answer: F) -> Self
    where
        L: Listener<Addr: Debug>,
        F: Fn(&Self, &Asked) -> (u16, &'static str, String) + Send + Sync + 'static,
    {
        let stub = Self { url, asked: Arc::default(), headers: Arc::default(), answer: Arc::new(answer) };
        let router = Router::new().fallback(reply).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        stub
    }

    /// Logs in whoever asks, and answers the n-th of the other calls with the n-th of `answers`; after those with the
    /// last.
    pub(crate) async fn answering(answers: &[(u16, &'static str, &'static str)]) -> Self {
        let answers = answers.to_vec();
        Self::start(move |stub, asked| {
            if asked.line == TOKEN {
                return stub.granted();
            }
            let n = stub.calls().len().min(answers.len());
            let (status, kind, body) = answers[n - 1];
            (status, kind, body.into())
        })
        .await
    }

    /// What has come in so far besides logins.
    pub(crate) fn calls(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.line != TOKEN).cloned().collect()
    }

    /// From now on each answer has this header, too.
    pub(crate) fn add_header(&self, name: &'static str, value: &'static str) {
        self.headers.lock().unwrap().push((name, value));
    }

    /// What has come in for `path` so far.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.line.ends_with(path)).cloned().collect()
    }

    /// The answer of a login that went well; the n-th one grants `00D…!token-n`.
    pub(crate) fn granted(&self) -> (u16, &'static str, String) {
        let n = self.asked(TOKEN).len();
        let (id, issued_at) = (format!("https://login.salesforce.com/id/{ORG}EAY/{USER}"), "1775000000000");
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, format!("{id}{issued_at}").as_bytes()));
        let body = format!(
            r#"{{"access_token":"{ORG}!token-{n}","signature":"{signature}","scope":"api","instance_url":"{}",
            "id":"{id}","token_type":"Bearer","issued_at":"{issued_at}"}}"#,
            self.url.as_str().trim_end_matches('/'),
        );
        (200, JSON, body)
    }

    pub(crate) fn login(&self) -> Login {
        let client_id = "the-client-id".to_owned().into();
        let client_secret = SECRET.to_owned().into();
        Login::ClientCredentials(ClientCredentials { url: self.url.clone(), client_id, client_secret })
    }

    pub(crate) fn org(&self) -> Org {
        Org::new(self.login(), Options { login_pause: NO_PAUSE, ..Options::default() }).unwrap()
    }
}

async fn reply(State(stub): State<Stub>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    let asked = Asked { line, headers: parts.headers, body };
    stub.asked.lock().unwrap().push_back(asked.clone());
    let (status, kind, body) = (stub.answer)(&stub, &asked);
    let header = if (301..400).contains(&status) { "location" } else { "content-type" };
    let mut response = Response::builder().status(status).header(header, kind);
    for (name, value) in stub.headers.lock().unwrap().iter() {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

pub(crate) const NO_PAUSE: LoginPause =
    LoginPause { first: Duration::ZERO, longest: Duration::ZERO, too_many: Duration::ZERO };
pub(crate) const TOKEN: &str = "POST /services/oauth2/token";
pub(crate) const SOBJECTS: &str = "POST /services/data/v64.0/composite/sobjects";
pub(crate) const JSON: &str = "application/json;charset=UTF-8";
pub(crate) const SECRET: &str = "a&b=c%d+e secret";
pub(crate) const ORG: &str = "00Dxx0000001gPL";
pub(crate) const USER: &str = "005xx000001SwiUAAS";
pub(crate) const EXPIRED: &str = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
