//! The runtime of Cloudflare Workers, where a node looks for it: npm's package, in one version.

use crate::program::{run, say, text_of};
use anyhow::{Result, bail};
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

/// The version of npm's package, and what the program says of it.
const PACKAGE: &str = "workerd@1.20261117.1";
const SAYS: &str = "workerd 2026-11-17";

/// Installs it, unless it is there in this version.
///
/// # Errors
/// npm does not do it, or nobody but root may.
pub(super) fn make() -> Result<()> {
    let said = text_of(Command::new("workerd").arg("--version"));
    if said.is_ok_and(|said| said.trim() == SAYS) {
        return Ok(());
    }
    if !std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        bail!("missing: {SAYS} (npm install --global --ignore-scripts {PACKAGE})");
    }
    say(&format!("needs: installing {PACKAGE}"));
    // The program is a package of its own; the script only says where.
    let mut npm = Command::new("npm");
    npm.args(["install", "--global", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"]);
    run(npm.arg(PACKAGE))
}
