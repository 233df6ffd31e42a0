//! The committed forms of the examples, and the file that says what they were made from.
//!
//! Invariant: `examples/prebuilt` holds exactly what `lock.json` says, byte for byte.

use super::component::{Shape, shape};
use super::rust::EXAMPLES;
use super::toolchain::Toolchain;
use super::{EXAMPLE_BYTES_MAX, Places, read, say, source, write_whole};
use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to do about a difference.
const REMEDY: &str = "run `cargo xtask guests` and commit the result";

/// The lock file.
type Lock = BTreeMap<String, Entry>;

/// One committed component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The SHA-256 of the component.
    sha256: String,
    /// The SHA-256 over its sources.
    sources: String,
    /// What built it.
    toolchain: String,
    /// Its size.
    bytes: usize,
}

/// Brings the committed components up to date.
///
/// One whose sources have not changed stays as it is when it was built by another toolchain: no
/// two toolchains give the same bytes, and nobody gains by the difference.
pub(super) fn update(places: &Places, toolchain: &Toolchain) -> Result<()> {
    let old = load(places).unwrap_or_default();
    let mut new = Lock::new();
    for &name in EXAMPLES.names {
        let built = built(places, name)?;
        let entry = Entry {
            sha256: source::sha256(&built),
            sources: EXAMPLES.sources(places, name)?,
            toolchain: toolchain.name.clone(),
            bytes: built.len(),
        };
        let kept = old.get(name).filter(|old| {
            old.sources == entry.sources
                && (old.toolchain != entry.toolchain || **old == entry)
                && committed(places, name, old).is_ok()
        });
        if kept.is_none() {
            write_whole(&prebuilt(places, &format!("{name}.wasm")), &built)?;
            say(&format!("examples/prebuilt/{name}.wasm is new: {} bytes", built.len()));
        }
        new.insert(name.to_owned(), kept.cloned().unwrap_or(entry));
    }
    if new != old {
        let text = serde_json::to_string_pretty(&new)? + "\n";
        write_whole(&prebuilt(places, "lock.json"), text.as_bytes())?;
    }
    Ok(())
}

/// Holds the committed components against what was just built.
pub(super) fn check(places: &Places, toolchain: &Toolchain) -> Result<()> {
    let lock = load(places)?;
    let names: Vec<&str> = lock.keys().map(String::as_str).collect();
    let mut expect = EXAMPLES.names.to_vec();
    expect.sort_unstable();
    ensure!(names == expect, "lock.json names {names:?}, the examples are {expect:?}: {REMEDY}");
    for (name, entry) in &lock {
        check_one(places, toolchain, name, entry)
            .with_context(|| format!("examples/prebuilt/{name}.wasm is out of date"))?;
    }
    Ok(())
}

fn check_one(places: &Places, toolchain: &Toolchain, name: &str, entry: &Entry) -> Result<()> {
    let sources = EXAMPLES.sources(places, name)?;
    ensure!(sources == entry.sources, "its sources have changed: {REMEDY}");
    let committed = committed(places, name, entry)?;
    let built = built(places, name)?;
    if toolchain.name == entry.toolchain {
        ensure!(built == committed, "the same toolchain gives other bytes: {REMEDY}");
        return Ok(());
    }
    let (built, committed): (Shape, Shape) = (shape(&built)?, shape(&committed)?);
    match built.differs(&committed) {
        Some(why) => bail!("what {} gives has another shape: {why}", toolchain.name),
        None => Ok(()),
    }
}

/// The committed component, if it is what the lock file says.
fn committed(places: &Places, name: &str, entry: &Entry) -> Result<Vec<u8>> {
    let bytes = read(&prebuilt(places, &format!("{name}.wasm")))?;
    let same = bytes.len() == entry.bytes && source::sha256(&bytes) == entry.sha256;
    ensure!(same, "it is not what lock.json says: {REMEDY}");
    Ok(bytes)
}

/// The component that was just built, if it is small enough.
fn built(places: &Places, name: &str) -> Result<Vec<u8>> {
    let bytes = read(&places.built(name))?;
    let size = bytes.len();
    ensure!(size <= EXAMPLE_BYTES_MAX, "`{name}` has {size} bytes, more than {EXAMPLE_BYTES_MAX}");
    Ok(bytes)
}

fn load(places: &Places) -> Result<Lock> {
    let path = prebuilt(places, "lock.json");
    let bytes = read(&path).with_context(|| format!("no lock file yet: {REMEDY}"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}

fn prebuilt(places: &Places, file: &str) -> PathBuf {
    places.root.join("examples/prebuilt").join(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_components_are_what_the_lock_says_and_small() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("root").to_path_buf();
        let places = Places { work: root.clone(), out: root.clone(), root };
        let lock = load(&places).expect("lock");
        assert_eq!(lock.len(), EXAMPLES.names.len());
        for (name, entry) in &lock {
            let bytes = committed(&places, name, entry).expect(name);
            assert!(bytes.len() <= EXAMPLE_BYTES_MAX, "{name}");
            let exports = shape(&bytes).expect(name).exports;
            assert!(exports.iter().any(|e| e.starts_with("wasi:http/incoming-handler@0.2.")));
            assert_eq!(EXAMPLES.sources(&places, name).expect(name), entry.sources, "{REMEDY}");
        }
    }
}
