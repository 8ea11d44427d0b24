//! The configuration file: what was written, and what it means.
//!
//! One TOML file describes everything. It is read whole before anything connects, and all that is wrong with it is told
//! at once, each with its line and column. Nothing else in the project parses configuration. The values that stand where
//! a secret belongs are never repeated in a message.

mod cluster;
mod feed;
mod org;
mod outline;
mod problem;
mod template;
mod value;

pub use cluster::Cluster;
pub use feed::{Creation, Feed, From, KafkaSink, KafkaSource, PlatformEventSink, SalesforceSource, Start, To};
pub use org::Org;
pub use outline::Outline;
pub use problem::{Problem, Problems};
pub use template::{Facts, Template};
pub(crate) use value::is_name;

use bytesize::ByteSize;
use problem::Reader;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml_span::value::Table;
use value::{Address, Size, Time};

/// What a configuration file means.
#[derive(Debug)]
pub struct Config {
    /// The orgs, by name.
    pub orgs: BTreeMap<String, Org>,
    /// The Kafka clusters, by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// The feeds, in order of their names.
    pub feeds: Vec<Feed>,
    /// The folder of the position store.
    pub positions: PathBuf,
    /// Where metrics, health and status are served.
    pub admin: SocketAddr,
    /// Bytes that all events on their way may take together.
    pub memory: usize,
    /// The largest reply of a server in bytes.
    pub reply_limit: usize,
    /// How long a shut-down waits for what is on its way.
    pub shutdown_timeout: Duration,
}

impl Config {
    /// Where the file is looked for when none is named.
    pub const PLACES: [&str; 2] = ["crossfeed.toml", "/etc/crossfeed/crossfeed.toml"];

    /// Reads and understands a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, together.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        Self::parse(&Self::text(path)?).map_err(|problems| Problems { path: path.to_owned(), problems })
    }

    fn text(path: &Path) -> Result<String, Problems> {
        std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, format!("cannot be read: {error}")))
    }

    /// Understands the text of a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, together, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(text);
        let config = Self::read(&mut reader);
        match (config, reader.finish()) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(problems),
        }
    }

    /// The folder of what logins leave behind: refresh tokens, and logins that failed for good. Beside the positions, so
    /// that both live on one volume.
    #[must_use]
    pub fn logins(&self) -> PathBuf {
        logins_beside(&self.positions)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut document = reader.document()?;
        let mut root = reader.table(&mut document)?;
        let positions = root.optional::<String>("positions").unwrap_or_else(|| DEFAULT_POSITIONS.to_owned());
        let logins = logins_beside(Path::new(&positions));
        let orgs = named(reader, &mut root, "org", |reader, name, value| org::read(reader, name, value, &logins));
        let clusters = named(reader, &mut root, "kafka", cluster::read);
        let names = feed::Names { orgs: orgs.keys().cloned().collect(), clusters: clusters.keys().cloned().collect() };
        let feeds = named(reader, &mut root, "feed", |reader, name, value| feed::read(reader, name, value, &names));
        let feeds: Vec<Feed> = feeds.into_values().flatten().collect();
        if feeds.is_empty() && reader.is_clean() {
            reader.problem(
                root_span(),
                "no feed is described: write at least one [feed.NAME.from.…] and [feed.NAME.to.…]",
            );
        }
        let admin = root.optional::<Address>("admin").map_or(DEFAULT_ADMIN, |address| address.0);
        let memory = root.optional_s::<Size>("memory");
        if let Some(memory) = memory.as_ref().filter(|memory| memory.value.0 < LEAST_MEMORY) {
            reader.problem(memory.span, format!("too little to work with: give {LEAST_MEMORY} or more"));
        }
        let memory = memory.map_or(DEFAULT_MEMORY, |size| size.value.0);
        let reply_limit = root.optional::<Size>("reply_limit").map_or(DEFAULT_REPLY_LIMIT, |size| size.0);
        let shutdown = root.optional::<Time>("shutdown_timeout").map_or(DEFAULT_SHUTDOWN, |time| time.0);
        reader.close(root);
        let orgs: Option<BTreeMap<_, _>> = orgs.into_iter().map(|(name, org)| Some((name, org?))).collect();
        let clusters: Option<BTreeMap<_, _>> = clusters.into_iter().map(|(name, it)| Some((name, it?))).collect();
        Some(Self {
            orgs: orgs?,
            clusters: clusters?,
            feeds,
            positions: PathBuf::from(positions),
            admin,
            memory: bytes(memory),
            reply_limit: bytes(reply_limit),
            shutdown_timeout: shutdown,
        })
    }
}

/// Reads the tables under one word, `[org.NAME]` and the like. A name whose table is wrong stays known, so that what
/// refers to it is not reported as well.
fn named<'t, T>(
    reader: &mut Reader<'t>,
    root: &mut toml_span::de_helpers::TableHelper<'t>,
    word: &'static str,
    mut read: impl FnMut(&mut Reader<'t>, &str, &mut toml_span::Value<'t>) -> Option<T>,
) -> BTreeMap<String, Option<T>> {
    let mut all = BTreeMap::new();
    let Some((_, mut value)) = root.take(word) else { return all };
    let Some(table) = reader.table(&mut value) else { return all };
    let table: Table<'t> = table.table;
    for (key, mut value) in table {
        if !is_name(&key.name) {
            reader.problem(key.span, format!("`{}` is not a name: use letters, digits, `-` and `_`", key.name));
        }
        let read = read(reader, &key.name, &mut value);
        all.insert(key.name.to_string(), read);
    }
    all
}

fn logins_beside(positions: &Path) -> PathBuf {
    positions.join("logins")
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

fn root_span() -> toml_span::Span {
    toml_span::Span::new(0, 0)
}

const DEFAULT_POSITIONS: &str = "crossfeed-positions";
const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);
const DEFAULT_MEMORY: ByteSize = ByteSize::mib(64);
const LEAST_MEMORY: ByteSize = ByteSize::mib(1);
const DEFAULT_REPLY_LIMIT: ByteSize = ByteSize::mib(64);
const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
