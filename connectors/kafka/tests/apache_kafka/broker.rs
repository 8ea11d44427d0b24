//! A broker for the tests, and what they all need from it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use kafka::{Cluster, Creation, Producer, Receipt, Record, Sent, Topic};

/// Longer than anything here takes on a busy machine; reached only when something is broken.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Broker {
    data: PathBuf,
    pub(crate) cluster: Cluster,
}

impl Broker {
    /// The one all tests share that do not stop it. `None`: skipped.
    pub(crate) fn shared() -> Option<&'static Broker> {
        static SHARED: OnceLock<Option<Broker>> = OnceLock::new();
        // Asked each time, so that each test says it.
        if skipped() { None } else { SHARED.get_or_init(Broker::start).as_ref() }
    }

    /// The one that asks who one is, and lets nobody but `admin` do what [`Broker::allow`] has not allowed. Its cluster is
    /// that user's. `None`: skipped.
    pub(crate) fn guarded() -> Option<&'static Broker> {
        static GUARDED: OnceLock<Broker> = OnceLock::new();
        if skipped() {
            return None;
        }
        Some(GUARDED.get_or_init(|| {
            let data = tempfile::tempdir().unwrap().keep();
            let brokers = start(&data, &["--authorizer"]);
            Broker { data, cluster: user(&brokers, "admin", "admin-secret") }
        }))
    }

    /// As a user sees it: `crossfeed` and `operator` may do nothing at first.
    pub(crate) fn seen_by(&self, name: &str) -> Cluster {
        user(&self.cluster.brokers, name, &format!("{name}-secret"))
    }

    pub(crate) fn allow(&self, user: &str, operation: &str, resource: &str) {
        run(&self.data, &["allow", "--user", user, "--may", operation, "--on", resource]);
    }

    /// One of its own, for a test that stops it. It and its data are gone when this process is.
    pub(crate) fn start() -> Option<Broker> {
        if skipped() {
            return None;
        }
        let data = tempfile::tempdir().unwrap().keep();
        let brokers = start(&data, &[]);
        Some(Broker { data, cluster: cluster(&brokers, &[]) })
    }

    pub(crate) fn kill(&self) {
        run(&self.data, &["stop", "--kill"]);
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&self) {
        assert_eq!(start(&self.data, &[]), self.cluster.brokers, "the port has changed");
    }

    /// A topic of the test's own.
    pub(crate) async fn topic(&self, name: &str, partitions: i32) -> String {
        let topic = Topic { name: name.to_owned(), create: Some(Creation { partitions, replication: 1 }) };
        assert!(self.producer().ensure_topic(&topic, LIMIT).await.unwrap().created, "{name} exists");
        topic.name
    }

    pub(crate) fn producer(&self) -> Producer {
        Producer::new(&self.cluster, "test", 32 << 20).unwrap()
    }
}

fn skipped() -> bool {
    let skipped = std::env::var("CROSSFEED_SKIP_KAFKA").is_ok_and(|value| value == "1");
    if skipped {
        // Written past the capture of passing tests, so that it is seen.
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        let _ = writeln!(std::io::stderr(), "test {name} ... skipped: CROSSFEED_SKIP_KAFKA=1");
    }
    skipped
}

pub(crate) fn cluster(brokers: &str, settings: &[(&str, &str)]) -> Cluster {
    let librdkafka: BTreeMap<_, _> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Cluster { brokers: brokers.to_owned(), librdkafka }
}

/// With SASL/PLAIN, as the brokers of [`Broker::guarded`] want it.
pub(crate) fn user(brokers: &str, name: &str, password: &str) -> Cluster {
    let settings = [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", name),
        ("sasl.password", password),
    ];
    cluster(brokers, &settings)
}

/// Nobody listens there.
pub(crate) fn nowhere(settings: &[(&str, &str)]) -> Cluster {
    cluster("127.0.0.1:1", settings)
}

/// Records that hold their number, all with the key `k`.
pub(crate) fn send_numbered(producer: &Producer, topic: &str, numbers: std::ops::Range<usize>) -> Receipt {
    let mut batch = producer.batch();
    for number in numbers {
        let value = number.to_string();
        let record = Record { topic, key: Some(b"k"), value: value.as_bytes(), ..Record::default() };
        assert_eq!(batch.send(&record), Ok(Sent::Queued));
    }
    batch.finish()
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}

fn start(data: &Path, how: &[&str]) -> String {
    run(data, &[&["start", "--temporary", "--parent", &std::process::id().to_string()], how].concat())
}

fn run(data: &Path, arguments: &[&str]) -> String {
    // Of the checkout that runs: a build folder may serve several.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/kafka").to_owned();
    let script = std::env::var("CARGO_MANIFEST_DIR").map_or(script, |folder| format!("{folder}/../../scripts/kafka"));
    let output =
        Command::new(&script).args(arguments).arg("--data").arg(data).stdin(Stdio::null()).output().expect(&script);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "these tests need Apache Kafka, and {script} {arguments:?} failed (CROSSFEED_SKIP_KAFKA=1 skips them):\n{said}"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
