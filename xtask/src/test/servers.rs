//! Published libraries of other platforms, which native functions are tested with: Python's in a
//! virtual environment of their own, Node's in a directory of their own.

use crate::place::root;
use crate::program::{run, say};
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// What is installed: directories below `tests/tools`, which say in which versions. They go to those of
/// the same names below `target/tools`.
const SETS: &[&str] = &["servers", "fn", "azure"];

/// Makes all, unless they are there in these versions.
///
/// # Errors
/// Python, npm or a package index does not do it.
pub(super) fn make() -> Result<()> {
    SETS.iter().try_for_each(|name| set(name))
}

fn set(name: &str) -> Result<()> {
    let (wanted, place) =
        (root().join("tests/tools").join(name), root().join("target/tools").join(name));
    std::fs::create_dir_all(&place)?;
    once(&wanted.join("requirements.txt"), &place.join("python"), |file, at| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(at))?;
        run(Command::new(at.join("bin/pip")).args(["install", "-q", "-r"]).arg(file))
    })?;
    once(&wanted.join("package.json"), &place.join("node"), |file, at| {
        std::fs::create_dir_all(at)?;
        std::fs::copy(file, at.join("package.json"))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"]);
        run(npm.current_dir(at))
    })
}

/// Installs what `file` names below `at`, unless the stamp there says that it was.
fn once(file: &Path, at: &Path, install: impl Fn(&Path, &Path) -> Result<()>) -> Result<()> {
    // What is installed names its place here and there, so that it works nowhere else.
    let text = format!("{}# in {}\n", std::fs::read_to_string(file)?, at.display());
    let stamp = at.join(".installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == text) {
        return Ok(());
    }
    say(&format!("needs: installing what {} names", file.display()));
    install(file, at)?;
    std::fs::write(&stamp, text)?;
    Ok(())
}
