//! A segment file's header and name.
//!
//! A segment is the header and then blocks, one after the other. It is named by the number of its
//! first entry, so that a directory listing is the order. The first block of every segment holds
//! all invocations that are open at that moment, so that recovery reads the last segment only.
//!
//! Invariant: everything below a segment's first entry number that its successor's name repeats
//! was given up and written again there; readers stop at the successor's number.

use super::block::NUMBER_END;
use model::key::Epoch;
use model::{BootId, Timestamp};

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 128;
const MAGIC: [u8; 8] = *b"cmjrnl\0\0";
const VERSION: u32 = 1;
/// The longest stream name: `t-` and a tenant's 63 characters fit.
const NAME_BYTES: usize = 80;

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The number of its first entry.
    pub first: u64,
    /// The start of the node that wrote it.
    pub boot: BootId,
    /// When it was begun.
    pub created: Timestamp,
    /// The key epoch that its blocks are sealed with.
    pub epoch: Epoch,
    /// Its stream.
    pub stream: String,
}

impl Header {
    /// The header's bytes; the checksum covers all of them.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let name = self.stream.as_bytes();
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.boot.0.to_le_bytes());
        bytes.extend(self.created.0.to_le_bytes());
        bytes.extend(self.epoch.0.to_le_bytes());
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name);
        bytes.resize(HEADER_BYTES, 0);
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes);
        let crc = crc32fast::hash(&header);
        header[12..16].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Reads a header.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, &'static str> {
        let (mut plain, mut fields) = (*bytes, Fields(bytes));
        if fields.take() != MAGIC {
            return Err("this is no segment");
        }
        if u32::from_le_bytes(fields.take()) != VERSION {
            return Err("the segment has an unknown version");
        }
        let crc = u32::from_le_bytes(fields.take());
        plain[12..16].fill(0);
        if crc32fast::hash(&plain) != crc {
            return Err("the segment's header does not match its checksum");
        }
        let first = u64::from_le_bytes(fields.take());
        let boot = BootId(u64::from_le_bytes(fields.take()));
        let created = Timestamp(i64::from_le_bytes(fields.take()));
        let epoch = Epoch(u32::from_le_bytes(fields.take()));
        let len = u32::from_le_bytes(fields.take()) as usize;
        let name: [u8; NAME_BYTES] = fields.take();
        let name = name.get(..len).ok_or("the segment's stream name is too long")?;
        let stream = str::from_utf8(name).map_err(|_| "the segment's stream name is no text")?;
        Ok(Self { first, boot, created, epoch, stream: stream.to_owned() })
    }
}

/// Reads fixed-size fields from the front of bytes; zeros once they are used up.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

/// The name of the segment that begins with entry `first`.
pub(super) fn file_name(first: u64) -> String {
    format!("{first:016x}.seg")
}

/// The first entry's number from a segment's file name; `None` for other files, and for numbers
/// that no entry has.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    let first = u64::from_str_radix(digits, 16).ok()?;
    (file_name(first) == name && first < NUMBER_END).then_some(first)
}
