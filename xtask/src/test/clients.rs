//! Programs of others that tests run: from Python's index, each in a virtual environment of its own,
//! and from npm's.

use crate::place::root;
use crate::program::{run, say};
use anyhow::{Context as _, Result};
use std::process::Command;

/// What there is: `tests/tools/NAME.txt` says which version, `target/tools/NAME` is where it goes.
const CLIENTS: &[&str] = &["awscli", "moto", "awslambdaric", "pg8000", "knative"];

/// AWS Lambda's client for Node: `tests/clients/NAME` says which version.
const RIC: &str = "aws-lambda-ric";

/// Makes all of them, unless they are there in this version.
///
/// # Errors
/// Python, npm or an index does not do it.
pub(super) fn make() -> Result<()> {
    CLIENTS.iter().try_for_each(|name| one(name))?;
    ric()
}

/// Builds the client for Node, whose package is C++ for the larger part.
fn ric() -> Result<()> {
    let from = root().join("tests/clients").join(RIC);
    let to = root().join("target/tools").join(RIC);
    let stamp = to.join("made.json");
    let text = std::fs::read_to_string(from.join("package-lock.json"))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == text) {
        return Ok(());
    }
    say(&format!("needs: building {RIC}, which takes some minutes"));
    std::fs::create_dir_all(&to)?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(from.join(file), to.join(file)).with_context(|| format!("no {file}"))?;
    }
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&to))?;
    // Sources of what is built by now, and most of its size.
    std::fs::remove_dir_all(to.join("node_modules").join(RIC).join("deps"))?;
    std::fs::write(&stamp, text)?;
    Ok(())
}

fn one(name: &str) -> Result<()> {
    let wanted = root().join(format!("tests/tools/{name}.txt"));
    let venv = root().join("target/tools").join(name);
    let stamp = venv.join("requirements.txt");
    // Its scripts name the place where it was made, so that it works nowhere else.
    let text = format!("{}# in {}\n", std::fs::read_to_string(&wanted)?, venv.display());
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == text) {
        return Ok(());
    }
    say(&format!("needs: installing {name}"));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(venv.join("bin/pip")).args(["install", "-q", "-r"]).arg(&wanted))?;
    std::fs::write(&stamp, text)?;
    Ok(())
}
