//! Being called as AWS Lambda: its API, on a listener of its own.
//!
//! What is asked in AWS's words is asked of the engine in its own, and what comes back is said in
//! AWS's words again; nothing is decided here.
//!
//! Invariant: nothing is done for anybody whose signature the engine did not find valid.
#![forbid(unsafe_code)]

mod arn;
mod body;
mod context;
mod ending;
mod eventstream;
mod fault;
mod functions;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod invoke;
mod route;
mod serve;
mod signed;
mod stream;
mod tail;

pub use route::{Operation, operations};
pub use serve::Compat;

/// The account in every ARN. AWS has none like it.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The version that runs.
pub(crate) const LATEST: &str = "$LATEST";
