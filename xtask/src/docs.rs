//! `cargo xtask docs`: makes the documents that come from code again.
//!
//! The tests that compare them also write them when `UPDATE` is set, so there is one maker.

use crate::program::{cargo, run as run_program, say};
use anyhow::{Result, bail};

/// The tests that make documents: a package, and a filter of test names.
const MAKERS: &[(&str, &str)] = &[
    ("casemate", "reference"),
    ("casemate-control", "openapi"),
    ("casemate-protect", "reference"),
    ("casemate-wasm", "wit_page"),
];

/// Runs the command.
///
/// # Errors
/// A maker fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(other) = arguments.first() {
        bail!("`{other}` is not known\nusage: cargo xtask docs");
    }
    for (package, filter) in MAKERS {
        say(&format!("docs: {package}"));
        run_program(cargo().args(["test", "--quiet", "-p", package, filter]).env("UPDATE", "1"))?;
    }
    Ok(())
}
