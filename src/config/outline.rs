//! What a command needs that speaks to a running bridge: where it is, and what its feeds are called.

use super::problem::{Problems, Reader};
use super::value::Time;
use super::{Config, DEFAULT_POSITIONS, DEFAULT_SHUTDOWN};
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

    fn parse(text: &str) -> Result<Self, Vec<super::Problem>> {
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
        let shutdown_timeout = root.optional::<Time>("shutdown_timeout").map_or(DEFAULT_SHUTDOWN, |time| time.0);
        let feeds = root.take("feed").map(|(_, value)| value);
        let feeds = feeds.as_ref().and_then(|value| value.as_table());
        let feeds = feeds.map(|table| table.keys().map(|key| key.name.to_string()).collect()).unwrap_or_default();
        reader.close_in_part(root);
        Some(Self { positions: PathBuf::from(positions), shutdown_timeout, feeds })
    }
}

#[cfg(test)]
mod tests;
