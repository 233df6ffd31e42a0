//! Guests made by other languages' tools: JavaScript by jco and, for WASI 0.3, by componentize-qjs,
//! Python by componentize-py. And clients that others wrote, for tests: tus-js-client.
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
/// The same for the guest on QuickJS.
const RECIPE_03: &str = "componentize-qjs, 1";

/// Where the clients are.
const CLIENTS: &str = "tests/clients";

/// Builds what is not fresh.
pub(super) fn build(places: &Places) -> Result<()> {
    client(places, "tus", "tus-js-client")?;
    fresh_or(places, "js", "wit", RECIPE, javascript)?;
    fresh_or(places, "quickjs", "wit03", RECIPE_03, quickjs)?;
    fresh_or(places, "python", "wit", RECIPE, python)
}

/// Installs a client, unless what its lock file pins is there.
fn client(places: &Places, name: &str, package: &str) -> Result<()> {
    let home = format!("{CLIENTS}/{name}");
    let key = source::digest(&places.root, &[format!("{home}/package-lock.json")], &[])?;
    let (work, mark) = (places.work.join(name), places.work.join(format!("{name}.key")));
    let there = work.join("node_modules").join(package).exists();
    if there && std::fs::read_to_string(&mark).is_ok_and(|known| known == key) {
        return Ok(());
    }
    say(&format!("installing {package}"));
    npm_in(&places.root.join(home), &work)?;
    std::fs::write(&mark, &key).with_context(|| format!("cannot write {}", mark.display()))
}

/// Builds the guest called `name`, whose sources lie in the directory of that name.
fn fresh_or(
    places: &Places,
    name: &str,
    wit: &str,
    recipe: &str,
    make: fn(&Places, &Path) -> Result<()>,
) -> Result<()> {
    let paths = [format!("{HOME}/{name}"), format!("{HOME}/{wit}")];
    let key = source::digest(&places.root, &paths, &[recipe])?;
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
    let work = npm(places, &sources, "js")?;
    let mut jco = Command::new(work.join("node_modules/.bin/jco"));
    jco.arg("componentize").arg(sources.join("hello.js")).args(["-n", "guest", "--wit"]);
    run(jco.arg(wit(places)).arg("-o").arg(out).current_dir(&work), "jco componentize")
}

/// JavaScript on QuickJS, whose engine npm brings as a prebuilt part: for WASI 0.3.
fn quickjs(places: &Places, out: &Path) -> Result<()> {
    let sources = places.root.join(HOME).join("quickjs");
    let work = npm(places, &sources, "quickjs")?;
    let mut tool = Command::new(work.join("node_modules/.bin/componentize-qjs"));
    tool.arg("--wit").arg(places.root.join(HOME).join("wit03")).args(["--world", "guest"]);
    tool.arg("--js").arg(sources.join("hello.js")).arg("--output").arg(out).current_dir(&work);
    run(&mut tool, "componentize-qjs")
}

/// Installs what a lock file beside the sources pins, and gives the place that it is installed in.
pub(super) fn npm(places: &Places, sources: &Path, name: &str) -> Result<PathBuf> {
    let work = places.work.join(name);
    npm_in(sources, &work)?;
    Ok(work)
}

/// Installs what a lock file in `sources` pins, below `work`.
fn npm_in(sources: &Path, work: &Path) -> Result<()> {
    need("npm", &["nodejs", "npm"])?;
    // npm writes beside its package.json, so it gets a copy.
    std::fs::create_dir_all(work).with_context(|| format!("cannot make {}", work.display()))?;
    for file in ["package.json", "package-lock.json"] {
        let copied = std::fs::copy(sources.join(file), work.join(file));
        copied.with_context(|| format!("cannot copy {file}"))?;
    }
    let mut npm = Command::new("npm");
    run(npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(work), "npm ci")
}

fn python(places: &Places, out: &Path) -> Result<()> {
    let sources = places.root.join(HOME).join("python");
    let venv = venv(places, "venv", &sources)?;
    let mut tool = Command::new(venv.join("bin/componentize-py"));
    tool.arg("-d").arg(wit(places)).args(["-w", "guest", "componentize", "-p"]).arg(&sources);
    tool.args(["app", "-o"]).arg(out).env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut tool, "componentize-py")
}

/// Makes a virtual environment of Python's with what the sources' `requirements.txt` pins.
pub(super) fn venv(places: &Places, name: &str, sources: &Path) -> Result<PathBuf> {
    need("python3", &["python3", "python3-venv"])?;
    let venv = places.work.join(name);
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
    Ok(venv)
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
