//! The command line as a whole: its global options, its subcommands and the guide to it.

use crate::command::Command;
use crate::voice::{Format, Voice};
use clap::{Args, Parser};
use model::{EnvironmentName, TenantName};
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  casemate up --demo                         start a node with example functions
  casemate deploy hello.wasm                 deploy one component
  casemate token create ci --invoke hello    make an API token
  casemate invoke hello --path /hello/world  call a function
  casemate logs -f                           follow what functions write

Exit codes: 0 ok, 1 failed, 2 denied, 64 usage, 78 configuration.";

/// What `casemate` says when it is called without a command.
pub(crate) const GUIDE: &str = "\
Casemate runs WebAssembly components as functions: deployed as immutable revisions,
called only by those who were granted, in a fresh instance under hard limits, on record.

Start here:
  casemate up --demo        a node with example functions, and commands to try
  casemate up               a node of your own; leave it running
  casemate deploy DIR       deploy the application of DIR/casemate.toml
  casemate deploy X.wasm    or a single component, with safe defaults

Then:
  casemate functions        what is deployed and where it answers
  casemate token create     who may call
  casemate logs -f          what functions write
  casemate records          what was called and how it ended
  casemate doctor           whether all is well

`casemate --help` lists every command, `casemate COMMAND --help` teaches one.";

/// Runs and manages functions on your own machines, secure by default.
///
/// Casemate takes WebAssembly components, deploys them as immutable revisions, lets only those
/// call them who were granted, runs each call in a fresh instance under hard limits, and keeps a
/// record of it.
///
/// `casemate up` runs a node. Every other command talks to a running node through its admin API;
/// it finds the node by `--home`, by CASEMATE_URL and CASEMATE_TOKEN, by CASEMATE_HOME, or in the
/// usual data directory, in this order.
#[derive(Debug, Parser)]
#[command(name = "casemate", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The node's home directory
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// The tenant
    #[arg(long, global = true, value_name = "NAME", default_value = "default")]
    pub(crate) tenant: TenantName,
    /// The environment
    #[arg(long, global = true, value_name = "NAME", default_value = "main")]
    pub(crate) env: EnvironmentName,
    /// How to print data
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Say nothing beside data, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// Reads the command line.
///
/// # Errors
/// A wrong command line, or help that was asked for.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// The voice for errors of the command line itself, when no options are known yet.
pub(crate) fn voice_before_parsing(arguments: &[OsString]) -> Voice {
    let json = arguments.iter().any(|word| word == "--format=json")
        || arguments
            .windows(2)
            .any(|pair| matches!(pair, [name, value] if name == "--format" && value == "json"));
    Voice::new(if json { Format::Json } else { Format::Text }, false)
}
