//! Positions: where in a stream everything before is durable, and the store that keeps them.

mod change;
mod known;
mod record;
mod store;

pub use change::{Change, Effect, Plan, Row, Target, Twice, apply, plan};
pub use known::{Configured, Known, Unknown};
pub use record::Position;
pub use store::{Binding, Entry, Error, Paused, Saved, Store};
