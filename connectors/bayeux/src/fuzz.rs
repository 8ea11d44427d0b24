//! What must hold of the session and of the splitter whatever a server says, for a fuzzer to try.
//!
//! Each function plays one input and says what did not hold. `make fuzz` gives them a fuzzer's inputs, the tests seeded
//! ones. The features `planted-…` break something on purpose: the tests have to find it.

mod play;
mod splitter;
#[cfg(test)]
mod tests;

pub use play::session;
pub use splitter::splitter;
