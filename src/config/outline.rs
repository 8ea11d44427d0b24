//! What a command needs that speaks to a running bridge: where it is, and what its feeds are called.

use super::problem::{Problems, Reader};
use super::value::Time;
use super::{Config, DEFAULT_POSITIONS, DEFAULT_SHUTDOWN, Feed, feed, named};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file's outline. No secret is resolved for it, and what else is wrong with the file is not looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline {
    /// The folder of the position store.
    pub positions: PathBuf,
    /// How long a feed that is told to end waits for what is on its way.
    pub shutdown_timeout: Duration,
    /// The names of the feeds, in their order.
    pub feeds: Vec<String>,
}

impl Outline {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or what the outline needs is wrong.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let text = Config::text(path)?;
        Self::parse(&text).map_err(|problems| Problems { path: path.to_owned(), problems })
    }

    /// Reads a file, and what its feeds are. Of orgs and clusters only the names are looked at.
    ///
    /// # Errors
    /// The same, or something is wrong with a feed.
    pub fn load_with_feeds(path: &Path) -> Result<(Self, Vec<Feed>), Problems> {
        let text = Config::text(path)?;
        let with_feeds = Self::parse(&text).and_then(|outline| Ok((outline, Self::parse_feeds(&text)?)));
        with_feeds.map_err(|problems| Problems { path: path.to_owned(), problems })
    }

    fn parse(text: &str) -> Result<Self, Vec<super::Problem>> {
        parsed(text, Self::read)
    }

    /// The feeds in the text of a file.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse_feeds(text: &str) -> Result<Vec<Feed>, Vec<super::Problem>> {
        parsed(text, |reader| {
            let mut document = reader.document()?;
            let mut root = reader.table(&mut document)?;
            let orgs = named(reader, &mut root, "org", |_, _, _| Some(())).into_keys().collect();
            let clusters = named(reader, &mut root, "kafka", |_, _, _| Some(())).into_keys().collect();
            let names = feed::Names { orgs, clusters, prefix: super::prefix(reader, &mut root) };
            let feeds = named(reader, &mut root, "feed", |reader, name, value| feed::read(reader, name, value, &names));
            reader.close_in_part(root);
            Some(feeds.into_values().flatten().collect())
        })
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut document = reader.document()?;
        let mut root = reader.table(&mut document)?;
        let positions = root.optional::<String>("positions").unwrap_or_else(|| DEFAULT_POSITIONS.to_owned());
        let shutdown_timeout = root.optional::<Time>("shutdown_timeout").map_or(DEFAULT_SHUTDOWN, |time| time.0);
        let feeds = root.take("feed").map(|(_, value)| value);
        let feeds = feeds.as_ref().and_then(|value| value.as_table());
        let feeds = feeds.map(|table| table.keys().map(|key| key.name.to_string()).collect()).unwrap_or_default();
        reader.close_in_part(root);
        Some(Self { positions: PathBuf::from(positions), shutdown_timeout, feeds })
    }
}

fn parsed<T>(text: &str, read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Vec<super::Problem>> {
    let mut reader = Reader::new(text);
    let read = read(&mut reader);
    match (read, reader.finish()) {
        (Some(read), problems) if problems.is_empty() => Ok(read),
        (_, problems) => Err(problems),
    }
}

#[cfg(test)]
mod tests;
