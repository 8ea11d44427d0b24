//! The file without its orgs and clusters: what a command needs that connects nowhere. No secret is looked up, so that
//! none need be there.

use super::problem::{Problem, Problems, Reader};
use super::value::Address;
use super::{DEFAULT_ADMIN, DEFAULT_POSITIONS, Feed, feed, named};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The feeds of a file, where their positions are, and where the process that runs them listens.
#[derive(Debug)]
pub struct Outline {
    /// The feeds, in order of their names.
    pub feeds: Vec<Feed>,
    /// The folder of the position store.
    pub positions: PathBuf,
    /// Where metrics, health and status are served.
    pub admin: SocketAddr,
}

impl Outline {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with the part of it that is read.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::unreadable(path, format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(|problems| Problems { path: path.to_owned(), problems })
    }

    /// Understands the text of a file.
    ///
    /// # Errors
    /// What is wrong with the part of it that is read.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(text);
        let outline = Self::read(&mut reader);
        match (outline, reader.finish()) {
            (Some(outline), problems) if problems.is_empty() => Ok(outline),
            (_, problems) => Err(problems),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut document = reader.document()?;
        let mut root = reader.table(&mut document)?;
        let positions = root.optional::<String>("positions").unwrap_or_else(|| DEFAULT_POSITIONS.to_owned());
        let admin = root.optional::<Address>("admin").map_or(DEFAULT_ADMIN, |address| address.0);
        let orgs = named(reader, &mut root, "org", |_, _, _| Some(()));
        let clusters = named(reader, &mut root, "kafka", |_, _, _| Some(()));
        let names = feed::Names { orgs: orgs.into_keys().collect(), clusters: clusters.into_keys().collect() };
        let feeds = named(reader, &mut root, "feed", |reader, name, value| feed::read(reader, name, value, &names));
        // What else there is concerns a process that runs.
        root.table.clear();
        reader.close(root);
        Some(Self { feeds: feeds.into_values().flatten().collect(), positions: PathBuf::from(positions), admin })
    }
}
