//! The WebAssembly executor: Wasmtime, its limits, and WASI by way of `ports::Host`.
//!
//! A component is compiled once, in a limited child process ([`compile_stdin_to_stdout`] is the
//! child's side), authenticated with a keyed hash, and from then on run by its digest: a fresh
//! instance for every invocation, polled in place by whoever called [`ports::Executor::run`].
//!
//! Invariant: a guest reaches nothing but its memory, clocks, random numbers and `ports::Host`.
//! Invariant: native code is mapped only after its authentication, from memory that nobody can
//! write to any more.
//! Invariant: a store is used for one invocation and dropped; it never survives a trap.
// One function, `compiled::code::map_trusted`, needs unsafe: it hands native code to Wasmtime.
#![deny(unsafe_code)]

mod blobstore;
mod cache;
mod clockwork;
mod compile;
mod compiled;
mod config;
mod executor;
mod fault;
mod files;
#[cfg(test)]
mod fuzz;
mod inspect;
mod keyvalue;
mod lines;
mod meter;
mod outgoing;
mod prepare;
mod run;
mod runtime;
mod settings;
mod state;
mod turns;
mod values;

pub use compile::{CompileError, compile_stdin_to_stdout, compile_stream};
pub use config::{Config, Error, Origin, Workshop};
pub use executor::{Facts, WasmExecutor};
