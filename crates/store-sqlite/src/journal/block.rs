//! Blocks: one group commit each, and how they are read back from bytes that may be anything.
//!
//! A block is a fixed header and a sealed payload. The payload's plain form is entries, each with
//! its length before it. The header is outside the seal, so that queries can skip without keys;
//! its fields are authenticated with the payload, together with the segment and the offset.
//!
//! Invariant: parsing never panics and never reads past the bytes it was given.

use super::facts::Summary;
use super::segment::Fields;

/// Bytes of a block's header.
pub(super) const HEADER_BYTES: usize = 56;
const MAGIC: [u8; 4] = *b"cmb1";
/// No entry has this number or a higher one: at a million a second that is four years. Headers are
/// read before their seal is opened, and a number that somebody made up must not become the one
/// that writing goes on at.
pub(super) const NUMBER_END: u64 = 1 << 47;
/// Bytes at the header's start that the seal does not cover: magic, checksum and length.
const UNSEALED_BYTES: usize = 12;
/// Most bytes that the checksums of one run of [`blocks`] are taken over in vain.
const IN_VAIN_BYTES_MAX: usize = 64 << 20;
/// Bytes before an entry: its length.
pub(super) const FRAME_BYTES: usize = 4;

/// A block's header, without magic and checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the sealed payload.
    pub len: u32,
    /// The number of the first entry in the stream.
    pub first: u64,
    /// What is in it.
    pub summary: Summary,
    /// Bytes before it that were not durable when it was written. All that stood before those was,
    /// so if it is damaged, no crash has done it.
    pub afloat: u32,
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let Summary { count, min_us, max_us, bloom, kinds, outcomes } = self.summary;
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&self.len.to_le_bytes());
        header[12..16].copy_from_slice(&count.to_le_bytes());
        header[16..24].copy_from_slice(&self.first.to_le_bytes());
        header[24..32].copy_from_slice(&min_us.to_le_bytes());
        header[32..40].copy_from_slice(&max_us.to_le_bytes());
        header[40..48].copy_from_slice(&bloom.to_le_bytes());
        header[48] = kinds;
        header[50..52].copy_from_slice(&outcomes.to_le_bytes());
        header[52..56].copy_from_slice(&self.afloat.to_le_bytes());
        header
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let mut fields = Fields(bytes.get(8..).unwrap_or_default());
        let len = u32::from_le_bytes(fields.take());
        let count = u32::from_le_bytes(fields.take());
        let first = u64::from_le_bytes(fields.take());
        let min_us = i64::from_le_bytes(fields.take());
        let max_us = i64::from_le_bytes(fields.take());
        let bloom = u64::from_le_bytes(fields.take());
        let [kinds, _] = fields.take();
        let outcomes = u16::from_le_bytes(fields.take());
        let afloat = u32::from_le_bytes(fields.take());
        let summary = Summary { count, min_us, max_us, bloom, kinds, outcomes };
        Self { len, first, summary, afloat }
    }

    /// The number after the last entry's.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.summary.count))
    }

    /// What the seal is bound to: the segment, the offset there, and the header's fields.
    pub(super) fn place(&self, segment: &[u8], offset: u64) -> Vec<u8> {
        let mut place = Vec::with_capacity(24 + segment.len() + HEADER_BYTES);
        place.extend(b"journal block 1\0");
        place.extend(segment);
        place.extend(offset.to_le_bytes());
        place.extend(self.encode().get(UNSEALED_BYTES..).unwrap_or_default());
        place
    }

    /// Puts the header before a sealed payload: `block` begins with room for it.
    pub(super) fn finish(mut self, block: &mut [u8]) -> Self {
        self.len = block.len().saturating_sub(HEADER_BYTES) as u32;
        if let Some((head, payload)) = block.split_first_chunk_mut::<HEADER_BYTES>() {
            *head = self.encode();
            let crc = checksum(head, payload);
            head[4..8].copy_from_slice(&crc.to_le_bytes());
        }
        self
    }
}

fn checksum(header: &[u8; HEADER_BYTES], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header.get(8..).unwrap_or_default());
    crc.update(payload);
    crc.finalize()
}

/// A block whose checksum fits, still sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Where it begins in its segment.
    pub offset: u64,
    /// Its header.
    pub header: Header,
    /// The sealed payload.
    pub sealed: &'a [u8],
}

impl Block<'_> {
    /// Bytes with its header.
    pub(super) fn bytes(&self) -> u64 {
        (HEADER_BYTES + self.sealed.len()) as u64
    }

    /// How far the segment was durable when this was written.
    pub(super) fn durable(&self) -> u64 {
        self.offset.saturating_sub(u64::from(self.header.afloat))
    }
}

/// Bytes that are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    /// Where they begin.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// What does not fit.
    pub reason: &'static str,
}

/// A block, or what stands in the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A block.
    Block(Block<'a>),
    /// Something else, up to the next block or the end.
    Gap(Gap),
}

fn parse(bytes: &[u8], offset: u64) -> Result<Block<'_>, &'static str> {
    let (head, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or("a block is cut")?;
    let mut fields = Fields(head);
    if fields.take() != MAGIC {
        return Err("this is no block");
    }
    let crc = u32::from_le_bytes(fields.take());
    let header = Header::decode(head);
    let sealed = rest.get(..header.len as usize).ok_or("a block is cut")?;
    if checksum(head, sealed) != crc {
        return Err("a block does not match its checksum");
    }
    if header.summary.count == 0 || header.end() > NUMBER_END {
        return Err("a block has numbers that no entry has");
    }
    Ok(Block { offset, header, sealed })
}

/// The blocks in `bytes`, which begin at `offset` of their segment, and the gaps between them.
pub(super) fn blocks(bytes: &[u8], offset: u64) -> impl Iterator<Item = Found<'_>> {
    let (mut at, mut in_vain) = (0usize, 0usize);
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let here = offset + at as u64;
        match parse(rest, here) {
            Ok(block) => {
                at += HEADER_BYTES + block.sealed.len();
                Some(Found::Block(block))
            }
            Err(reason) => {
                let len = next_block(rest, &mut in_vain).unwrap_or(rest.len());
                at += len;
                Some(Found::Gap(Gap { offset: here, bytes: len as u64, reason }))
            }
        }
    })
}

/// How far away the next block begins that can be read. Damage holds the beginning of a block
/// hardly ever; bytes that were made to hold many, each long, are given up on.
fn next_block(bytes: &[u8], in_vain: &mut usize) -> Option<usize> {
    let windows = bytes.windows(MAGIC.len()).enumerate().skip(1);
    for (at, _) in windows.filter(|(_, window)| *window == MAGIC) {
        let rest = bytes.get(at..).unwrap_or_default();
        if parse(rest, 0).is_ok() {
            return Some(at);
        }
        *in_vain += checked_bytes(rest);
        if *in_vain > IN_VAIN_BYTES_MAX {
            return None;
        }
    }
    None
}

/// How many bytes the checksum was taken over that did not fit.
fn checked_bytes(bytes: &[u8]) -> usize {
    let Some((head, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return 0 };
    Some(Header::decode(head).len as usize).filter(|len| *len <= rest.len()).unwrap_or(0)
}

/// Writes one entry's length and bytes.
pub(super) fn push_frame(block: &mut Vec<u8>, entry: &[u8]) {
    block.extend((entry.len() as u32).to_le_bytes());
    block.extend_from_slice(entry);
}

/// The entries of a plain payload.
///
/// # Errors
/// What does not fit, if they are not exactly `count`.
pub(super) fn frames(plain: &[u8], count: u32) -> Result<Vec<&[u8]>, &'static str> {
    let mut entries =
        Vec::with_capacity(plain.len().min(count as usize * FRAME_BYTES) / FRAME_BYTES);
    let mut rest = plain;
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<FRAME_BYTES>().ok_or("an entry is cut")?;
        let len = u32::from_le_bytes(*len) as usize;
        let (entry, after) = after.split_at_checked(len).ok_or("an entry is cut")?;
        entries.push(entry);
        rest = after;
    }
    match entries.len() == count as usize {
        true => Ok(entries),
        false => Err("a block does not hold as many entries as it says"),
    }
}
