//! Apache Kafka: one broker on this machine, started from its jars by `scripts/kafka`.

use crate::{Error, Proxy, until};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A running broker, in a folder of its own that goes with it. Dropping it ends it at once.
#[derive(Debug)]
pub struct Kafka {
    data: PathBuf,
    bootstrap: String,
    /// Whether it asks who one is, and lets nobody do what was not allowed.
    authorizer: bool,
    /// The port that it tells clients instead of its own.
    advertised: Option<u16>,
    /// Removed when dropped, after the broker was ended.
    folder: Option<TempDir>,
}

impl Kafka {
    /// Starts a broker whose data is removed with it. The first time on a machine, its jars are downloaded.
    ///
    /// # Errors
    /// The script failed; what it said is on standard error.
    pub async fn start() -> Result<Self, Error> {
        Self::temporary(false).await
    }

    /// As [`Kafka::start`], with Kafka's `StandardAuthorizer` and SASL/PLAIN: users `admin`, who may do everything,
    /// `crossfeed` and `operator`, who may do what [`Kafka::allow`] says. A password is the name and `-secret`.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn start_with_authorizer() -> Result<Self, Error> {
        Self::temporary(true).await
    }

    async fn temporary(authorizer: bool) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("crossfeed-kafka-").tempdir();
        let folder = folder.map_err(Error::io("no temporary folder"))?;
        let data = folder.path().to_owned();
        let mut kafka = Self { data, bootstrap: String::new(), authorizer, advertised: None, folder: Some(folder) };
        kafka.start_again().await?;
        Ok(kafka)
    }

    /// As [`Kafka::start`], and it tells its clients to come through a proxy. [`Kafka::bootstrap`] is still its own address.
    ///
    /// # Errors
    /// As [`Kafka::start`], or there is no port for the proxy.
    pub async fn behind_a_proxy() -> Result<(Self, Proxy), Error> {
        let folder = tempfile::Builder::new().prefix("crossfeed-kafka-").tempdir();
        let folder = folder.map_err(Error::io("no temporary folder"))?;
        let (data, bootstrap) = (folder.path().to_owned(), String::new());
        // Where it leads is known once the broker has a port.
        let proxy = Proxy::start("127.0.0.1:0").await?;
        let advertised = Some(proxy.address().port());
        let mut kafka = Self { data, bootstrap, authorizer: false, advertised, folder: Some(folder) };
        kafka.start_again().await?;
        proxy.lead_to(kafka.bootstrap());
        Ok((kafka, proxy))
    }

    /// Starts a broker with its data in `data`, which is kept.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub async fn start_in(data: &Path) -> Result<Self, Error> {
        let (data, bootstrap) = (data.to_owned(), String::new());
        let mut kafka = Self { data, bootstrap, authorizer: false, advertised: None, folder: None };
        kafka.start_again().await?;
        Ok(kafka)
    }

    /// Starts it after [`Kafka::stop`] or [`Kafka::kill`]: the same data, the same port.
    ///
    /// # Errors
    /// As [`Kafka::start`], or the port was taken by another process meanwhile.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        let parent = std::process::id().to_string();
        let mut arguments = vec!["start", "--parent", &parent];
        if self.folder.is_some() {
            // Removed also where nothing of ours is dropped: after a kill, and in a static.
            arguments.push("--temporary");
        }
        if self.authorizer {
            arguments.push("--authorizer");
        }
        let advertised = self.advertised.map(|port| port.to_string());
        if let Some(port) = &advertised {
            arguments.extend(["--advertise", port]);
        }
        let said = self.script(&arguments).await?;
        let bootstrap = said.trim();
        if !self.bootstrap.is_empty() && self.bootstrap != bootstrap {
            return Err(Error::malformed("scripts/kafka start", format!("{bootstrap}, not {}", self.bootstrap)));
        }
        bootstrap.clone_into(&mut self.bootstrap);
        Ok(())
    }

    /// Its address, `localhost:PORT`.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// How to connect to it; with an authorizer, as the user `crossfeed`.
    #[must_use]
    pub fn cluster(&self) -> kafka::Cluster {
        if self.authorizer {
            return self.cluster_as("crossfeed");
        }
        kafka::Cluster { brokers: self.bootstrap.clone(), ..kafka::Cluster::default() }
    }

    /// How to connect to one with an authorizer as one of its users.
    #[must_use]
    pub fn cluster_as(&self, user: &str) -> kafka::Cluster {
        let settings = [
            ("security.protocol", "sasl_plaintext".to_owned()),
            ("sasl.mechanism", "PLAIN".to_owned()),
            ("sasl.username", user.to_owned()),
            ("sasl.password", format!("{user}-secret")),
        ];
        let librdkafka = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        kafka::Cluster { brokers: self.bootstrap.clone(), librdkafka }
    }

    /// Lets a user of one with an authorizer do something from now on: `operation` is `read`, `write`, `create`,
    /// `describe`, `describe_configs` or `all`; `resource` is `topic:NAME`, `group:NAME` or `cluster:kafka-cluster`.
    ///
    /// # Errors
    /// The script failed; what it said is on standard error.
    pub async fn allow(&self, user: &str, operation: &str, resource: &str) -> Result<(), Error> {
        self.script(&["allow", "--user", user, "--may", operation, "--on", resource]).await.map(drop)
    }

    /// Asks it to stop, and waits for that.
    ///
    /// # Errors
    /// The script failed.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.script(&["stop"]).await.map(drop)
    }

    /// Ends it at once, as a crash would.
    ///
    /// # Errors
    /// The script failed.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.script(&["stop", "--kill"]).await.map(drop)
    }

    async fn script(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut script = Script::start(&self.data, arguments)?;
        let what = format!("scripts/kafka {}", arguments.join(" "));
        let status =
            until(&what, SCRIPT_LIMIT, async || script.0.try_wait().map_err(Error::io("scripts/kafka"))).await?;
        if !status.success() {
            return Err(Error::KafkaNotStarted { status });
        }
        let mut said = String::new();
        if let Some(mut out) = script.0.stdout.take() {
            out.read_to_string(&mut said).map_err(Error::io("scripts/kafka"))?;
        }
        Ok(said)
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if let Ok(mut script) = Script::start(&self.data, &["stop", "--kill"]) {
            let _nothing_more_can_be_done = script.0.wait();
        }
    }
}

/// Whether tests that need Kafka are skipped (`CROSSFEED_SKIP_KAFKA=1`); if so, it says which test that is.
#[must_use]
pub fn kafka_is_skipped() -> bool {
    let skipped = std::env::var_os("CROSSFEED_SKIP_KAFKA").is_some_and(|value| value == "1");
    if skipped {
        // Written past the capture of passing tests, so that it is seen.
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        let _ = writeln!(std::io::stderr(), "test {name} ... skipped: CROSSFEED_SKIP_KAFKA=1");
    }
    skipped
}

/// Kafka for a test; `None`, and it says so, where such tests are skipped.
///
/// # Panics
/// Kafka cannot be started: the test fails, and says what to do.
#[expect(clippy::panic, reason = "a test's failure")]
pub async fn kafka_or_skip() -> Option<Kafka> {
    if kafka_is_skipped() {
        return None;
    }
    match Kafka::start().await {
        Ok(kafka) => Some(kafka),
        Err(error) => panic!("{}\nWithout Kafka: CROSSFEED_SKIP_KAFKA=1 skips the tests that need it", error.told()),
    }
}

/// `scripts/kafka` of the checkout that runs: a build folder may serve several, so what was known when this was compiled
/// comes last.
#[must_use]
pub fn kafka_script() -> PathBuf {
    let running = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    for place in running.into_iter().chain(std::env::current_dir()) {
        let found = place.ancestors().map(|folder| folder.join("scripts/kafka")).find(|path| path.is_file());
        if let Some(found) = found {
            return found;
        }
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka")
}

/// The running script, in a process group of its own that ends with it.
struct Script(Child);

impl Script {
    fn start(data: &Path, arguments: &[&str]) -> Result<Self, Error> {
        let path = kafka_script();
        let script = Command::new(&path)
            .args(arguments)
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn();
        script.map(Self).map_err(Error::io(format!("cannot run {}", path.display())))
    }
}

/// A start that nobody waits for any more: the broker, if it is there already, is found by its id.
impl Drop for Script {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            if let Ok(pid) = i32::try_from(self.0.id()) {
                let _ended_already = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            }
            let _ = self.0.wait();
        }
    }
}

/// A first start downloads 45 MB.
const SCRIPT_LIMIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::{Look, Rights, TopicSeen};

    #[tokio::test]
    async fn a_user_may_do_what_was_allowed_and_nothing_else() {
        if kafka_is_skipped() {
            return;
        }
        let broker = Kafka::start_with_authorizer().await.unwrap();
        let admin = kafka::Producer::new(&broker.cluster_as("admin"), "test", 1 << 20).unwrap();
        let create = Some(kafka::Creation { partitions: 1, replication: 1 });
        admin.ensure_topic(&kafka::Topic { name: "orders".to_owned(), create }, SCRIPT_LIMIT).await.unwrap();
        let look = Look { topics: vec!["orders".to_owned()], ..Look::default() };
        let seen = async || broker.cluster().look(&look, SCRIPT_LIMIT).await.unwrap().topics.remove("orders");
        assert_eq!(seen().await, Some(TopicSeen::Hidden));
        broker.allow("crossfeed", "write", "topic:orders").await.unwrap();
        let rights = Rights { read: Some(false), write: Some(true), describe: Some(true) };
        assert_eq!(seen().await, Some(TopicSeen::Exists { partitions: 1, rights }));
    }
}
