//! Who asks: API tokens, the operator's token, and the credentials of a request.
//!
//! Doors hand over [`Credentials`] as they came; only [`identify`] says whose they are. Nothing
//! here reads a clock or a store: the time and the table of tokens are given.
//!
//! Invariant: a credential that was sent and is not valid is [`Identity::Rejected`], never
//! [`Identity::Anonymous`].
#![forbid(unsafe_code)]

#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod token;

mod credentials;
mod operator;
mod table;

pub use credentials::{Credentials, Identity, identify};
pub use operator::OperatorToken;
pub use table::{Tokens, Verified};
