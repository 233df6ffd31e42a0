//! The jail: what a native function's process is started in.
//!
//! A launcher, which is a child of the node, makes jails from plans; the node's side of one is a
//! [`Jail`]. The modules are public for the tests alone, which are an executable of their own.
//!
//! Invariant: what runs in a jail has every layer around it from its first instruction on, or it does
//! not run.
#![allow(
    unsafe_code,
    reason = "namespaces, forks and filters have no safe interface; each block says why it holds"
)]

mod check;
mod handle;
mod launcher;
mod plan;
mod problem;
mod settings;
mod sys;
mod wire;
mod words;

pub use check::{Report, check, run_check};
pub use handle::{Ended, Jail, JailError, Launcher, Usage};
pub use launcher::run_launcher;
pub use plan::{Assignment, Bind, Ceilings, Plan};
pub use settings::{Danger, Settings};
pub use words::{Facts, Failure, Step, Version};

/// The files that every jail has of its own. Where a [`Bind`] brings the directory that they lie in,
/// it has to have files of these names, over which they are mounted.
pub const FILES: [&str; 5] =
    ["/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/resolv.conf"];
