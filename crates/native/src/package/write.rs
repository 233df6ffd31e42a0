//! From a list to a directory.

use super::{Error, at};
use bytes::Bytes;
use model::Digest;
use model::listing::{File, Listing};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What a directory, a program and any other file may be used for.
pub(super) const DIRECTORY: u32 = 0o755;
pub(super) const PROGRAM: u32 = 0o755;
pub(super) const PLAIN: u32 = 0o644;

/// When every file was changed last: the first of January 1980, the earliest time of a zip.
fn changed() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(315_532_800)
}

/// Writes all files of a list below a directory that is not there yet.
pub(super) fn write(
    root: &Path,
    list: &Listing,
    mut read: impl FnMut(Digest) -> Result<Bytes, Error>,
) -> Result<(), Error> {
    directory(root)?;
    let mut made: BTreeSet<&str> = BTreeSet::new();
    for file in &list.files {
        for (at, _) in file.path.match_indices('/') {
            let Some(above) = file.path.get(..at) else { continue };
            if made.insert(above) {
                directory(&root.join(above))?;
            }
        }
        one(&root.join(&file.path), file, &mut read)?;
    }
    beside(root, list)
}

/// What the root of an image has beside files. No path of its list leads through a link.
fn beside(root: &Path, list: &Listing) -> Result<(), Error> {
    let Some(own) = &list.root else { return Ok(()) };
    let above = |path: &Path| -> Result<(), Error> {
        match path.parent() {
            Some(parent) if !parent.exists() => directories(root, parent),
            _ => Ok(()),
        }
    };
    for path in &own.directories {
        directories(root, &root.join(path))?;
    }
    for link in &own.links {
        let path = root.join(&link.path);
        above(&path)?;
        symlink(&link.target, &path).map_err(at(&path))?;
    }
    Ok(())
}

/// A directory, and those above it that are not there yet.
fn directories(root: &Path, path: &Path) -> Result<(), Error> {
    let mut missing: Vec<&Path> =
        path.ancestors().take_while(|above| *above != root && !above.exists()).collect();
    while let Some(above) = missing.pop() {
        directory(above)?;
    }
    Ok(())
}

fn directory(path: &Path) -> Result<(), Error> {
    fs::create_dir(path).map_err(at(path))?;
    fs::set_permissions(path, Permissions::from_mode(DIRECTORY)).map_err(at(path))
}

fn one(
    path: &Path,
    file: &File,
    read: &mut impl FnMut(Digest) -> Result<Bytes, Error>,
) -> Result<(), Error> {
    let mut open = OpenOptions::new();
    let mut out = open.write(true).create_new(true).mode(0o600).open(path).map_err(at(path))?;
    for chunk in &file.chunks {
        out.write_all(&read(*chunk)?).map_err(at(path))?;
    }
    let mode = if file.executable { PROGRAM } else { PLAIN };
    out.set_permissions(Permissions::from_mode(mode)).map_err(at(path))?;
    out.set_modified(changed()).map_err(at(path))
}
