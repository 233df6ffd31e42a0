//! Stamps: what a built file was made from, so that it is not made again.

use super::{Places, read, source, write_whole};
use anyhow::{Context as _, Result};

/// Whether the component called `name` is there, whole, and made from what `key` stands for.
pub(super) fn is_fresh(places: &Places, name: &str, key: &str) -> bool {
    let Ok(stamp) = std::fs::read_to_string(path(places, name)) else { return false };
    let Ok(bytes) = read(&places.built(name)) else { return false };
    stamp == text(key, &bytes)
}

/// Keeps a component that was just built.
pub(super) fn keep(places: &Places, name: &str, key: &str, bytes: &[u8]) -> Result<()> {
    write_whole(&places.built(name), bytes)?;
    let path = path(places, name);
    let directory = path.parent().context("a stamp lies in a directory")?;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    write_whole(&path, text(key, bytes).as_bytes())
}

fn path(places: &Places, name: &str) -> std::path::PathBuf {
    places.work.join("stamps").join(format!("{name}.stamp"))
}

fn text(key: &str, bytes: &[u8]) -> String {
    format!("{key} {}\n", source::sha256(bytes))
}
