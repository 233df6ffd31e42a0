//! Subcommands that the node runs in children of its own. Nobody calls them by hand.

use model::manifest::Wasi;
use process::Ending;
use std::ffi::OsString;
use std::process::ExitCode;
use wasm::CompileError;

/// Runs a hidden subcommand; `None` if there is none of that name.
///
/// The child gives up what it will not need before it reads a byte of its input.
#[must_use]
pub fn hidden(name: &str, arguments: &[OsString]) -> Option<ExitCode> {
    let arguments = arguments.iter().cloned();
    let code = match name {
        "__compile" => process::run_child(arguments, |_layers| compile(Wasi::V02)),
        "__compile-wasi03" => process::run_child(arguments, |_layers| compile(Wasi::V03)),
        "__guests" => crate::guests::run(arguments),
        "__jail-check" => native::run_check(arguments),
        "__jails" => native::run_launcher(arguments),
        "__probe" => process::run_probe(arguments),
        "__probe-guests" => process::run_guest_probe(arguments),
        _ => return None,
    };
    Some(ExitCode::from(code))
}

fn compile(wasi: Wasi) -> Result<(), Ending> {
    wasm::compile_stdin_to_stdout(wasi).map_err(|error| match error {
        CompileError::Memory => Ending::Memory,
        CompileError::Output => Ending::Output,
        other => Ending::Refused(other.to_string()),
    })
}
