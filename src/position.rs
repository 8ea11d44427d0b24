//! Positions: where in a stream everything before is durable, and the store that keeps them.

mod gaps;
mod recent;
mod record;
mod store;
mod trace;

pub use gaps::{Cause, Change, Edge, Gap};
pub use recent::Window;
pub use record::Position;
pub use store::{Binding, Error, Saved, Store};
pub use trace::{Had, Trace};
