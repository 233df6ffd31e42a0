//! Files that a segment is made of.

use super::super::core::Core;
use super::super::disk::SegmentFile;
use super::super::segment::HEADER_BYTES;
use super::super::stream::Stream;
use std::io;
use std::path::Path;

/// Makes a segment's file with its header.
pub(super) fn create(
    core: &Core,
    stream: &Stream,
    path: &Path,
    head: &[u8; HEADER_BYTES],
) -> io::Result<Box<dyn SegmentFile>> {
    if stream.shelf.len() == 0 {
        core.disk.make_dir(&stream.dir)?;
        core.disk.sync_dir(&core.config.dir)?;
    }
    let mut file = core.disk.create(path);
    let exists = file.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists);
    // A file of this name that holds an entry would have given the number away.
    if exists && !stream.shelf.holds_blocks(path) {
        core.disk.remove(path)?;
        file = core.disk.create(path);
    }
    let file = file?;
    if let Err(error) = file.write_all_at(head, 0) {
        let _ = core.disk.remove(path);
        return Err(error);
    }
    Ok(file)
}

/// Writes the index file of the segment at `path`, in place of an older one.
pub(in super::super) fn write_index(core: &Core, path: &Path, index: &[u8]) -> io::Result<()> {
    let path = path.with_extension("idx");
    match core.disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = core.disk.create(&path).and_then(|file| file.write_all_at(index, 0));
    if written.is_err() {
        let _ = core.disk.remove(&path);
    }
    written
}
