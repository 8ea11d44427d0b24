//! An org: a simulator, as a process of its own or inside this one, and its control API with types.

mod answers;
mod lines;
mod orders;
#[cfg(test)]
mod tests;

pub use answers::{Accepted, ChannelCounts, Made, Planned, SessionCounts, Stats};
pub use orders::{CustomChannel, Fault, How, Publish};

use crate::{Error, Process, program};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simulator::{Options, Simulator, serve};
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running simulator. Dropping it ends it.
#[derive(Debug)]
pub struct Org {
    url: String,
    client: reqwest::Client,
    process: Option<Process>,
    _within: Option<DropGuard>,
}

impl Org {
    /// Starts the simulator's program; its log goes to the file `log`. `arguments` are those of `crossfeed-simulator`,
    /// without `--listen`.
    ///
    /// # Errors
    /// It is not built, or does not start.
    pub async fn start(arguments: &[&str], log: &Path) -> Result<Self, Error> {
        let arguments = ["--listen", "127.0.0.1:0"].iter().chain(arguments);
        let mut process = Process::start(&program("crossfeed-simulator")?, arguments, log)?;
        let address = |line: &str| line.strip_prefix("listening on ").map(str::to_owned);
        let url = process.line("the simulator listens", START_LIMIT, address).await?;
        Ok(Self { url, client: client()?, process: Some(process), _within: None })
    }

    /// Serves an org inside this process, on the current runtime.
    ///
    /// # Errors
    /// There is no port.
    pub async fn within(options: Options) -> Result<Self, Error> {
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::io("no port for the simulator"))?;
        let address = listener.local_addr().map_err(Error::io("no port for the simulator"))?;
        let shutdown = CancellationToken::new();
        let ended = shutdown.clone().cancelled_owned();
        tokio::spawn(async move {
            if let Err(error) = serve(listener, Simulator::new(options), ended).await {
                tracing::error!(%error, "the simulator ended");
            }
        });
        Ok(Self {
            url: format!("{scheme}://{address}"),
            client: client()?,
            process: None,
            _within: Some(shutdown.drop_guard()),
        })
    }

    /// Where it listens, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process; none where it is inside this one.
    #[must_use]
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// Makes events. With a rate it returns at once.
    ///
    /// # Errors
    /// The simulator refuses.
    pub async fn publish(&self, order: &Publish) -> Result<(), Error> {
        self.post("publish", order).await.map(drop)
    }

    /// Hands every event ever made on a channel to `each`, in order.
    ///
    /// # Errors
    /// No such channel.
    pub async fn ledger(&self, channel: &str, each: impl FnMut(Made)) -> Result<(), Error> {
        self.lines("ledger", &[("channel", channel)], each).await
    }

    /// The replay id of the newest event of a channel; none where none was made.
    ///
    /// # Errors
    /// No such channel.
    pub async fn newest(&self, channel: &str) -> Result<Option<i64>, Error> {
        let mut newest = None;
        self.ledger(channel, |made| newest = Some(made.replay_id)).await?;
        Ok(newest)
    }

    /// Hands every event of an object that was accepted by REST to `each`, in order.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn accepted(&self, object: &str, each: impl FnMut(Accepted)) -> Result<(), Error> {
        self.lines("accepted", &[("object", object)], each).await
    }

    /// Counts of everything.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let answer = answered("GET stats", self.client.get(self.control("stats")).send().await?).await?;
        parsed("GET stats", &answer.bytes().await?)
    }

    /// Plans a faulty reply; its number is for [`lift`](Self::lift) and [`planned`](Self::planned).
    ///
    /// # Errors
    /// The simulator refuses.
    pub async fn fault(&self, fault: &Fault) -> Result<u64, Error> {
        self.count("faults", fault, "number").await
    }

    /// Ends a planned fault.
    ///
    /// # Errors
    /// There is none of this number.
    pub async fn lift(&self, number: u64) -> Result<(), Error> {
        let call = format!("faults/{number}");
        answered(&call, self.client.delete(self.control(&call)).send().await?).await.map(drop)
    }

    /// Every fault that was ever planned, with how often it struck.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn planned(&self) -> Result<Vec<Planned>, Error> {
        #[derive(serde::Deserialize)]
        struct All {
            faults: Vec<Planned>,
        }
        let answer = answered("GET faults", self.client.get(self.control("faults")).send().await?).await?;
        parsed::<All>("GET faults", &answer.bytes().await?).map(|all| all.faults)
    }

    /// Forgets planned faults.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn clear_faults(&self) -> Result<(), Error> {
        answered("DELETE faults", self.client.delete(self.control("faults")).send().await?).await.map(drop)
    }

    /// Lets everything on a channel age out; how many events that were.
    ///
    /// # Errors
    /// No such channel.
    pub async fn expire(&self, channel: &str) -> Result<u64, Error> {
        self.expire_but(channel, 0).await
    }

    /// Lets all but the newest `keep` events of a channel age out; how many are gone.
    ///
    /// # Errors
    /// No such channel.
    pub async fn expire_but(&self, channel: &str, keep: u64) -> Result<u64, Error> {
        self.count("expire", &json!({"channel": channel, "keep": keep}), "expired").await
    }

    /// Lets a channel's ids begin anew, lower than before: without events, as a refreshed sandbox does, or, to `keep`
    /// them, with the retained ones under new ids, as an instance's migration does. Change events share their ids, so all
    /// of those channels restart; their names are the answer.
    ///
    /// # Errors
    /// No such channel.
    pub async fn restart_stream(&self, channel: &str, keep: bool) -> Result<Vec<String>, Error> {
        #[derive(serde::Deserialize)]
        struct Restarted {
            restarted: Vec<String>,
        }
        let answer = self.post("streams/restart", &json!({"channel": channel, "keep": keep})).await?;
        parsed::<Restarted>("streams/restart", &answer.bytes().await?).map(|answer| answer.restarted)
    }

    /// Puts another org behind the same login. Tokens and sessions of the one before are no longer known.
    ///
    /// # Errors
    /// That is no org's id.
    pub async fn change_org(&self, org_id: &str) -> Result<(), Error> {
        self.post("org", &json!({"org_id": org_id})).await.map(drop)
    }

    /// Changes how the Streaming API behaves: fields as the simulator's README describes them.
    ///
    /// # Errors
    /// There is no such field.
    pub async fn streaming(&self, fields: &Value) -> Result<(), Error> {
        self.post("streaming", fields).await.map(drop)
    }

    /// Ends all sessions; how many that were.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn end_sessions(&self, how: How) -> Result<u64, Error> {
        self.count("sessions/end", &json!({"how": how}), "ended").await
    }

    /// Makes all tokens invalid; how many that were.
    ///
    /// # Errors
    /// The simulator does not answer.
    pub async fn revoke_tokens(&self) -> Result<u64, Error> {
        self.count("tokens/revoke", &json!({}), "revoked").await
    }

    /// Adds a channel. `fields`, for platform events, are as the simulator's README describes them.
    ///
    /// # Errors
    /// That is no channel's name.
    pub async fn add_channel(&self, channel: &str, fields: Option<&Value>) -> Result<(), Error> {
        let order = match fields {
            Some(fields) => json!({"channel": channel, "fields": fields}),
            None => json!({"channel": channel}),
        };
        self.post("channels", &order).await.map(drop)
    }

    /// Adds a custom channel, or gives one other members.
    ///
    /// # Errors
    /// A member is not known, or the filter is not understood.
    pub async fn compose(&self, channel: &CustomChannel) -> Result<(), Error> {
        self.post("channels", channel).await.map(drop)
    }

    /// Changes what the org's administrator decided about logins: fields as the simulator's README describes them.
    ///
    /// # Errors
    /// There is no such field.
    pub async fn policy(&self, fields: &Value) -> Result<(), Error> {
        self.post("login", fields).await.map(drop)
    }

    /// Sets how many API calls and deliveries are used, and how many there are: `api_used`, `api_max`,
    /// `delivered_used`, `delivered_max`.
    ///
    /// # Errors
    /// There is no such field.
    pub async fn limits(&self, fields: &Value) -> Result<(), Error> {
        self.post("limits", fields).await.map(drop)
    }

    async fn count(&self, call: &str, order: &impl Serialize, word: &str) -> Result<u64, Error> {
        let answer: Value = parsed(call, &self.post(call, order).await?.bytes().await?)?;
        answer.get(word).and_then(Value::as_u64).ok_or_else(|| Error::malformed(call, format!("no `{word}`")))
    }

    async fn post(&self, call: &str, order: &impl Serialize) -> Result<reqwest::Response, Error> {
        answered(call, self.client.post(self.control(call)).json(order).send().await?).await
    }

    async fn lines<T: DeserializeOwned>(
        &self,
        call: &str,
        query: &[(&str, &str)],
        mut each: impl FnMut(T),
    ) -> Result<(), Error> {
        // Channels need no escaping: they are letters, digits, `_` and `/`.
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url = format!("{}?{}", self.control(call), query.join("&"));
        let mut answer = answered(call, self.client.get(url).send().await?).await?;
        let mut lines = lines::Lines::default();
        while let Some(piece) = answer.chunk().await? {
            lines.feed(&piece, |line| parsed(call, line).map(&mut each))?;
        }
        Ok(())
    }

    fn control(&self, call: &str) -> String {
        format!("{}/simulator/{call}", self.url)
    }
}

async fn answered(call: &str, answer: reqwest::Response) -> Result<reqwest::Response, Error> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    Err(Error::Refused { call: call.to_owned(), status, body: answer.text().await? })
}

fn parsed<T: DeserializeOwned>(call: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::malformed(call, error))
}

fn client() -> Result<reqwest::Client, Error> {
    // A stand-in of ours on loopback: its certificate is a matter between it and the bridge.
    Ok(reqwest::Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .read_timeout(ANSWER_LIMIT)
        .build()?)
}

const START_LIMIT: Duration = Duration::from_secs(20);
/// A million events are rendered before their order is answered.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
