//! Servers and clients that are not ours: a real CometD server beside the simulator's, and public clients at the simulator.

mod answers;
mod talk;
mod wire;
