//! The runtime of Cloudflare Workers: the configuration that it is started with, and what it finds in
//! its jail.
//!
//! All of the configuration is written here, of names that were checked and texts that are quoted; a
//! package has modules and no configuration. The runtime is never given `--experimental`. What a Worker
//! reaches are the jail's doors: stores and functions at the host's own address, all else at its proxy.
//!
//! Invariant: whatever a manifest or a package says stands between quotation marks in the
//! configuration, and nothing that it says ends them.

mod config;
mod files;

pub(crate) use config::{Bindings, Config};
pub(crate) use files::{ARGUMENTS, files, paths};

/// Where a Worker answers requests.
pub(crate) const PORT: u16 = 8787;
/// Where its jail is told events: no caller's request gets there.
pub(crate) const EVENTS: u16 = 8788;
