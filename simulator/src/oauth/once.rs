//! Assertions that were used, each of which is good once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock::lock;

/// The ids of the assertions of the last hour; none of them is valid for longer.
#[derive(Debug, Default)]
pub(crate) struct Once(Mutex<HashMap<String, Instant>>);

impl Once {
    /// Notes a use; false where there was one before.
    pub(crate) fn first(&self, id: &str) -> bool {
        let mut used = lock(&self.0);
        used.retain(|_, since| since.elapsed() < KEPT);
        used.insert(id.to_owned(), Instant::now()).is_none()
    }
}

const KEPT: Duration = Duration::from_secs(3600);
