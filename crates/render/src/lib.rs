//! One request or event in the shapes that other platforms' code expects, and their replies back.
//!
//! Only translation: nothing here decides, waits or touches the world.
#![forbid(unsafe_code)]

pub mod azure;
pub mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod lambda;
pub mod whisk;
