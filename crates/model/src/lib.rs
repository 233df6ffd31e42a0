//! The words of the domain: names, ids, limits, labels, records and error codes.
//!
//! Everything above this crate speaks in these types, and every form that is written to a disk
//! or a wire is defined here, so that a change of format is a change in one place.
//!
//! Invariant: no I/O, no clock, no async, and nothing of ours below it.
#![forbid(unsafe_code)]

pub mod act;
pub mod api;
pub mod beside;
pub mod budget;
pub mod bundle;
pub mod cap;
pub mod claims;
pub mod code;
pub mod data;
pub mod destination;
pub mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod grant;
pub mod id;
pub mod key;
pub mod label;
pub mod limit;
pub mod listing;
pub mod manifest;
pub mod name;
pub mod plan;
pub mod problem;
pub mod revision;
pub mod route;
pub mod schedule;
pub mod secret;
pub mod store;
pub mod subject;
pub mod time;
pub mod token;
pub mod trace;
pub mod unit;
pub mod vault;
pub mod wire;

pub use budget::{Budget, Cost, Usage};
pub use claims::Claims;
pub use code::Code;
pub use data::{DataClass, Salt, SaltId, SubjectHash};
pub use destination::Destination;
pub use event::CloudEvent;
pub use grant::{Action, Grant, Principal};
pub use id::{BootId, Digest, InvocationId};
pub use label::{Label, Labelled, Labels};
pub use limit::Limits;
pub use manifest::Manifest;
pub use name::{
    ApplicationName, EnvironmentName, FunctionName, FunctionRef, IssuerName, Scope, SecretName,
    SharedStoreName, TenantName, TokenName, TriggerName,
};
pub use problem::Problem;
pub use revision::FunctionRow;
pub use secret::{Secret, Untrusted};
pub use store::StoreName;
pub use subject::Subject;
pub use time::Timestamp;
pub use vault::SecretRow;
