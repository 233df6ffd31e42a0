//! The child's side of a job.

use crate::confine::{Layers, confine};
use crate::orders::Orders;
use std::ffi::OsString;
use std::io::Write as _;

/// Exit codes that mean something to the parent. They are none of the usual ones, so that a
/// crash is not taken for an answer.
pub(crate) mod code {
    /// The job was refused; standard error says why.
    pub(crate) const REFUSED: u8 = 201;
    /// Memory ran out, and the job noticed.
    pub(crate) const MEMORY: u8 = 202;
    /// The output passed its limit, and the job noticed.
    pub(crate) const OUTPUT: u8 = 203;
    /// The child could not confine itself; standard error says why.
    pub(crate) const UNCONFINED: u8 = 204;
}

/// How a job ended that did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The input is at fault, for this reason.
    Refused(String),
    /// There was not enough memory.
    Memory,
    /// The output is larger than its limit.
    Output,
}

/// The whole of a hidden subcommand: confines this process as `arguments` (those after the
/// subcommand's name) order, then does `job`. Returns the exit code.
///
/// Call it first thing in `main`, before any thread is started or input read.
pub fn run_child(
    arguments: impl IntoIterator<Item = OsString>,
    job: impl FnOnce(&Layers) -> Result<(), Ending>,
) -> u8 {
    let Some(orders) = Orders::from_arguments(arguments) else {
        return say(code::UNCONFINED, "this is a hidden subcommand: it was called without orders");
    };
    let layers = match confine(&orders) {
        Ok(layers) => layers,
        Err(error) => return say(code::UNCONFINED, &error.to_string()),
    };
    match job(&layers) {
        Ok(()) => 0,
        Err(Ending::Refused(reason)) => say(code::REFUSED, &reason),
        Err(Ending::Memory) => code::MEMORY,
        Err(Ending::Output) => code::OUTPUT,
    }
}

/// Says why on standard error, and gives the code to end with.
pub(crate) fn say(code: u8, reason: &str) -> u8 {
    // If the parent no longer listens, nobody does.
    let _ = std::io::stderr().write_all(reason.as_bytes());
    code
}
