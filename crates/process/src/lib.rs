//! Hidden subcommands as limited children, and the confinement that they put on themselves.
//!
//! The parent ([`ChildProcesses`]) starts its own executable with nothing but three descriptors.
//! The child calls [`run_child`] before it reads a byte of input: it gives up the file system,
//! the network, new programs and new privileges, and limits what it may use.
//!
//! Beside them [`Tool`]: what a developer's command line runs for its user, such as a build.
//!
//! Invariant: this is the only crate that starts programs.
//! Invariant: a child that could not confine itself does nothing.
#![forbid(unsafe_code)]

mod ask;
mod child;
mod companion;
mod confine;
mod orders;
mod parent;
mod probe;
mod tool;

pub use ask::ask;
pub use child::{Ending, run_child};
pub use companion::run_companion;
pub use confine::{Error, Layers, confine, confine_guests};
pub use orders::{Orders, Strictness};
pub use parent::ChildProcesses;
pub use probe::{GUEST_PROBE, PROBE, Report, Try, run_guest_probe, run_probe};
pub use tool::{Tool, ToolEnd};
