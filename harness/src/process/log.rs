//! The file a process writes its log to.

use crate::Error;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// A log, and where in it the process began.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    begin: u64,
}

impl Log {
    /// Opens it for a process: two ends to write to.
    pub(crate) fn open(path: &Path) -> Result<(Self, File, File), Error> {
        let out = OpenOptions::new().create(true).append(true).open(path).map_err(Error::file(path))?;
        let err = out.try_clone().map_err(Error::file(path))?;
        let begin = out.metadata().map_err(Error::file(path))?.len();
        Ok((Self { path: path.to_owned(), begin }, out, err))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The whole lines that the process said.
    pub(crate) fn since_start(&self) -> Result<String, Error> {
        let mut text = self.from(self.begin).map_err(Error::file(&self.path))?;
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        Ok(text)
    }

    /// The last lines, for people.
    pub(crate) fn last_lines(&self) -> String {
        let end = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        let text = self.from(self.begin.max(end.saturating_sub(LAST_BYTES))).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
        format!("{}\n(all of it: {})", last.join("\n"), self.path.display())
    }

    fn from(&self, begin: u64) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

const LAST_LINES: usize = 15;
const LAST_BYTES: u64 = 16 << 10;
