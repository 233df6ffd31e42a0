//! Whether a directory holds what a list says, and nothing else.

use super::write::{DIRECTORY, PLAIN, PROGRAM};
use aws_lc_rs::digest::{SHA256, digest};
use model::listing::{CHUNK_BYTES, File, Listing};
use rustix::fs::{Mode, OFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The first thing that differs; none if nothing does.
pub(super) fn differs(root: &Path, list: &Listing) -> io::Result<Option<String>> {
    let mut wanted: BTreeMap<&str, &File> =
        list.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let own = list.root.as_ref();
    let mut links: BTreeMap<&str, &str> = own.map_or_else(BTreeMap::new, |own| {
        own.links.iter().map(|link| (link.path.as_str(), link.target.as_str())).collect()
    });
    let mut vacant: BTreeSet<&str> =
        own.map_or_else(BTreeSet::new, |own| own.directories.iter().map(String::as_str).collect());
    let meta = fs::symlink_metadata(root)?;
    if !meta.is_dir() || !is(&meta, DIRECTORY) {
        return Ok(Some("it is no directory, or others may write to it".to_owned()));
    }
    let mut open = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = open.pop() {
        let mut empty = true;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            empty = false;
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            let meta = fs::symlink_metadata(entry.path())?;
            if meta.is_dir() && is(&meta, DIRECTORY) {
                open.push((entry.path(), format!("{path}/")));
                continue;
            }
            if meta.is_symlink() {
                let wanted = name.to_str().and_then(|_| links.remove(path.as_str()));
                if wanted.is_none_or(|wanted| !is_link(&entry.path(), wanted)) {
                    return Ok(Some(path.escape_debug().to_string()));
                }
                continue;
            }
            // A name that is no UTF-8 is in no list.
            let file = name.to_str().and_then(|_| wanted.remove(path.as_str()));
            let same = match file {
                Some(file) => is_file(&entry.path(), &meta, file)?,
                None => false,
            };
            if !same {
                return Ok(Some(path.escape_debug().to_string()));
            }
        }
        if empty && !vacant.remove(prefix.trim_end_matches('/')) {
            return Ok(Some(format!("{prefix} is empty")));
        }
    }
    let missing = wanted.keys().chain(links.keys()).chain(&vacant).next();
    Ok(missing.map(|path| format!("{path} is missing")))
}

fn is_link(path: &Path, wanted: &str) -> bool {
    fs::read_link(path).is_ok_and(|target| target.as_os_str() == wanted)
}

/// Whether all of the bits that say who may do what are these.
fn is(meta: &Metadata, mode: u32) -> bool {
    meta.permissions().mode() & 0o7777 == mode
}

fn is_file(path: &PathBuf, meta: &Metadata, file: &File) -> io::Result<bool> {
    let mode = if file.executable { PROGRAM } else { PLAIN };
    // Who has it under another name, too, could write to it there.
    if !meta.is_file() || !is(meta, mode) || meta.len() != file.size || meta.nlink() != 1 {
        return Ok(false);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut open = fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let mut bytes = Vec::new();
    for chunk in &file.chunks {
        bytes.clear();
        (&mut open).take(CHUNK_BYTES).read_to_end(&mut bytes)?;
        if digest(&SHA256, &bytes).as_ref() != chunk.0 {
            return Ok(false);
        }
    }
    Ok(open.read(&mut [0])? == 0)
}
