//! The bridge: the `crossfeed` program between an org and Kafka.

mod status;

pub use status::{FeedStatus, Paused, Problem, Status, StreamStatus};

use crate::{Error, Figures, Org, Process, program, until};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// A running bridge, with its configuration, positions and log in a folder. Dropping it ends it at once.
#[derive(Debug)]
pub struct Bridge {
    process: Process,
    config: PathBuf,
    log: PathBuf,
    admin: String,
    client: reqwest::Client,
}

impl Bridge {
    /// Writes `config` to `crossfeed.toml` in `folder`, runs it, and waits until the admin listener serves. The log is
    /// `crossfeed.log` there; that of an earlier run is kept in it.
    ///
    /// # Errors
    /// It is not built, or does not start.
    pub async fn start(folder: &Path, config: &str) -> Result<Self, Error> {
        Self::start_in(folder, config, &[]).await
    }

    /// The same, with these variables in its environment besides ours.
    ///
    /// # Errors
    /// It is not built, or does not start.
    pub async fn start_in(folder: &Path, config: &str, environment: &[(&str, &str)]) -> Result<Self, Error> {
        let path = folder.join("crossfeed.toml");
        std::fs::write(&path, config).map_err(Error::file(&path))?;
        let log = folder.join("crossfeed.log");
        let (process, admin) = run(&path, &log, &[], environment).await?;
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_LIMIT).build()?;
        Ok(Self { process, config: path, log, admin, client })
    }

    /// Ends it where it still runs, and runs the same configuration again.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        self.start_again_with(&[]).await
    }

    /// The same, with more words for `crossfeed run`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_again_with(&mut self, arguments: &[&str]) -> Result<(), Error> {
        self.kill()?;
        (self.process, self.admin) = run(&self.config, &self.log, arguments, &[]).await?;
        Ok(())
    }

    /// What `/status` says.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn status(&self) -> Result<Status, Error> {
        let text = self.get("/status").await?;
        serde_json::from_str(&text).map_err(|error| Error::malformed("/status", error))
    }

    /// What `/metrics` says.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn metrics(&self) -> Result<String, Error> {
        self.get("/metrics").await
    }

    /// Waits until `/status` is as it should be; `what` is said when it is not, with the last lines of the log.
    ///
    /// # Errors
    /// [`Error::Late`], or [`Error::Ended`] when the bridge ended first.
    pub async fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        condition: impl Fn(&Status) -> bool,
    ) -> Result<Status, Error> {
        let waited = until(what, limit, async || match self.status().await {
            Ok(status) => Ok(condition(&status).then_some(status)),
            Err(error) => Err(self.process.ended()?.unwrap_or(error)),
        });
        match waited.await {
            Err(Error::Late { what, limit, said }) => {
                let status = self.get("/status").await.unwrap_or_else(|error| error.told());
                let said = format!("{said}\nits status: {status}");
                Err(self.process.with_log(Error::Late { what, limit, said }))
            }
            done => done,
        }
    }

    /// Asks it to end with SIGTERM, and waits for that.
    ///
    /// # Errors
    /// [`Error::Late`].
    pub async fn terminate(&mut self) -> Result<ExitStatus, Error> {
        self.process.terminate(END_LIMIT).await
    }

    /// Asks it to end with SIGTERM, and sees to it that it does so with exit status 0.
    ///
    /// # Errors
    /// [`Error::Late`], or [`Error::Disorderly`].
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(END_LIMIT).await
    }

    /// Ends it at once, with SIGKILL.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it took of the machine so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn figures(&self) -> Result<Figures, Error> {
        self.process.figures()
    }

    /// Where its admin listener is, `127.0.0.1:PORT`.
    #[must_use]
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The file with its configuration.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The file with its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it logged, all runs together.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn log_text(&self) -> Result<String, Error> {
        std::fs::read_to_string(&self.log).map_err(Error::file(&self.log))
    }

    /// What the admin listener answers to a path.
    ///
    /// # Errors
    /// It does not answer, or not with success.
    pub async fn get(&self, path: &str) -> Result<String, Error> {
        let answer = self.client.get(format!("http://{}{path}", self.admin)).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        if status.is_success() {
            return Ok(body);
        }
        Err(Error::Refused { call: path.to_owned(), status: status.as_u16(), body })
    }
}

/// The part of a configuration that says where everything is: positions in `folder`, any free port for the admin listener,
/// the org `acme`, and the cluster `main`. The feeds follow it.
///
/// # Errors
/// The file with the org's secret cannot be written.
pub fn surroundings(folder: &Path, org: &Org, brokers: &str) -> Result<String, Error> {
    let (positions, secret) = (folder.join("positions"), folder.join("client_secret"));
    let options = simulator::Options::default();
    std::fs::write(&secret, &options.client_secret).map_err(Error::file(&secret))?;
    Ok(format!(
        r#"positions = "{}"
admin = "127.0.0.1:0"

[org.acme.login.client_credentials]
url = "{}"
client_id = "{}"
client_secret = {{ file = "{}" }}

[kafka.main]
brokers = "{brokers}"
"#,
        positions.display(),
        org.url(),
        options.client_id,
        secret.display(),
    ))
}

async fn run(
    config: &Path,
    log: &Path,
    more: &[&str],
    environment: &[(&str, &str)],
) -> Result<(Process, String), Error> {
    let arguments = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
    let arguments = arguments.into_iter().chain(more.iter().map(AsRef::as_ref));
    let mut process = Process::start_in(&program("crossfeed")?, arguments, log, environment)?;
    let admin = process.line("crossfeed serves its status", START_LIMIT, admin_address).await?;
    Ok((process, admin))
}

fn admin_address(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        message: String,
        address: Option<String>,
    }
    let line: Line = serde_json::from_str(line).ok()?;
    line.address.filter(|_| line.message.starts_with("serving /metrics"))
}

const START_LIMIT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Somewhat more than the bridge's own limit, `shutdown_timeout`.
const END_LIMIT: Duration = Duration::from_secs(40);
