//! The bridge. `docs/ARCHITECTURE.md` has the map.

pub mod admin;
pub mod check;
pub mod cli;
pub mod config;
mod decide;
pub mod feed;
pub mod logging;
pub mod metrics;
pub mod org_state;
pub mod position;
pub mod process;
pub mod shared;
mod sink;
mod source;
