//! The process seam: guests run in a process of their own, and ask the host over a socket.
//!
//! The node keeps keys, stores and the network. For each tenant it starts a child ([`Tenants`])
//! that has none of them: it gets compiled code in files that cannot change, runs guests ([`Server`])
//! and sends what they ask for back over the socket. To the engine such a child is an executor like
//! any other, and to a guest the host beyond the socket is the host.
//!
//! A *lane* is one connection between a thread of the node and a thread of the child. Everything of
//! one invocation crosses one lane, so nothing of it crosses threads on either side.
//!
//! Invariant: what comes from a child is a claim. It can name only invocations that the node gave
//! it, and speaks for none but those; whoever breaks a rule of the protocol is ended.
//! Invariant: nobody holds more of a body than its window.
#![forbid(unsafe_code)]

mod child;
mod control;
mod flow;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod node;
mod pipe;
#[cfg(any(test, feature = "tasks"))]
pub mod tasks;
#[cfg(test)]
mod tests;
mod words;

pub use child::Server;
pub use node::{Options, Tenants};

/// What a child is called among the hidden subcommands.
pub const GUESTS: &str = "guests";
