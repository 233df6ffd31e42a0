//! The guests in Rust: the examples, and those that misbehave.

use super::toolchain::{Toolchain, run};
use super::{Places, component, read, say, source, stamp};
use anyhow::{Context as _, Result};

/// What of the way of building changes the result. Counted up by hand when this code changes it.
const RECIPE: &str = "cargo build --release, build-std std,panic_abort, encode, 1";

/// One cargo workspace and the components that it gives.
pub(super) struct Workspace {
    /// Its directory.
    pub(super) directory: &'static str,
    /// Its components.
    pub(super) names: &'static [&'static str],
    /// Crates that all of them use.
    shared: &'static [&'static str],
    /// What else they are made from, from the repository's root.
    beside: &'static [&'static str],
}

/// The examples.
pub(super) const EXAMPLES: &Workspace = &Workspace {
    directory: "examples",
    names: &["hello", "echo", "words", "outbound", "counter"],
    shared: &["reply"],
    beside: &[],
};

/// The guests of the tests.
pub(super) const TESTS: &Workspace = &Workspace {
    directory: "tests/guests",
    names: &["blobs", "grabber", "misbehave", "misbehave03", "stateful"],
    shared: &[],
    beside: &["crates/wasm/wit"],
};

impl Workspace {
    /// The digest over all that the component called `name` is made from.
    pub(super) fn sources(&self, places: &Places, name: &str) -> Result<String> {
        let mut paths = vec!["Cargo.toml".to_owned(), "Cargo.lock".to_owned()];
        for package in self.shared.iter().chain(&[name]) {
            paths.extend([format!("{package}/Cargo.toml"), format!("{package}/src")]);
            let wit = format!("{package}/wit");
            if places.root.join(self.directory).join(&wit).is_dir() {
                paths.push(wit);
            }
        }
        let mut paths: Vec<String> =
            paths.iter().map(|path| format!("{}/{path}", self.directory)).collect();
        paths.extend(self.beside.iter().map(|&path| path.to_owned()));
        source::digest(&places.root, &paths, &[RECIPE])
    }
}

/// Builds what is not fresh.
pub(super) fn build(places: &Places, toolchain: &Toolchain, workspace: &Workspace) -> Result<()> {
    let mut stale = Vec::new();
    for &name in workspace.names {
        let sources = workspace.sources(places, name)?;
        let key = source::sha256(format!("{sources} {}", toolchain.name).as_bytes());
        if !stamp::is_fresh(places, name, &key) {
            stale.push((name, key));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = stale.iter().map(|(name, _)| *name).collect();
    say(&format!("building {} with {}", names.join(", "), toolchain.name));
    let directory = places.root.join(workspace.directory);
    let mut cargo = toolchain.cargo_build(places, &directory);
    for name in &names {
        cargo.args(["--package", name]);
    }
    run(&mut cargo, "cargo build")?;
    for (name, key) in &stale {
        let module = format!("build/{}/release/{name}.wasm", toolchain.triple());
        let bytes = component::encode(read(&places.work.join(module))?)
            .with_context(|| format!("`{name}` does not make a component"))?;
        component::shape(&bytes).with_context(|| format!("`{name}` was built wrongly"))?;
        stamp::keep(places, name, key, &bytes)?;
    }
    Ok(())
}
