//! The bytes of an image's files, in one file: what is unpacked is digested on its way there.

use super::part::Part;
use super::{Refusal, unreadable};
use aws_lc_rs::digest::{SHA256, digest};
use model::Digest;
use model::listing::{CHUNK_BYTES, FILE_BYTES_MAX, TOTAL_BYTES_MAX};
use std::fs::File;
use std::io::{self, Read, Write as _};

/// The bytes of one file.
#[derive(Debug)]
pub(super) struct Content {
    at: u64,
    pub(super) size: u64,
    /// The digests of its pieces.
    pub(super) chunks: Vec<Digest>,
}

#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    end: u64,
    contents: Vec<Content>,
}

impl Spool {
    pub(super) const fn new(file: File) -> Self {
        Self { file, end: 0, contents: Vec::new() }
    }

    /// Takes a file's bytes to the end, and gives their number here.
    pub(super) fn take(
        &mut self,
        mut from: impl Read,
        size: u64,
        name: &[u8],
    ) -> Result<usize, Refusal> {
        if size > FILE_BYTES_MAX {
            let most = FILE_BYTES_MAX >> 20;
            let name = String::from_utf8_lossy(name).escape_debug().to_string();
            return Err(Refusal::TooLarge(format!("`{name}` is larger than {most} MiB")));
        }
        if self.end.saturating_add(size) > TOTAL_BYTES_MAX {
            let most = TOTAL_BYTES_MAX >> 30;
            let why = format!("the files of its layers have more than {most} GiB");
            return Err(Refusal::TooLarge(why));
        }
        let failed =
            |error: io::Error| unreadable(format!("what is unpacked is not kept: {error}"));
        let mut content = Content { at: self.end, size, chunks: Vec::new() };
        let mut rest = size;
        let mut bytes = Vec::new();
        while rest > 0 {
            bytes.clear();
            let wanted = rest.min(CHUNK_BYTES);
            from.by_ref().take(wanted).read_to_end(&mut bytes).map_err(super::layer::damaged)?;
            if bytes.len() as u64 != wanted {
                return Err(unreadable("a layer was cut off"));
            }
            self.file.write_all(&bytes).map_err(failed)?;
            content.chunks.push(sha256(&bytes));
            rest -= wanted;
        }
        self.end += size;
        self.contents.push(content);
        Ok(self.contents.len() - 1)
    }

    pub(super) fn content(&self, number: usize) -> Option<&Content> {
        self.contents.get(number)
    }

    /// The bytes of one file once more; none of a file that there is not.
    pub(super) fn open(&self, number: usize) -> Part<'_> {
        let (at, size) = self.content(number).map_or((0, 0), |content| (content.at, content.size));
        Part::new(&self.file, at, size)
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Digest(out)
}
