//! `cargo xtask wasip2 build --release --target wasm32-wasip2`: what that command does on a
//! developer's machine, done here without rustup's target.
//!
//! The tests of `casemate new` and `casemate watch` put a program `cargo` on the path that calls
//! this, so that what they type is what people type. What it builds for is another target, whose
//! standard library says nothing on standard output.

use super::toolchain::Toolchain;
use super::{Places, component, read, write_whole};
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// The only command line that is understood.
const LINE: &[&str] = &["build", "--release", "--target", "wasm32-wasip2"];

/// Builds the package in the current directory.
///
/// # Errors
/// Another command line, or a package that does not build.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if arguments != LINE {
        bail!("usage: cargo xtask wasip2 {}", LINE.join(" "));
    }
    let places = Places::find()?;
    let name = package(&std::fs::read_to_string("Cargo.toml").context("cannot read Cargo.toml")?)?;
    let toolchain = Toolchain::find(&places)?;
    // The standard library is built once for all packages.
    let shared = places.work.join("stand-in");
    let mut cargo = toolchain.cargo_plain();
    let status = cargo.env("CARGO_TARGET_DIR", &shared).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo build failed ({status})");
    }
    let module = shared.join(toolchain.triple()).join(format!("release/{name}.wasm"));
    let bytes = component::encode(read(&module)?)?;
    let out = Path::new("target/wasm32-wasip2/release");
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    write_whole(&out.join(format!("{name}.wasm")), &bytes)
}

fn package(manifest: &str) -> Result<String> {
    let table: toml::Table = manifest.parse().context("Cargo.toml is no TOML")?;
    let name = table.get("package").and_then(|package| package.get("name"));
    let name = name.and_then(toml::Value::as_str).context("Cargo.toml names no package")?;
    Ok(name.to_owned())
}
