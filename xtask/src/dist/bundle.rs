//! Tar files with nothing of the machine in them, and the plain bundle.

use super::binary::Completions;
use super::release::{Release, own};
use anyhow::Result;
use flate2::{Compression, GzBuilder};
use std::io::Write as _;
use tar::{Builder, EntryType, Header};

/// One entry of an archive.
pub(super) struct Entry {
    /// Its path, without a leading `/`; a directory's ends with `/`.
    pub(super) path: String,
    /// Its permissions.
    pub(super) mode: u32,
    /// Its owner's and group's number.
    pub(super) owner: u64,
    /// Its content; empty for a directory.
    pub(super) bytes: Vec<u8>,
}

impl Entry {
    /// A file of root's.
    pub(super) fn file(path: impl Into<String>, mode: u32, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), mode, owner: 0, bytes }
    }

    /// A directory.
    pub(super) fn directory(path: impl Into<String>, mode: u32, owner: u64) -> Self {
        Self { path: path.into(), mode, owner, bytes: Vec::new() }
    }
}

/// A tar file of these entries, in their order, with every parent directory before its content.
pub(super) fn tar(entries: Vec<Entry>, epoch: u64) -> Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for entry in with_parents(entries) {
        let mut header = Header::new_gnu();
        header.set_entry_type(match entry.path.ends_with('/') {
            true => EntryType::Directory,
            false => EntryType::Regular,
        });
        header.set_mode(entry.mode);
        header.set_uid(entry.owner);
        header.set_gid(entry.owner);
        header.set_mtime(epoch);
        header.set_size(entry.bytes.len() as u64);
        builder.append_data(&mut header, &entry.path, entry.bytes.as_slice())?;
    }
    Ok(builder.into_inner()?)
}

/// Adds the directories that nobody named, once each.
fn with_parents(entries: Vec<Entry>) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for entry in entries {
        let inner = entry.path.trim_end_matches('/');
        for (at, _) in inner.match_indices('/') {
            let parent = format!("{}/", &inner[..at]);
            if !all.iter().any(|known| known.path == parent) {
                all.push(Entry::directory(parent, 0o755, 0));
            }
        }
        all.push(entry);
    }
    all
}

/// Compressed, with neither a name nor a time in the header.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// The bundle for any Linux: the binary, what it needs to be a service, and what to read.
pub(super) fn tarball(
    release: &Release,
    stem: &str,
    sbom: &[u8],
    completions: &Completions,
) -> Result<Vec<u8>> {
    let file = |path: &str, bytes: Vec<u8>| Entry::file(format!("{stem}/{path}"), 0o644, bytes);
    let entries = vec![
        Entry::file(format!("{stem}/casemate"), 0o755, release.binary.clone()),
        file("casemate.service", own("packaging/casemate.service")?),
        file("casemate.toml", own("packaging/casemate.toml")?),
        file("completions/casemate.bash", completions.bash.clone()),
        file("completions/_casemate", completions.zsh.clone()),
        file("completions/casemate.fish", completions.fish.clone()),
        file("CHANGELOG.md", own("CHANGELOG.md")?),
        file("INSTALL.md", own("docs/guides/install.md")?),
        file("LICENSE", own("LICENSE")?),
        file("sbom.cdx.json", sbom.to_vec()),
    ];
    gzip(&tar(entries, release.epoch)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_entries_are_the_same_bytes_and_parents_come_first() {
        let entries = || {
            vec![
                Entry::file("a/b/c", 0o644, b"x".to_vec()),
                Entry::file("a/d", 0o755, b"y".to_vec()),
            ]
        };
        let bytes = tar(entries(), 1_700_000_000).expect("a tar file");
        assert_eq!(bytes, tar(entries(), 1_700_000_000).expect("a tar file"));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let paths: Vec<String> = archive
            .entries()
            .expect("readable")
            .map(|entry| entry.expect("whole").path().expect("text").display().to_string())
            .collect();
        assert_eq!(paths, ["a/", "a/b/", "a/b/c", "a/d"]);
        assert_eq!(gzip(&bytes).expect("packed"), gzip(&bytes).expect("packed"));
    }
}
