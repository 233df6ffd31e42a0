//! Programs from Python's index that tests run, each in a virtual environment of its own.

use crate::place::root;
use crate::program::{run, say};
use anyhow::Result;
use std::process::Command;

/// What there is: `tests/tools/NAME.txt` says which version, `target/tools/NAME` is where it goes.
const CLIENTS: &[&str] = &["moto", "awslambdaric"];

/// Makes all of them, unless they are there in this version.
///
/// # Errors
/// Python or the package index does not do it.
pub(super) fn make() -> Result<()> {
    CLIENTS.iter().try_for_each(|name| one(name))
}

fn one(name: &str) -> Result<()> {
    let wanted = root().join(format!("tests/tools/{name}.txt"));
    let venv = root().join("target/tools").join(name);
    let stamp = venv.join("requirements.txt");
    let text = std::fs::read_to_string(&wanted)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == text) {
        return Ok(());
    }
    say(&format!("needs: installing {name}"));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(venv.join("bin/pip")).args(["install", "-q", "-r"]).arg(&wanted))?;
    std::fs::write(&stamp, text)?;
    Ok(())
}
