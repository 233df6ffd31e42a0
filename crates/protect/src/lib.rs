//! Data protection: what sensitive values become, and how they are found.
//!
//! Only computing: keys are handed in, nothing here waits or touches the world.
#![forbid(unsafe_code)]

pub mod contract;
pub mod detect;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod outside;
pub mod transform;
