//! Native functions: processes in jails, and the contracts that other platforms' code speaks.
//!
//! A function's process knows the world through its jail's listeners alone: a contract's endpoint, a
//! proxy, and the ports of destinations that were granted. Behind each stands `ports::Host`.
//!
//! Invariant: unsafe code is in `jail` only, each block justified.
#![deny(unsafe_code)]

#[cfg(any(test, fuzzing))]
pub mod fuzz;

mod contract;
mod door;
mod executor;
pub mod interpreter;
#[doc(hidden)]
pub mod jail;
mod loader;
mod logs;
pub mod package;
mod seat;
mod workerd;

pub use executor::{Look, NativeExecutor, Parts, Settings};
pub use jail::{Danger, Launcher, Report, Settings as Jails, check, run_check, run_launcher};
