//! Data protection: what sensitive values become, and how they are found.
//!
//! Only computing: keys are handed in, nothing here waits or touches the world.
#![forbid(unsafe_code)]

pub mod detect;
pub mod transform;
