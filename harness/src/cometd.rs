//! A real CometD server: a process of `scripts/cometd`, told what to do on its standard input.

use crate::{Error, kafka_is_skipped, kafka_script};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A running CometD 8 server with the acknowledgement extension, over long polling and WebSocket. Dropping it ends it at
/// once; so does the end of this process, since its standard input ends then.
#[derive(Debug)]
pub struct CometD {
    url: String,
    child: Child,
    talk: Mutex<Talk>,
}

#[derive(Debug)]
struct Talk {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl CometD {
    /// Starts one; `options` are those of its `BayeuxServer`, as `timeout=5000` and `maxInterval=2000` (milliseconds). The
    /// first time on a machine, it is built.
    ///
    /// # Errors
    /// The script failed; what it said is on standard error.
    pub async fn start(options: &[&str]) -> Result<Self, Error> {
        let mut child = Command::new(script())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(format!("cannot run {}", script().display())))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (orders, answers) = pipes.ok_or_else(|| Error::malformed(CALL, "no pipes"))?;
        let mut talk = Talk { orders, answers: BufReader::new(answers).lines() };
        let greeting = talk.answer("the CometD server listens", START_LIMIT).await?;
        let url = greeting.strip_prefix("listening on ").ok_or_else(|| Error::malformed(CALL, &greeting))?;
        Ok(Self { url: url.to_owned(), child, talk: Mutex::new(talk) })
    }

    /// Where it listens, `http://127.0.0.1:PORT/cometd`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Publishes one event whose data is this JSON text, byte by byte.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn publish(&self, channel: &str, data: &str) -> Result<(), Error> {
        self.order(&format!("publish {channel} {data}")).await.map(drop)
    }

    /// Publishes so many events `{"number":…}`: the numbers of a channel rise by one, from 1.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn publish_many(&self, channel: &str, count: u64) -> Result<(), Error> {
        self.order(&format!("publish-many {channel} {count}")).await.map(drop)
    }

    /// How many sessions it has.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn sessions(&self) -> Result<u64, Error> {
        self.order("sessions").await
    }

    /// How many sessions have a connect held by long polling.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn held(&self) -> Result<u64, Error> {
        self.order("held").await
    }

    /// Forgets all sessions, as it does those that were silent for too long: a held connect is held on to its end and
    /// then answered as if nothing were wrong, and the next one is told `402::session_unknown`. How many that were.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn remove_sessions(&self) -> Result<u64, Error> {
        self.order("remove-sessions").await
    }

    /// Ends all sessions by `/meta/disconnect` to their clients; how many that were.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn disconnect_sessions(&self) -> Result<u64, Error> {
        self.order("disconnect-sessions").await
    }

    /// Ends it at once, as a crash would. Its port is free then.
    ///
    /// # Errors
    /// It cannot be ended.
    pub async fn kill(mut self) -> Result<(), Error> {
        self.child.kill().await.map_err(Error::io("cannot end the CometD server"))
    }

    async fn order(&self, line: &str) -> Result<u64, Error> {
        if line.contains('\n') {
            return Err(Error::malformed(CALL, "a command of several lines"));
        }
        let mut talk = self.talk.lock().await;
        let said = talk.orders.write_all(format!("{line}\n").as_bytes()).await;
        said.map_err(Error::io("the CometD server takes no commands"))?;
        let answer = talk.answer(line, ANSWER_LIMIT).await?;
        let number = answer.strip_prefix("ok ").and_then(|number| number.parse().ok());
        number.ok_or_else(|| Error::malformed(line, answer))
    }
}

impl Talk {
    async fn answer(&mut self, what: &str, limit: Duration) -> Result<String, Error> {
        let late = || Error::Late { what: what.to_owned(), limit, said: String::new() };
        let line = timeout(limit, self.answers.next_line()).await.map_err(|_| late())?;
        let line = line.map_err(Error::io("the CometD server cannot be heard"))?;
        line.ok_or_else(|| Error::malformed(CALL, "its end; it said why above"))
    }
}

/// A CometD server for a test; `None`, and it says so, where the tests that need Java are skipped.
///
/// # Panics
/// It cannot be started: the test fails, and says what to do.
#[expect(clippy::panic, reason = "a test's failure")]
pub async fn cometd_or_skip(options: &[&str]) -> Option<CometD> {
    if kafka_is_skipped() {
        return None;
    }
    match CometD::start(options).await {
        Ok(server) => Some(server),
        Err(error) => panic!("{}\nWithout Java: CROSSFEED_SKIP_KAFKA=1 skips the tests that need it", error.told()),
    }
}

/// Beside `scripts/kafka`.
fn script() -> PathBuf {
    kafka_script().with_file_name("cometd")
}

const CALL: &str = "scripts/cometd";
/// A first start downloads its jars.
const START_LIMIT: Duration = Duration::from_secs(300);
/// A hundred thousand events are published before their order is answered.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_answers_orders_and_is_gone_when_killed() {
        let Some(server) = cometd_or_skip(&["timeout=1000"]).await else { return };
        server.publish("/a/b", r#"{"number":12345678901234567890.50}"#).await.unwrap();
        server.publish_many("/a/b", 3).await.unwrap();
        assert_eq!(server.sessions().await.unwrap(), 0);
        assert_eq!(server.remove_sessions().await.unwrap() + server.disconnect_sessions().await.unwrap(), 0);
        assert!(server.publish("not a channel", "{}").await.is_err());
        let address = server.url().strip_prefix("http://").unwrap().trim_end_matches("/cometd").to_owned();
        server.kill().await.unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}
