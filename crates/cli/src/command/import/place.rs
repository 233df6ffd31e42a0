//! Copies the code of an imported project to where its manifest is written, and writes that.
//!
//! Invariant: links are not followed, and nothing is written over unless that was asked for.

use anyhow::Context as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Names that no function needs.
const LEFT: &[&str] = &[".git", ".hg", ".svn", ".aws-sam", ".serverless", ".casemate"];

/// Copies these paths of `root` to the same places of `out`, if that is another directory.
/// Gives the links that were left out.
pub(super) fn put(
    root: &Path,
    out: &Path,
    paths: Vec<&str>,
    force: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let (root, out) = (root.canonicalize()?, out.canonicalize()?);
    if root == out {
        return Ok(Vec::new());
    }
    let mut links = Vec::new();
    for path in paths {
        let from = root.join(path);
        if from.exists() {
            copy(&from, &out.join(path), (&out, force), &mut links)?;
        }
    }
    Ok(links)
}

fn copy(
    from: &Path,
    to: &Path,
    (out, force): (&Path, bool),
    links: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if !kind.is_file() && !kind.is_dir() && !links.iter().any(|known| known == from) {
        links.push(from.to_owned());
    }
    if kind.is_file() {
        if !force && to.symlink_metadata().is_ok() && fs::read(from)? != fs::read(to)? {
            return Err(super::occupied(to).into());
        }
        directory(out, to.parent().unwrap_or(out))?;
        refuse_link(to)?;
        fs::copy(from, to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    if kind.is_dir() && from != out {
        directory(out, to)?;
        let mut entries: Vec<PathBuf> = fs::read_dir(from)?.flatten().map(|it| it.path()).collect();
        entries.sort();
        for entry in entries {
            let Some(name) = entry.file_name() else { continue };
            if !LEFT.iter().any(|left| name == *left) {
                copy(&entry, &to.join(name), (out, force), links)?;
            }
        }
    }
    Ok(())
}

/// Makes a directory at or below `out`, with what leads there. Links in the way are refused, since
/// what is written must not leave `out`.
pub(in crate::command) fn directory(out: &Path, wanted: &Path) -> anyhow::Result<()> {
    let mut place = out.to_owned();
    for step in wanted.strip_prefix(out)?.components() {
        place.push(step);
        refuse_link(&place)?;
        match fs::create_dir(&place) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot make {}", place.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses to write where a link is.
pub(in crate::command) fn refuse_link(place: &Path) -> anyhow::Result<()> {
    if place.is_symlink() {
        anyhow::bail!("{} is a link, and nothing is written through one", place.display());
    }
    Ok(())
}

/// Writes a file: a new one, or the whole of one that is there.
pub(in crate::command) fn write(file: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    match opened {
        Ok(mut new) => Ok(new.write_all(text.as_bytes())?),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && force => {
            Ok(crate::manifest::replace(file, text)?)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(super::occupied(file).into()),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_through_a_link() {
        let place = tempfile::tempdir().expect("a directory");
        let (root, out, other) =
            (place.path().join("root"), place.path().join("out"), place.path().join("other"));
        for directory in [&root.join("src"), &root.join("lib"), &out, &other] {
            fs::create_dir_all(directory).expect("a directory");
        }
        fs::write(root.join("src/x"), "x").expect("written");
        fs::write(root.join("lib/y"), "y").expect("written");
        fs::write(other.join("y"), "old").expect("written");
        std::os::unix::fs::symlink(&other, out.join("src")).expect("a link");
        assert!(put(&root, &out, vec!["src"], true).is_err());
        assert!(!other.join("x").exists());
        fs::create_dir(out.join("lib")).expect("a directory");
        std::os::unix::fs::symlink(other.join("y"), out.join("lib/y")).expect("a link");
        assert!(put(&root, &out, vec!["lib"], true).is_err());
        assert_eq!(fs::read(other.join("y")).expect("read"), b"old");
        fs::remove_file(out.join("lib/y")).expect("removed");
        put(&root, &out, vec!["lib"], false).expect("copied");
        assert_eq!(fs::read(out.join("lib/y")).expect("read"), b"y");
    }
}
