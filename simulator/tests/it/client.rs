//! A client without a library: what is sent is what the test says.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Options, Simulator, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A served org; it shuts down when dropped.
pub(crate) struct Org {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: tokio::task::JoinHandle<std::io::Result<()>>,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {} {}", self.status, self.text))
    }

    /// The last message of a Bayeux reply: the meta reply.
    pub(crate) fn last(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json().as_array().and_then(|all| all.last().cloned()).unwrap()
    }

    /// The replay ids of the events, which come before everything else.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let all = self.json();
        let is_event = |message: &&Value| message["data"].is_object();
        let ids: Vec<i64> = all.as_array().unwrap().iter().take_while(is_event).map(replay_id).collect();
        assert_eq!(ids.len(), all.as_array().unwrap().iter().filter(is_event).count(), "events come first");
        ids
    }
}

fn replay_id(message: &Value) -> i64 {
    message["data"]["event"]["replayId"].as_i64().unwrap()
}

pub(crate) fn quick() -> Options {
    Options { hold: Duration::from_secs(5), seed: Some(1), ..Options::default() }
}

pub(crate) async fn org(options: Options) -> Org {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, Simulator::new(options), async { _ = stopped.await }));
    let http = reqwest::Client::builder().no_proxy().gzip(false).timeout(Duration::from_secs(20)).build().unwrap();
    Org { base, http, stop: Some(stop), served }
}

impl Org {
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// A call of the control API, which must succeed.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let reply = self.send(self.http.post(format!("{}/simulator/{path}", self.base)).json(&body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn publish(&self, channel: &str, count: u64) -> Vec<i64> {
        let before = self.ledger(channel).await.len();
        self.control("publish", json!({"channel": channel, "count": count})).await;
        let ledger = self.ledger(channel).await;
        ledger[before..].iter().map(|row| row["replay_id"].as_i64().unwrap()).collect()
    }

    pub(crate) async fn ledger(&self, channel: &str) -> Vec<Value> {
        let reply = self.get(&format!("/simulator/ledger?channel={channel}")).await;
        reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) async fn stats(&self) -> Value {
        self.get("/simulator/stats").await.json()
    }

    /// Waits, within bounds, until a number of the stats is as wanted.
    pub(crate) async fn until(&self, pointer: &str, wanted: u64) {
        for _ in 0..1000 {
            if self.stats().await.pointer(pointer).and_then(Value::as_u64) == Some(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{pointer} never became {wanted}: {}", self.stats().await);
    }

    pub(crate) async fn login(&self) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "crossfeed-demo"),
            ("client_secret", "simulator-secret"),
        ];
        let url = format!("{}/services/oauth2/token", self.base);
        let reply = self.send(self.http.post(url).form(&form)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Calls of the REST API with a token of their own.
    pub(crate) async fn rest(&self) -> Rest<'_> {
        Rest { org: self, token: self.login().await }
    }

    /// A client that has logged in, but not yet shaken hands.
    pub(crate) async fn stranger(&self) -> Client<'_> {
        Client { org: self, token: Some(self.login().await), cookie: None, client_id: String::new() }
    }

    /// A client with a session, and its first connect behind it.
    pub(crate) async fn client(&self) -> Client<'_> {
        let mut client = self.stranger().await;
        client.handshake().await;
        client.connect().await;
        client
    }
}

pub(crate) struct Rest<'a> {
    pub(crate) org: &'a Org,
    pub(crate) token: String,
}

impl Rest<'_> {
    /// A request of `METHOD path`, the path after the version.
    pub(crate) fn request(&self, call: &str) -> reqwest::RequestBuilder {
        let (method, path) = call.split_once(' ').unwrap();
        let url = format!("{}/services/data/v64.0/{path}", self.org.base);
        self.org.http.request(method.parse().unwrap(), url).bearer_auth(&self.token)
    }

    pub(crate) async fn call(&self, call: &str, body: Value) -> Reply {
        self.org.send(self.request(call).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.org.send(self.request(&format!("GET {path}"))).await
    }

    pub(crate) fn asking(&self, soql: &str) -> reqwest::RequestBuilder {
        let soql: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        self.request(&format!("GET query?q={soql}"))
    }

    /// A query's whole reply, which must be good.
    pub(crate) async fn query(&self, soql: &str) -> Value {
        let reply = self.org.send(self.asking(soql)).await;
        assert_eq!(reply.status, 200, "{soql}: {}", reply.text);
        reply.json()
    }

    /// Makes a record and says its id.
    pub(crate) async fn create(&self, object: &str, record: Value) -> String {
        let reply = self.call(&format!("POST sobjects/{object}"), record).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// A call that is to be refused.
    pub(crate) async fn refused(&self, call: &str, body: Value, status: u16, code: &str) {
        let reply = self.call(call, body.clone()).await;
        assert_eq!((reply.status, &reply.json()[0]["errorCode"]), (status, &json!(code)), "{call} {body}");
    }
}

#[derive(Clone)]
pub(crate) struct Client<'a> {
    pub(crate) org: &'a Org,
    pub(crate) token: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) client_id: String,
}

impl Client<'_> {
    pub(crate) fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.org.http.post(format!("{}/cometd/{path}", self.org.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; BAYEUX_BROWSER={cookie}"));
        }
        request
    }

    pub(crate) async fn post(&self, body: &Value) -> Reply {
        self.org.send(self.request("64.0").json(body)).await
    }

    pub(crate) async fn handshake(&mut self) -> Value {
        let reply = self.post(&handshake()).await;
        let last = reply.last();
        if let Some(cookie) = reply.headers.get("set-cookie") {
            let text = cookie.to_str().unwrap();
            assert!(text.ends_with("; Path=/; HttpOnly"), "{text}");
            self.cookie = text.strip_prefix("BAYEUX_BROWSER=").unwrap().split(';').next().map(str::to_owned);
        }
        self.client_id = last["clientId"].as_str().unwrap_or_default().to_owned();
        last
    }

    pub(crate) fn connect_message(&self) -> Value {
        json!({"channel": "/meta/connect", "id": "7", "clientId": self.client_id, "connectionType": "long-polling"})
    }

    pub(crate) async fn connect(&self) -> Reply {
        self.post(&json!([self.connect_message()])).await
    }

    /// A connect that is to be answered at once.
    pub(crate) async fn poll(&self) -> Reply {
        let mut message = self.connect_message();
        message["advice"] = json!({"timeout": 0});
        self.post(&json!([message])).await
    }

    /// A connect on a task of its own, that is held once this returns.
    pub(crate) async fn held(&self) -> tokio::task::JoinHandle<Reply> {
        let request = self.request("64.0/connect").json(&json!([self.connect_message()]));
        let held = tokio::spawn(async move {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Reply { status, headers, text: response.text().await.unwrap_or_default() }
        });
        self.org.until("/sessions/held", 1).await;
        held
    }

    pub(crate) fn subscribe_message(&self, channel: &str, replay: Value) -> Value {
        json!({"channel": "/meta/subscribe", "id": "8", "clientId": self.client_id, "subscription": channel,
            "ext": {"replay": {(channel.split('?').next().unwrap()): replay}}})
    }

    pub(crate) async fn subscribe(&self, channel: &str, replay: i64) -> Reply {
        self.post(&json!([self.subscribe_message(channel, replay.into())])).await
    }
}

pub(crate) fn handshake() -> Value {
    json!([{"channel": "/meta/handshake", "id": "1", "version": "1.0", "minimumVersion": "1.0",
        "supportedConnectionTypes": ["long-polling"], "ext": {"replay": true}}])
}

pub(crate) const ACCOUNTS: &str = "/data/AccountChangeEvent";
pub(crate) const SHIPMENTS: &str = "/event/Shipment__e";
