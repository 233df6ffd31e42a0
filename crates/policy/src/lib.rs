//! Who may do what: Cedar policies, made of grants and of what the operator wrote.
//!
//! Everything here is denied unless a grant or an operator's policy permits it, and an operator's
//! `forbid` beats every permit. The proof that something was permitted is a [`Permit`], which
//! nobody outside this crate can make: later stages of the engine ask for one, so no caller that
//! compiles can leave out the decision. A refusal is a [`Denial`] and, where a grant would help,
//! names the command that writes it.
//!
//! Invariant: no I/O, no clock. The same grants, policies and ask give the same answer.
//! Invariant: an error while deciding is a denial, and is never remembered.
//! Invariant: this is the only crate that knows Cedar.
#![forbid(unsafe_code)]

mod ask;
mod blobs;
mod cache;
mod calls;
mod connections;
mod consult;
mod data;
mod defer;
mod error;
mod function;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod lint;
mod operator;
mod publish;
mod reads;
mod target;
mod verdict;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use ask::{Asker, InvokeAsk};
pub use calls::{HttpAsk, SecretAsk, StoreAsk};
pub use data::DataAsk;
pub use defer::DESTINATION;
pub use error::Error;
pub use function::{FunctionPolicies, concerns, grant_id};
pub use lint::{LintFinding, LintKind, lint};
pub use operator::Policies;
pub use publish::PublishAsk;
pub use verdict::{CallPermit, Denial, DenialKind, Permit, PolicyId};
pub use vocabulary::SCHEMA;
