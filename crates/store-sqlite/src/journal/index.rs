//! A segment's index: spans of neighbouring blocks and what is in them.
//!
//! Blocks of little traffic are small, so neighbours share a span until it reaches
//! [`SPAN_BYTES`]: a full segment's index is some kilobytes, whatever the traffic was.
//!
//! Invariant: an index is only ever used to skip. What it points at is checked when it is read,
//! and an index file that does not fit its segment is thrown away and made again.

use super::block;
use super::facts::Summary;
use super::segment::Fields;

/// Where a span stops growing.
const SPAN_BYTES: u64 = 64 << 10;
const MAGIC: [u8; 8] = *b"cmjidx\0\x01";
const HEAD_BYTES: usize = 32;
const ROW_BYTES: usize = 56;

/// Neighbouring blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Where the first begins.
    pub offset: u64,
    /// Bytes of all.
    pub len: u64,
    /// The number of the first entry.
    pub first: u64,
    /// What is in them.
    pub summary: Summary,
}

/// All spans of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    /// In order.
    pub spans: Vec<Span>,
    /// What is in the segment.
    pub summary: Summary,
    /// The number after the last entry's.
    pub end: u64,
}

impl Index {
    /// The index of a segment without blocks.
    pub(super) fn new(first: u64) -> Self {
        Self { spans: Vec::new(), summary: Summary::EMPTY, end: first }
    }

    /// Adds the block that begins at `offset` and has `bytes` bytes with its header.
    pub(super) fn push(&mut self, offset: u64, bytes: u64, header: &block::Header) {
        self.summary.join(&header.summary);
        self.end = header.end();
        if let Some(last) = self.spans.last_mut()
            && last.offset + last.len == offset
            && last.len + bytes <= SPAN_BYTES
        {
            last.len += bytes;
            last.summary.join(&header.summary);
            return;
        }
        let (first, summary) = (header.first, header.summary);
        self.spans.push(Span { offset, len: bytes, first, summary });
    }

    /// The index as a file, for a segment of `segment_len` bytes that begins with `first`.
    pub(super) fn encode(&self, first: u64, segment_len: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.spans.len() * ROW_BYTES);
        bytes.extend(MAGIC);
        bytes.extend([0; 4]);
        bytes.extend((self.spans.len() as u32).to_le_bytes());
        bytes.extend(first.to_le_bytes());
        bytes.extend(segment_len.to_le_bytes());
        for Span { offset, len, first, summary } in &self.spans {
            bytes.extend(offset.to_le_bytes());
            bytes.extend((*len as u32).to_le_bytes());
            bytes.extend(summary.count.to_le_bytes());
            bytes.extend(first.to_le_bytes());
            bytes.extend(summary.min_us.to_le_bytes());
            bytes.extend(summary.max_us.to_le_bytes());
            bytes.extend(summary.bloom.to_le_bytes());
            bytes.extend([summary.kinds, 0]);
            bytes.extend(summary.outcomes.to_le_bytes());
            bytes.extend([0; 4]);
        }
        let crc = crc32fast::hash(bytes.get(12..).unwrap_or_default());
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads an index file; `None` unless it is whole and speaks of just that segment.
    pub(super) fn decode(bytes: &[u8], first: u64, segment_len: u64) -> Option<Self> {
        let mut fields = Fields(bytes);
        let fits = fields.take() == MAGIC
            && u32::from_le_bytes(fields.take()) == crc32fast::hash(bytes.get(12..)?);
        let rows = u32::from_le_bytes(fields.take()) as usize;
        let fits = fits
            && u64::from_le_bytes(fields.take()) == first
            && u64::from_le_bytes(fields.take()) == segment_len
            && fields.0.len() == rows.checked_mul(ROW_BYTES)?;
        if !fits {
            return None;
        }
        let mut index = Self::new(first);
        for row in fields.0.chunks_exact(ROW_BYTES) {
            let span = span(&mut Fields(row));
            let end = span.offset.checked_add(span.len)?;
            if end > segment_len || span.first < index.end {
                return None;
            }
            index.summary.join(&span.summary);
            index.end = span.first.checked_add(u64::from(span.summary.count))?;
            index.spans.push(span);
        }
        Some(index)
    }
}

fn span(row: &mut Fields<'_>) -> Span {
    let offset = u64::from_le_bytes(row.take());
    let len = u64::from(u32::from_le_bytes(row.take()));
    let count = u32::from_le_bytes(row.take());
    let first = u64::from_le_bytes(row.take());
    let min_us = i64::from_le_bytes(row.take());
    let max_us = i64::from_le_bytes(row.take());
    let bloom = u64::from_le_bytes(row.take());
    let [kinds, _] = row.take();
    let outcomes = u16::from_le_bytes(row.take());
    let summary = Summary { count, min_us, max_us, bloom, kinds, outcomes };
    Span { offset, len, first, summary }
}
