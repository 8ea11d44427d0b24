//! Positions: where in a stream everything before is durable, and the store that keeps them.

mod change;
mod gaps;
mod known;
mod recent;
mod record;
mod store;
mod trace;

pub use change::{Change, Effect, Plan, Row, Target, Twice, apply, plan};
pub use gaps::{Cause, Edge, Gap, GapEvent};
pub use known::{Configured, Known, Unknown};
pub use recent::Window;
pub use record::Position;
pub use store::{Binding, Entry, Error, Paused, Saved, Store};
pub use trace::{Had, Trace};
