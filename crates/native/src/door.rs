//! The doors of a jail: what listens in its network on the platform's behalf, and puts what a process
//! asks for into the words of the host.
//!
//! Nothing is decided here. A request through the proxy, one to `host.casemate.internal` and a
//! connection to a granted destination all become asks of the host of the invocation in hand; what
//! the host refuses is answered with a problem that a person can read.
//!
//! Invariant: nothing here dials, and nothing here looks up a name.
//! Invariant: the key of a jail's authority is in the node's memory only.

mod accept;
mod all;
mod api;
mod ask;
mod authority;
mod carry;
mod fields;
mod files;
mod forward;
pub(crate) mod hello;
mod layout;
mod metadata;
mod pipe;
mod proxy;
mod rewound;
mod serve;
mod target;
mod told;
mod trust;
mod truststore;
mod tunnel;

#[cfg(test)]
mod tests;

pub(crate) use accept::Door;
pub(crate) use all::{LISTENERS, open, open_granted};
#[cfg(any(test, fuzzing))]
pub(crate) use api::asked_of_a_namespace;
pub(crate) use api::host;
pub(crate) use authority::Authority;
pub(crate) use files::{FILES, files};
pub(crate) use forward::forward;
pub(crate) use layout::{FUNCTIONS, Layout, STORES, host_address, layout, names};
pub(crate) use proxy::{Passing, proxy};
pub(crate) use trust::{PROXY, environment, is_ours};
