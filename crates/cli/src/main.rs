//! The binary `casemate`: read the command line, run one command, end with an exit code.
//!
//! Invariant: the only crate that prints.
#![forbid(unsafe_code)]

mod args;
mod build;
mod client;
mod clock;
mod command;
mod context;
mod demo;
mod example;
mod export;
mod import;
mod interrupt;
mod ledger;
mod local;
mod manifest;
#[cfg(test)]
mod reference;
mod shell;
mod template;
mod voice;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden(&arguments) {
        return code;
    }
    let cli = match args::parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return args::voice_before_parsing(&arguments).clap(&error),
    };
    let context = context::Context::new(cli.global);
    match command::run(&context, cli.command) {
        Ok(code) => code,
        Err(error) => context.voice.fail(&error),
    }
}

/// Children that the node starts from its own binary. They come before everything else, so that
/// none of the command line's code runs in them.
fn hidden(arguments: &[OsString]) -> Option<ExitCode> {
    let name = arguments.get(1)?.to_str().filter(|name| name.starts_with("__"))?;
    local::hidden(name, arguments.get(2..).unwrap_or_default())
}
