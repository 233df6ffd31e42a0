//! `moto`, which plays AWS for tests, in a virtual environment of its own.

use crate::place::root;
use crate::program::{run, say};
use anyhow::Result;
use std::process::Command;

/// What is installed, and in which version.
const REQUIREMENTS: &str = "tests/tools/moto.txt";
/// Where.
const VENV: &str = "target/tools/moto";

/// Makes it, unless it is there in this version.
///
/// # Errors
/// Python or the package index does not do it.
pub(super) fn make() -> Result<()> {
    let (wanted, venv) = (root().join(REQUIREMENTS), root().join(VENV));
    let stamp = venv.join("requirements.txt");
    let text = std::fs::read_to_string(&wanted)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == text) {
        return Ok(());
    }
    say("needs: installing moto");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(venv.join("bin/pip")).args(["install", "-q", "-r"]).arg(&wanted))?;
    std::fs::write(&stamp, text)?;
    Ok(())
}
