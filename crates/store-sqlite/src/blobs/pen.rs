//! Writes the file of one upload, chunk after chunk.
//!
//! Invariant: what is in the file before the row's offset is never written again.

use super::chunks::{CHUNK_BYTES, Chunks};
use super::room::{Room, Using};
use super::rows::{FileId, UploadRow};
use super::shared;
use bytes::{Buf, Bytes};
use ports::blobs::Error;
use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

/// An upload that is being written.
pub(super) struct Pen {
    chunks: Chunks,
    path: PathBuf,
    file: Option<File>,
    /// Chunks that are in the file.
    number: u64,
    /// What follows them: at most one chunk.
    tail: Vec<u8>,
    /// Whether something is in the file that may not be on disk.
    pub(super) dirty: bool,
    /// Held until the last write is over, whoever went away meanwhile.
    pub(super) _using: Arc<Using>,
}

impl Pen {
    /// Goes on where the row says. `None` if what it says to be in the file is not there, as after
    /// a restore. Blocks.
    pub(super) fn open(
        room: &Room,
        id: FileId,
        row: &UploadRow,
        using: Arc<Using>,
    ) -> Result<Option<Self>, Error> {
        let chunks = Chunks::derive(&*room.shared.ring, row.head.epoch, &room.at, id)?;
        let number = row.head.offset.saturating_sub(row.tail.len() as u64) / CHUNK_BYTES as u64;
        let path = room.upload_path(id);
        let held = || std::fs::metadata(&path).map_or(0, |meta| meta.len());
        let wanted = chunks.offset(number);
        if wanted > held() {
            // A crash may have left it where the object was to be.
            let object = room.object_path(id);
            if object.exists() {
                super::room::rename(&object, &path)?;
            }
            if wanted > held() {
                return Ok(None);
            }
        }
        let mut tail = chunks.buffer();
        tail.extend_from_slice(&row.tail);
        Ok(Some(Self { chunks, path, file: None, number, tail, dirty: false, _using: using }))
    }

    /// Bytes that were written and that wait.
    pub(super) const fn offset(&self) -> u64 {
        self.number * CHUNK_BYTES as u64 + self.tail.len() as u64
    }

    /// What waits for the rest of its chunk.
    pub(super) fn tail(&self) -> Bytes {
        Bytes::copy_from_slice(&self.tail)
    }

    /// Takes what still fits into the chunk. If something is left, the chunk has to be written.
    pub(super) fn fill(&mut self, piece: &mut Bytes) {
        let room = CHUNK_BYTES.saturating_sub(self.tail.len()).min(piece.len());
        self.tail.extend_from_slice(piece.get(..room).unwrap_or_default());
        piece.advance(room);
    }

    /// Writes the chunk that is full, as others follow. Blocks.
    pub(super) fn write(&mut self) -> Result<(), Error> {
        self.put(false)?;
        self.number += 1;
        Ok(())
    }

    /// Puts on disk what is in the file. Blocks.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if let Some(file) = self.file.as_ref().filter(|_| self.dirty) {
            file.sync_data().map_err(|error| shared::of_io(&self.path, error))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Writes the last chunk, and puts everything on disk. Blocks.
    pub(super) fn end(mut self) -> Result<PathBuf, Error> {
        let tail = self.tail.len();
        self.put(true)?;
        let end = self.chunks.offset(self.number) + self.chunks.sealed_bytes(tail) as u64;
        if let Some(file) = &self.file {
            // What a crash left behind it goes.
            let done = file.set_len(end).and_then(|()| file.sync_all());
            done.map_err(|error| shared::of_io(&self.path, error))?;
        }
        Ok(self.path)
    }

    fn put(&mut self, last: bool) -> Result<(), Error> {
        let next = if last { Vec::new() } else { self.chunks.buffer() };
        let plain = std::mem::replace(&mut self.tail, next);
        let sealed = self.chunks.seal(self.number, last, plain)?;
        let at = self.chunks.offset(self.number);
        self.dirty = true;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        file.write_all_at(&sealed, at).map_err(|error| shared::of_io(&self.path, error))
    }
}

fn open(path: &std::path::Path) -> Result<File, Error> {
    let parent = path.parent().unwrap_or(path);
    let there = path.exists();
    let mut options = std::fs::OpenOptions::new();
    let opened = crate::files::make_directory(parent)
        .and_then(|()| options.write(true).create(true).truncate(false).mode(0o600).open(path));
    let file = opened.map_err(|error| shared::of_io(path, error))?;
    if !there {
        crate::files::sync(parent).map_err(|error| shared::of_io(parent, error))?;
    }
    Ok(file)
}
