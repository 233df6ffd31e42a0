//! The segments of a stream, as readers see them.
//!
//! Invariant: a segment's index speaks only of blocks that are durable, so readers never see what
//! a crash could take back.

use super::block;
use super::index::{Index, Span};
use super::segment::{HEADER_BYTES, Header};
use model::key::Epoch;
use parking_lot::RwLock;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A header as it is on disk, and the epoch that it says.
pub(super) type Head = ([u8; HEADER_BYTES], Epoch);

/// One segment.
#[derive(Debug)]
pub(super) struct Segment {
    /// The number of its first entry.
    pub first: u64,
    /// Its file.
    pub path: PathBuf,
    /// Its header as it was when it was begun or found; blocks are bound to it.
    pub head: [u8; HEADER_BYTES],
    /// That header, unless it is damaged.
    pub header: Option<Header>,
    /// Headers that it got since, each with a newer epoch, oldest first.
    anew: RwLock<Vec<Head>>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    index: Index,
    /// Bytes on disk, with the index file.
    bytes: u64,
}

impl Segment {
    pub(super) fn new(path: PathBuf, first: u64, head: [u8; HEADER_BYTES], index: Index) -> Self {
        let header = Header::decode(&head).ok();
        let state = State { index, bytes: HEADER_BYTES as u64 };
        Self { first, path, head, header, anew: RwLock::default(), state: RwLock::new(state) }
    }

    /// Its headers, newest first. Who reads may have the file open that a newer one took the name
    /// of.
    pub(super) fn heads(&self) -> Vec<Head> {
        let first = self.header.as_ref().map(|header| (self.head, header.epoch));
        self.anew.read().iter().rev().copied().chain(first).collect()
    }

    /// Whether this is a header that it has or had.
    pub(super) fn is_headed(&self, head: &[u8; HEADER_BYTES]) -> bool {
        self.head == *head || self.anew.read().iter().any(|(own, _)| own == head)
    }

    /// Whether it is sealed with an older epoch than this. Of one whose header is damaged nobody
    /// knows.
    pub(super) fn is_older(&self, than: Epoch) -> bool {
        self.heads().first().is_some_and(|(_, epoch)| *epoch < than)
    }

    /// Says that its file is about to get another header.
    pub(super) fn rehead(&self, head: Head) {
        self.anew.write().push(head);
    }

    /// Says that its file did not get the header that was named last.
    pub(super) fn unhead(&self) {
        self.anew.write().pop();
    }

    /// Adds a durable block.
    pub(super) fn push(&self, offset: u64, bytes: u64, header: &block::Header) {
        let mut state = self.state.write();
        state.index.push(offset, bytes, header);
        state.bytes += bytes;
    }

    /// Says how many bytes the segment and its index have on disk.
    pub(super) fn measure(&self, bytes: u64) {
        self.state.write().bytes = bytes;
    }

    pub(super) fn bytes(&self) -> u64 {
        self.state.read().bytes
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.state.read().index.spans.clone()
    }

    pub(super) fn encode_index(&self, segment_len: u64) -> Vec<u8> {
        self.state.read().index.encode(self.first, segment_len)
    }

    /// The number after the last entry's.
    pub(super) fn end(&self) -> u64 {
        self.state.read().index.end
    }

    /// The earliest and the latest time in it; `None` if it is empty.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        let summary = self.state.read().index.summary;
        (summary.count > 0).then_some((summary.min_us, summary.max_us))
    }
}

/// All segments of a stream, oldest first.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    segments: RwLock<Vec<Arc<Segment>>>,
}

impl Shelf {
    pub(super) fn push(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write();
        segments.retain(|other| other.first != segment.first);
        segments.push(segment);
    }

    pub(super) fn remove(&self, first: u64) {
        self.segments.write().retain(|segment| segment.first != first);
    }

    pub(super) fn all(&self) -> Vec<Arc<Segment>> {
        self.segments.read().clone()
    }

    pub(super) fn newest(&self) -> Option<Arc<Segment>> {
        self.segments.read().last().cloned()
    }

    pub(super) fn oldest(&self) -> Option<Arc<Segment>> {
        self.segments.read().first().cloned()
    }

    /// The number after the newest entry's.
    pub(super) fn end(&self) -> u64 {
        self.segments.read().last().map_or(0, |segment| segment.end())
    }

    /// Whether the segment at `path` is here and more than a header.
    pub(super) fn holds_blocks(&self, path: &Path) -> bool {
        let segments = self.segments.read();
        segments.iter().any(|it| it.path == path && it.bytes() > HEADER_BYTES as u64)
    }

    pub(super) fn len(&self) -> usize {
        self.segments.read().len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.read().iter().map(|segment| segment.bytes()).sum()
    }
}
