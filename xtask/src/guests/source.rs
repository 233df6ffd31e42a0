//! Digests of sources: whether anything has changed.
//!
//! Invariant: a digest depends on the contents and the relative names of the files, not on where
//! the repository lies, on times or on the order of a directory.

use super::read;
use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// The SHA-256 of some bytes, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// The SHA-256 over texts and over files below `root`. A path may name a directory: then
/// everything in it counts, apart from what a tool left there.
pub(super) fn digest(root: &Path, paths: &[String], texts: &[&str]) -> Result<String> {
    let mut names = Vec::new();
    for path in paths {
        collect(root, path, &mut names)?;
    }
    names.sort();
    names.dedup();
    let mut hash = Sha256::new();
    for text in texts {
        field(&mut hash, text.as_bytes());
    }
    for name in names {
        field(&mut hash, name.as_bytes());
        field(&mut hash, &read(&root.join(&name))?);
    }
    Ok(hex(hash.finalize().as_slice()))
}

fn field(hash: &mut Sha256, bytes: &[u8]) {
    // The length goes first, so that two lists of fields never hash alike.
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

fn collect(root: &Path, path: &str, names: &mut Vec<String>) -> Result<()> {
    let full = root.join(path);
    if !full.is_dir() {
        names.push(path.to_owned());
        return Ok(());
    }
    let unread = || format!("cannot read {}", full.display());
    for entry in std::fs::read_dir(&full).with_context(unread)? {
        let name = entry.with_context(unread)?.file_name();
        let name = name.to_string_lossy();
        if !matches!(name.as_ref(), "target" | "node_modules" | "__pycache__" | "README.md") {
            collect(root, &format!("{path}/{name}"), names)?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_follows_names_and_contents_and_nothing_else() {
        let make = |name: &str, file: &str, text: &str| {
            let root = std::env::temp_dir().join(format!("guests-{}-{name}", std::process::id()));
            std::fs::create_dir_all(root.join("a/target")).expect("directory");
            std::fs::write(root.join("a").join(file), text).expect("file");
            std::fs::write(root.join("a/target/left"), name).expect("file");
            let digest = digest(&root, &["a".to_owned()], &["recipe"]).expect("digest");
            std::fs::remove_dir_all(&root).expect("removed");
            digest
        };
        assert_eq!(make("1", "f", "x"), make("2", "f", "x"));
        assert_ne!(make("3", "f", "x"), make("4", "f", "y"));
        assert_ne!(make("5", "f", "x"), make("6", "g", "x"));
    }

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}
