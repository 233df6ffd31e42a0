//! The only place that speaks to `node`: what happens on this machine without the admin API.
//!
//! Invariant: nothing else in this crate names `node`.

use model::api::{Finding, Interpreter};
use model::{Problem, Secret};
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

pub(crate) use node::{
    Danger, DataKeys, End, KeyPlace, Options, Ready, Restored, SettingRow, Settings, Target, Tool,
    ToolEnd, Trial, TrialAnswer, TrialRequest,
};

/// Runs one of the hidden subcommands that the node starts as limited children.
pub(crate) fn hidden(name: &str, arguments: &[OsString]) -> Option<ExitCode> {
    node::hidden(name, arguments)
}

/// Resolves the configuration: file, then environment, then flags.
pub(crate) fn resolve(options: &Options) -> Result<Settings, Problem> {
    Settings::resolve(options)
}

/// Every value of the configuration with its origin.
pub(crate) fn setting_rows(settings: &Settings) -> Vec<SettingRow> {
    settings.table()
}

/// Runs a node until it is told to stop and has drained, or is told twice.
pub(crate) fn up(
    settings: Settings,
    on_ready: impl FnOnce(&Ready) + Send + 'static,
) -> Result<End, Problem> {
    node::up(settings, on_ready)
}

/// Finds the node to talk to.
pub(crate) fn locate(home: Option<&Path>) -> Result<Target, Problem> {
    node::locate(home)
}

/// Unpacks a backup into an empty home.
pub(crate) fn restore(
    backup: &mut dyn Read,
    home: &Path,
    root_key_file: Option<&Path>,
) -> Result<Restored, Problem> {
    node::restore(backup, home, root_key_file)
}

/// The ledger's files of a home whose node does not run.
pub(crate) fn ledger_files(
    home: &Path,
    root_key_file: Option<&Path>,
) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    node::ledger_files(home, root_key_file)
}

/// The passphrase in a file that only its owner can read.
pub(crate) fn passphrase(file: &Path) -> Result<Secret<Vec<u8>>, Problem> {
    node::read_passphrase(file)
}

/// Looks at a home without its node.
pub(crate) fn doctor(home: Option<&Path>) -> Vec<Finding> {
    node::doctor(home)
}

/// What of this machine interprets native functions.
pub(crate) fn interpreters() -> std::io::Result<Vec<Interpreter>> {
    node::interpreters(crate::clock::now())
}
