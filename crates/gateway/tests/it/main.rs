//! The gateway over real sockets, with a stage in the place of the engine.

mod answers;
mod client;
mod differential;
mod leaving;
mod limits;
mod stage;
mod stopping;
mod streams;
mod strictness;
