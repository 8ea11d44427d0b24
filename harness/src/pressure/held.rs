//! What a process holds, over time.

use crate::{Error, figures};
use std::fmt;

/// What a process holds at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Entries of `/proc/PID/fd`.
    pub descriptors: u64,
    /// Entries of `/proc/PID/task`.
    pub threads: u64,
    /// Bytes of memory, `VmRSS`.
    pub resident: u64,
}

impl Held {
    /// Looks at a process.
    ///
    /// # Errors
    /// It has ended.
    pub fn by(pid: u32) -> Result<Self, Error> {
        let count = |of: &str| {
            let path = format!("/proc/{pid}/{of}");
            std::fs::read_dir(&path).map(|entries| entries.count() as u64).map_err(Error::io(path))
        };
        Ok(Self { descriptors: count("fd")?, threads: count("task")?, resident: figures(pid)?.resident })
    }

    /// The mean of some moments: single ones catch a reply that comes in, or a connection that is about to close.
    #[must_use]
    pub fn mean(of: &[Self]) -> Self {
        let count = (of.len() as u64).max(1);
        let mean = |what: fn(&Self) -> u64| of.iter().map(what).sum::<u64>() / count;
        Self {
            descriptors: mean(|held| held.descriptors),
            threads: mean(|held| held.threads),
            resident: mean(|held| held.resident),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { descriptors, threads, resident } = self;
        write!(f, "{:.1} MB, {descriptors} descriptors, {threads} threads", *resident as f64 / 1e6)
    }
}
