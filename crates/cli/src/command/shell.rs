//! `casemate schema` and `completions`: for editors and shells.

use crate::args::Cli;
use crate::context::Context;
use crate::voice::closed;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::io::{self, Write as _};

const SCHEMA_EXAMPLES: &str = "\
Examples:
  casemate schema > casemate.schema.json

An editor that knows TOML schemas takes it from a first line in casemate.toml:
  #:schema ./casemate.schema.json";

/// Print the manifest's JSON Schema
///
/// Every key that a casemate.toml may have, with its type and its meaning.
#[derive(Debug, Args)]
#[command(after_help = SCHEMA_EXAMPLES)]
pub(crate) struct Schema {}

impl Schema {
    /// Prints the schema.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        context.voice.document(&crate::manifest::schema())
    }
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  casemate completions bash > ~/.local/share/bash-completion/completions/casemate
  casemate completions zsh > ~/.zfunc/_casemate
  casemate completions fish > ~/.config/fish/completions/casemate.fish";

/// Print a shell's completion script
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(self, _context: &Context) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "casemate", &mut script);
        closed(io::stdout().lock().write_all(&script))
    }
}
