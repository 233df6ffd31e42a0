//! Native functions: real programs, in real jails, called through the real binary.

mod contracts;
mod postgres;
mod stage;
