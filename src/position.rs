//! Positions: where in a stream everything before is durable, and the store that keeps them.

mod record;
mod store;

pub use record::Position;
pub use store::{Binding, Error, Paused, Saved, Store};
