//! Query results whose pages are still to be fetched.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::identifier;
use crate::lock::lock;

/// A whole result.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) rows: Vec<Value>,
    /// Rows in a page.
    pub(super) size: usize,
}

/// The newest results, each under its id.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    made: u64,
    open: VecDeque<(String, Arc<Pages>)>,
}

impl Cursors {
    /// Keeps a result in place of the oldest, and says its id.
    pub(super) fn keep(&self, pages: Pages) -> (String, Arc<Pages>) {
        let mut state = lock(&self.0);
        state.made += 1;
        let kept = (identifier::numbered("01g", state.made), Arc::new(pages));
        state.open.push_back(kept.clone());
        if state.open.len() > MOST {
            state.open.pop_front();
        }
        kept
    }

    /// The id, the result and the place in it that a locator, `<id>-<place>`, stands for.
    pub(super) fn find(&self, locator: &str) -> Option<(String, Arc<Pages>, usize)> {
        let (wanted, place) = locator.split_once('-')?;
        let place = place.parse().ok()?;
        let state = lock(&self.0);
        let (id, pages) = state.open.iter().find(|(id, _)| id == wanted)?;
        (place < pages.rows.len()).then(|| (id.clone(), Arc::clone(pages), place))
    }
}

/// Salesforce's limit of open cursors a user.
const MOST: usize = 10;
