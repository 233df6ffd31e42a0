//! Subcommands that the node runs in children of its own. Nobody calls them by hand.

use ports::child::ChildLimits;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs a hidden subcommand; `None` if there is none of that name.
///
/// The child gives up what it will not need before it reads a byte of its input.
#[must_use]
pub fn hidden(name: &str, args: &[OsString]) -> Option<ExitCode> {
    match name {
        "__compile" => Some(process::child(args, |_limits: &ChildLimits| {
            wasm::compile_stdin_to_stdout().map_err(|error| error.to_string())
        })),
        "__probe" => Some(process::probe_child(args)),
        _ => None,
    }
}
