//! What the index of a container holds, and under which keys.
//!
//! Keys begin with a letter that says of what: `c` for the container itself, `o` and a name for an
//! object, `u` and an id for an upload, `d` and an id for files that are to go.
//!
//! Invariant: what is written is read by the same version of this file, and by later ones.

use bytes::Bytes;
use model::key::Epoch;
use model::{Labels, Timestamp};
use ports::blobs::{Container, Info, Upload, UploadId};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// The key of the container's own row.
pub(super) const CONTAINER: &str = "c";
/// What keys of objects begin with.
pub(super) const OBJECT: char = 'o';
/// What keys of uploads begin with.
pub(super) const UPLOAD: char = 'u';
/// What keys of lists of files begin with that are to go.
pub(super) const DOOMED: char = 'd';
/// The first byte of every row.
const VERSION: u8 = 1;

/// Names a file: that of an upload, and of the object that is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct FileId(pub(super) [u8; 16]);

impl FileId {
    pub(super) fn hex(self) -> String {
        self.0.iter().fold(String::with_capacity(32), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    pub(super) fn parse(hex: &str) -> Option<Self> {
        hex.parse::<UploadId>().ok().map(|id| Self(id.0))
    }
}

impl From<UploadId> for FileId {
    fn from(id: UploadId) -> Self {
        Self(id.0)
    }
}

/// The key of an object or an upload.
pub(super) fn key(of: char, name: &str) -> String {
    let mut key = String::with_capacity(1 + name.len());
    key.push(of);
    key.push_str(name);
    key
}

/// What a container holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) created: Timestamp,
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) uploads: u64,
    pub(super) upload_bytes: u64,
}

impl Totals {
    pub(super) const fn new(created: Timestamp) -> Self {
        Self { created, objects: 0, bytes: 0, uploads: 0, upload_bytes: 0 }
    }

    pub(super) const fn shown(self) -> Container {
        let Self { created, objects, bytes, uploads, upload_bytes } = self;
        Container { created, objects, bytes, uploads, upload_bytes }
    }

    pub(super) fn add_object(&mut self, name: &str, row: &ObjectRow) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(row.weight(name));
    }

    pub(super) fn take_object(&mut self, name: &str, row: &ObjectRow) {
        self.objects = self.objects.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(row.weight(name));
    }

    pub(super) fn take_upload(&mut self, bytes: u64) {
        self.uploads = self.uploads.saturating_sub(1);
        self.upload_bytes = self.upload_bytes.saturating_sub(bytes);
    }
}

/// An object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObjectRow {
    pub(super) file: FileId,
    /// Of the key that its file is sealed with.
    pub(super) epoch: Epoch,
    pub(super) bytes: u64,
    pub(super) created: Timestamp,
}

impl ObjectRow {
    /// What it counts.
    pub(super) const fn weight(&self, name: &str) -> u64 {
        self.bytes.saturating_add(name.len() as u64)
    }
}

/// An object, as it was found.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) row: ObjectRow,
    pub(super) version: u64,
    /// Those of its row are those of the object.
    pub(super) labels: Labels,
}

impl Held {
    pub(super) const fn info(&self) -> Info {
        let ObjectRow { bytes, created, .. } = self.row;
        Info { bytes, created, version: self.version }
    }
}

/// An upload. Whole chunks of it are in its file, and the rest is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UploadRow {
    pub(super) head: UploadHead,
    pub(super) note: Bytes,
    pub(super) tail: Bytes,
}

/// The part of an upload's row that has a fixed form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadHead {
    pub(super) epoch: Epoch,
    pub(super) offset: u64,
    pub(super) begun: Timestamp,
    pub(super) touched: Timestamp,
    note_bytes: u32,
}

impl UploadRow {
    pub(super) fn new(epoch: Epoch, note: Bytes, now: Timestamp) -> Self {
        let head = UploadHead { epoch, offset: 0, begun: now, touched: now, note_bytes: 0 };
        Self { head, note, tail: Bytes::new() }
    }

    pub(super) fn shown(self) -> Upload {
        let UploadHead { offset, begun, touched, .. } = self.head;
        Upload { offset, begun, touched, note: self.note }
    }

    pub(super) fn write(&self) -> Option<Bytes> {
        let note_bytes = u32::try_from(self.note.len()).ok()?;
        let mut row = write(&UploadHead { note_bytes, ..self.head.clone() })?;
        row.extend_from_slice(&self.note);
        row.extend_from_slice(&self.tail);
        Some(row.into())
    }

    pub(super) fn read(row: &Bytes) -> Option<Self> {
        let (version, rest) = row.split_first()?;
        let (head, rest): (UploadHead, _) = postcard::take_from_bytes(rest).ok()?;
        let note_bytes = usize::try_from(head.note_bytes).ok()?;
        let (note, tail) = rest.split_at_checked(note_bytes)?;
        (*version == VERSION).then(|| Self {
            note: row.slice_ref(note),
            tail: row.slice_ref(tail),
            head,
        })
    }
}

/// Writes a row of fixed form. `None` only if there is no memory for it.
pub(super) fn write(row: &impl Serialize) -> Option<Vec<u8>> {
    postcard::to_extend(row, vec![VERSION]).ok()
}

/// Reads a row of fixed form.
pub(super) fn read<'a, T: Deserialize<'a>>(row: &'a [u8]) -> Option<T> {
    match row.split_first()? {
        (&VERSION, rest) => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}

/// Writes the files that are to go.
pub(super) fn write_doomed(files: &[FileId]) -> Bytes {
    let mut row = vec![VERSION];
    files.iter().for_each(|file| row.extend_from_slice(&file.0));
    row.into()
}

/// Reads the files that are to go.
pub(super) fn read_doomed(row: &[u8]) -> Option<Vec<FileId>> {
    let (&VERSION, rest) = row.split_first()? else { return None };
    let (files, rest) = rest.as_chunks::<16>();
    rest.is_empty().then(|| files.iter().map(|id| FileId(*id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written() {
        let totals = Totals { objects: 3, bytes: u64::MAX, ..Totals::new(Timestamp(-1)) };
        assert_eq!(read(&write(&totals).expect("row")), Some(totals));
        let now = Timestamp(1 << 50);
        let mut upload = UploadRow::new(Epoch(7), Bytes::from_static(b"note"), now);
        for tail in ["", "tail"] {
            upload.tail = Bytes::from_static(tail.as_bytes());
            let found = UploadRow::read(&upload.write().expect("row")).expect("row");
            assert_eq!((&found.note, &found.tail), (&upload.note, &upload.tail));
            assert_eq!(found.head.begun, now);
        }
        let files = [FileId([1; 16]), FileId([255; 16])];
        assert_eq!(read_doomed(&write_doomed(&files)), Some(files.to_vec()));
        assert_eq!(FileId::parse(&files[1].hex()), Some(files[1]));
    }

    #[test]
    fn refuses_rows_of_another_form() {
        assert_eq!(read::<Totals>(&[]), None);
        assert_eq!(read::<Totals>(&[2, 0, 0, 0, 0, 0]), None);
        assert_eq!(read_doomed(&[1, 0]), None);
        assert_eq!(UploadRow::read(&Bytes::from_static(&[1, 0, 0, 0, 0, 9, 1])), None);
    }
}
