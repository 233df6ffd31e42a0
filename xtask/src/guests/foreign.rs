//! Guests made by other languages' tools: JavaScript by jco, Python by componentize-py.
//!
//! Versions are pinned beside the sources. Everything that the tools download or write stays below
//! `target/guests`.

use super::toolchain::{install, run};
use super::{Places, component, read, say, source, stamp};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sources are.
const HOME: &str = "tests/guests";
/// What of the way of building changes the result.
const RECIPE: &str = "jco componentize, componentize-py componentize, 1";

/// Builds what is not fresh.
pub(super) fn build(places: &Places) -> Result<()> {
    fresh_or(places, "js", javascript)?;
    fresh_or(places, "python", python)
}

/// Builds the guest called `name`, whose sources lie in the directory of that name.
fn fresh_or(places: &Places, name: &str, make: fn(&Places, &Path) -> Result<()>) -> Result<()> {
    let paths = [format!("{HOME}/{name}"), format!("{HOME}/wit")];
    let key = source::digest(&places.root, &paths, &[RECIPE])?;
    if stamp::is_fresh(places, name, &key) {
        return Ok(());
    }
    say(&format!("building {name}"));
    let part = places.work.join(format!("{name}.part"));
    make(places, &part).with_context(|| format!("cannot build the guest in {name}"))?;
    let bytes = read(&part)?;
    component::shape(&bytes).with_context(|| format!("`{name}` was built wrongly"))?;
    stamp::keep(places, name, &key, &bytes)?;
    std::fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))
}

fn javascript(places: &Places, out: &Path) -> Result<()> {
    let sources = places.root.join(HOME).join("js");
    need("npm", &["nodejs", "npm"])?;
    // npm writes beside its package.json, so it gets a copy.
    let work = places.work.join("js");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    for file in ["package.json", "package-lock.json"] {
        let copied = std::fs::copy(sources.join(file), work.join(file));
        copied.with_context(|| format!("cannot copy {file}"))?;
    }
    let mut npm = Command::new("npm");
    run(
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&work),
        "npm ci",
    )?;
    let mut jco = Command::new(work.join("node_modules/.bin/jco"));
    jco.arg("componentize").arg(sources.join("hello.js")).args(["-n", "guest", "--wit"]);
    run(jco.arg(wit(places)).arg("-o").arg(out).current_dir(&work), "jco componentize")
}

fn python(places: &Places, out: &Path) -> Result<()> {
    let sources = places.root.join(HOME).join("python");
    need("python3", &["python3", "python3-venv"])?;
    let venv = places.work.join("venv");
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    if run(&mut make, "python3 -m venv").is_err() {
        // Debian keeps this part of Python in a package of its own.
        install(&["python3-venv"]).context("python3 cannot make a virtual environment")?;
        run(&mut make, "python3 -m venv")?;
    }
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", "-r"]);
    run(pip.arg(sources.join("requirements.txt")), "pip install")?;
    let mut tool = Command::new(venv.join("bin/componentize-py"));
    tool.arg("-d").arg(wit(places)).args(["-w", "guest", "componentize", "-p"]).arg(&sources);
    tool.args(["app", "-o"]).arg(out).env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut tool, "componentize-py")
}

fn wit(places: &Places) -> PathBuf {
    places.root.join(HOME).join("wit")
}

/// Installs Debian's packages if `program` cannot be run.
fn need(program: &str, packages: &[&str]) -> Result<()> {
    let found = Command::new(program).arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let names = packages.join(" and ");
    install(packages).with_context(|| format!("`{program}` is missing: install {names}"))
}
