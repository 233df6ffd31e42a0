//! Applications of Spin's, built with its published SDKs as their templates say.
//!
//! Versions are pinned by the lock files beside the sources. What is built is kept as it is: what
//! an older SDK builds is a core module, and `casemate deploy` has to take it.

use super::toolchain::run;
use super::{Places, foreign, read, say, source, stamp};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Where the sources are.
const HOME: &str = "tests/spin";
/// What of the way of building changes the result.
const RECIPE: &str =
    "cargo build --target wasm32-wasip1, npm run build, componentize-py -w spin-http, 1";
/// What the SDK for Rust is built for.
const TARGET: &str = "wasm32-wasip1";
/// The same, built before; beside it the digest of its sources.
const PREBUILT: &str = "tests/spin/prebuilt/spin-rust.wasm";

/// Builds what is not fresh.
pub(super) fn build(places: &Places) -> Result<()> {
    fresh_or(places, "rust", rust)?;
    fresh_or(places, "js", javascript)?;
    fresh_or(places, "python", python)
}

/// Builds `spin-NAME`, whose sources lie in the directory called `name`.
fn fresh_or(
    places: &Places,
    name: &str,
    make: fn(&Places, &Path, &Path) -> Result<()>,
) -> Result<()> {
    let built = format!("spin-{name}");
    let key = source::digest(&places.root, &[format!("{HOME}/{name}")], &[RECIPE])?;
    if stamp::is_fresh(places, &built, &key) {
        return Ok(());
    }
    say(&format!("building {built}"));
    let part = places.work.join(format!("{built}.part"));
    make(places, &places.root.join(HOME).join(name), &part)
        .with_context(|| format!("cannot build {HOME}/{name}"))?;
    let bytes = read(&part)?;
    ensure!(bytes.starts_with(b"\0asm"), "{built} is no WebAssembly");
    stamp::keep(places, &built, &key, &bytes)?;
    std::fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))
}

/// Builds it, or takes what was built before from the same sources where rustup has no such target:
/// Debian has no package for it.
fn rust(places: &Places, sources: &Path, out: &Path) -> Result<()> {
    let mut rustup = Command::new("rustup");
    if let Err(error) = run(rustup.args(["target", "add", TARGET]), "rustup target add") {
        say(&format!("no target {TARGET} ({error:#}): taking {PREBUILT}"));
        return prebuilt(places, out);
    }
    let directory = places.work.join("spin");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--release", "--target", TARGET]).current_dir(sources);
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC", "LD_LIBRARY_PATH"] {
        cargo.env_remove(name);
    }
    run(cargo.env("CARGO_TARGET_DIR", &directory), "cargo build")?;
    let module = directory.join(TARGET).join("release/spin_rust.wasm");
    std::fs::copy(&module, out).with_context(|| format!("nothing at {}", module.display()))?;
    Ok(())
}

fn prebuilt(places: &Places, out: &Path) -> Result<()> {
    let kept = places.root.join(PREBUILT);
    let key = source::digest(&places.root, &[format!("{HOME}/rust")], &[RECIPE])?;
    let made_of = std::fs::read_to_string(kept.with_extension("sources"))?;
    ensure!(
        made_of.trim() == key,
        "{PREBUILT} was built from other sources: where rustup has {TARGET}, build it, copy it \
         there, and write {key} beside it"
    );
    std::fs::copy(&kept, out).with_context(|| format!("nothing at {}", kept.display()))?;
    Ok(())
}

fn javascript(places: &Places, sources: &Path, out: &Path) -> Result<()> {
    // The tools write beside the sources, so they get a copy.
    let work = foreign::npm(places, sources, "spin-js")?;
    std::fs::create_dir_all(work.join("src"))?;
    for file in ["build.mjs", "src/index.js"] {
        let copied = std::fs::copy(sources.join(file), work.join(file));
        copied.with_context(|| format!("cannot copy {file}"))?;
    }
    run(Command::new("npm").args(["run", "build"]).current_dir(&work), "npm run build")?;
    let built = work.join("dist/spin-js.wasm");
    std::fs::copy(&built, out).with_context(|| format!("nothing at {}", built.display()))?;
    Ok(())
}

fn python(places: &Places, sources: &Path, out: &Path) -> Result<()> {
    let venv = foreign::venv(places, "spin-venv", sources)?;
    let mut tool = Command::new(venv.join("bin/componentize-py"));
    tool.args(["-w", "spin-http", "componentize", "app", "-o"]).arg(out).current_dir(sources);
    // The tool finds the SDK by what an activated environment sets.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(venv.join("bin")).chain(std::env::split_paths(&path));
    tool.env("PATH", std::env::join_paths(path)?).env("VIRTUAL_ENV", &venv);
    run(tool.env("PYTHONDONTWRITEBYTECODE", "1"), "componentize-py")
}
