//! Reading a stream's entries from its segments, in either direction.
//!
//! Invariant: what is damaged is noted and stepped over; it never ends a scan.

use super::block::{self, Block, Found};
use super::core::{Core, damaged};
use super::disk;
use super::facts::Wanted;
use super::index::Span;
use super::pen::open_block;
use super::shelf::Segment;
use super::stream::Stream;
use model::wire::v1::Entry;
use ports::journal::Error;
use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// What to read.
pub(super) struct Scan<'a> {
    pub core: &'a Core,
    pub stream: &'a Stream,
    /// Entry numbers.
    pub range: Range<u64>,
    pub wanted: Wanted,
    pub order: Order,
}

type Flow = ControlFlow<()>;

impl Scan<'_> {
    /// Hands every entry of the wanted kinds to `visit`, which looks closer; the rest of what is
    /// wanted only serves to skip. Gives back the first damage that it met.
    pub(super) fn run(&self, mut visit: impl FnMut(u64, Entry) -> Flow) -> Option<Error> {
        let segments = self.stream.shelf.all();
        let ends = segments.iter().skip(1).map(|next| next.first).chain([u64::MAX]);
        let segments: Vec<(&Arc<Segment>, u64)> = segments.iter().zip(ends).collect();
        let mut damage = None;
        for (segment, end) in self.ordered(segments) {
            // What lies at or above the next segment's number was given up.
            let range = self.range.start.max(segment.first)..self.range.end.min(end);
            if !range.is_empty()
                && self.segment(segment, &range, &mut damage, &mut visit).is_break()
            {
                break;
            }
        }
        damage
    }

    fn ordered<T>(&self, mut items: Vec<T>) -> Vec<T> {
        if self.order == Order::Backward {
            items.reverse();
        }
        items
    }

    fn segment(
        &self,
        segment: &Segment,
        range: &Range<u64>,
        damage: &mut Option<Error>,
        visit: &mut impl FnMut(u64, Entry) -> Flow,
    ) -> Flow {
        let mut file = None;
        for span in self.ordered(segment.spans()) {
            let end = span.first.saturating_add(u64::from(span.summary.count));
            if span.first >= range.end
                || end <= range.start
                || !self.wanted.may_be_in(&span.summary)
            {
                continue;
            }
            if file.is_none() {
                file = match self.core.disk.open(&segment.path) {
                    Ok(file) => Some(file),
                    // It was evicted since the scan began.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    Err(error) => {
                        self.note(segment, 0, &error.to_string(), damage);
                        break;
                    }
                };
            }
            let Some(file) = &file else { break };
            match disk::read(file.as_ref(), span.offset, span.len) {
                Ok(bytes) => self.span(segment, &span, &bytes, range, damage, visit)?,
                Err(error) => self.note(segment, span.offset, &error.to_string(), damage),
            }
        }
        Flow::Continue(())
    }

    fn note(&self, segment: &Segment, offset: u64, reason: &str, damage: &mut Option<Error>) {
        let error = damaged(&self.stream.name, segment.first, offset, reason);
        self.core.note(error.clone());
        damage.get_or_insert(error);
    }

    fn span(
        &self,
        segment: &Segment,
        span: &Span,
        bytes: &[u8],
        range: &Range<u64>,
        damage: &mut Option<Error>,
        visit: &mut impl FnMut(u64, Entry) -> Flow,
    ) -> Flow {
        for found in self.ordered(block::blocks(bytes, span.offset).collect()) {
            let block = match found {
                Found::Block(block) => block,
                Found::Gap(gap) => {
                    self.note(segment, gap.offset, gap.reason, damage);
                    continue;
                }
            };
            let header = &block.header;
            let inside = header.first < range.end && header.end() > range.start;
            if !inside || !self.wanted.may_be_in(&header.summary) {
                continue;
            }
            match entries(self.core, self.stream, segment, &block) {
                Ok(entries) => {
                    for (number, entry) in self.ordered(entries) {
                        if range.contains(&number) {
                            visit(number, entry)?;
                        }
                    }
                }
                Err(reason) => self.note(segment, block.offset, &reason, damage),
            }
        }
        Flow::Continue(())
    }
}

/// The entries of a block with their numbers.
///
/// # Errors
/// Why it does not open or cannot be read.
pub(super) fn entries(
    core: &Core,
    stream: &Stream,
    segment: &Segment,
    block: &Block<'_>,
) -> Result<Vec<(u64, Entry)>, String> {
    let plain = open_block(core, stream, segment, block)?;
    let frames = block::frames(&plain, block.header.summary.count)?;
    let decode = |frame: &&[u8]| {
        postcard::from_bytes(frame).map_err(|error| format!("an entry cannot be read: {error}"))
    };
    (block.header.first..).zip(&frames).map(|(at, frame)| Ok((at, decode(frame)?))).collect()
}
