//! The writer's hand on one stream: gathers a group, writes it as one block, and keeps it until it
//! is durable.
//!
//! Groups are written while earlier ones are synced, so several may be afloat: written, and not
//! durable yet. One that could not be written stays here and is tried again at the same place.
//! When the disk fails a segment, all that is afloat in it is called back and written to a new
//! one. Nothing of it was acknowledged.
//!
//! Invariant: a sync that failed is never repeated on the same file, because the kernel may have
//! dropped the pages that it could not write; the segment is left as it was and a new one begun.
//! Invariant: a segment is ended only when all of it is durable, so nothing in the next segment
//! can outlive what stands before it.

mod file;
mod group;

pub(super) use file::write_index;
pub(super) use group::open_block;

use super::block;
use super::core::{Core, failed};
use super::disk::SegmentFile;
use super::index::Index;
use super::running::Which;
use super::segment::{self, HEADER_BYTES, Header};
use super::shelf::Segment;
use super::stream::{Plain, Stream};
use super::syncer::{Done, Job};
use group::{Group, Sealed};
use model::key::Epoch;
use ports::journal::Error;
use std::collections::VecDeque;
use std::sync::Arc;

/// Above this, memory for a group is given back after it was written.
const KEEP_BYTES: usize = 1 << 20;

/// One stream's writing side. Only the writer's thread has it.
#[derive(Default)]
pub(super) struct Pen {
    active: Option<Active>,
    /// The number of the next entry that is written.
    next: u64,
    /// Not written, and waits to be tried again.
    group: Option<Group>,
    /// Written to the active segment and not durable, oldest first.
    afloat: VecDeque<Sealed>,
    spare: Vec<u8>,
    starts: Vec<u8>,
}

/// The segment that is written to.
struct Active {
    file: Arc<dyn SegmentFile>,
    segment: Arc<Segment>,
    header: Header,
    /// Bytes that are written.
    len: u64,
    /// Bytes that are durable, except before the first block.
    durable: u64,
    /// Bytes that the last sync covers or will cover.
    syncing: u64,
}

impl Active {
    fn is_empty(&self) -> bool {
        self.len == HEADER_BYTES as u64
    }

    /// Whether a crash could take all of it.
    fn is_fleeting(&self) -> bool {
        self.durable == HEADER_BYTES as u64
    }
}

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// There was nothing to write.
    Nothing,
    /// A block.
    Block,
    /// What waits can be written when what is afloat is durable.
    Later,
}

impl Pen {
    /// For a stream whose next entry has the number `next`; `first` goes before all else.
    pub(super) fn new(next: u64, first: Option<Plain>) -> Self {
        Self { next, group: first.map(Group::Plain), ..Self::default() }
    }

    /// Whether a group waits to be tried again.
    pub(super) fn is_stuck(&self) -> bool {
        self.group.is_some()
    }

    /// Bytes of that group.
    pub(super) fn stuck_bytes(&self) -> usize {
        self.group.as_ref().map_or(0, Group::bytes)
    }

    /// Whether all that was taken is durable.
    pub(super) fn is_idle(&self) -> bool {
        self.group.is_none() && self.afloat.is_empty()
    }

    /// Whether something was written that no sync covers yet.
    pub(super) fn is_ahead(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.len > active.syncing)
            && !self.afloat.is_empty()
    }

    /// When the segment that is written to was begun, if it holds anything.
    pub(super) fn begun(&self) -> Option<model::Timestamp> {
        let active = self.active.as_ref().filter(|active| !active.is_empty())?;
        Some(active.header.created)
    }

    /// Writes what waits.
    pub(super) fn write(&mut self, core: &Core, stream: &Stream) -> Result<Written, Error> {
        if !self.is_stuck() && !stream.has_news() {
            return Ok(Written::Nothing);
        }
        if let Some(active) = &self.active {
            // A stuck group has its place in this segment.
            let full = active.len >= core.segment_bytes(stream) && !self.is_stuck();
            let far = active.len - active.durable >= core.config.buffer_bytes as u64;
            if (full || far) && !self.afloat.is_empty() {
                return Ok(Written::Later);
            }
            if full {
                self.seal(core, stream);
            }
        }
        if !matches!(self.group, Some(Group::Sealed(_))) && !self.gather(core, stream)? {
            return Ok(Written::Nothing);
        }
        self.put(core, stream)?;
        Ok(Written::Block)
    }

    /// Takes what waits in the stream, behind what is stuck, and seals it for the next place.
    /// Says whether there was anything.
    fn gather(&mut self, core: &Core, stream: &Stream) -> Result<bool, Error> {
        let mut plain = match self.group.take() {
            Some(Group::Plain(plain)) => plain,
            _ => Plain::new(std::mem::take(&mut self.spare)),
        };
        // A segment's first block says all that is open: recovery need not look further back.
        let first = self.active.as_ref().is_none_or(Active::is_empty);
        let which = if first { Which::All } else { Which::Fresh };
        stream.take(&mut plain, which, &mut self.starts);
        if plain.summary.count == 0 {
            // All that was asked for is in what was written before.
            match self.afloat.back_mut() {
                Some(last) => last.horizon = plain.horizon,
                None => stream.progress.reach(plain.horizon),
            }
            self.keep(plain.bytes);
            return Ok(false);
        }
        // Whatever fails from here on, the group is kept.
        self.group = Some(Group::Plain(plain));
        if self.active.is_none() {
            self.begin(core, stream)?;
        }
        self.place(core, stream)?;
        Ok(true)
    }

    /// Makes a new segment.
    pub(super) fn begin(&mut self, core: &Core, stream: &Stream) -> Result<(), Error> {
        let path = stream.dir.join(segment::file_name(self.next));
        let header = Header {
            first: self.next,
            boot: core.boot,
            created: core.clock.wall(),
            epoch: core.keyring.epoch(),
            stream: stream.name.clone(),
        };
        let head = header.encode();
        let file = file::create(core, stream, &path, &head);
        let file = Arc::from(file.map_err(|error| failed(&path, &error))?);
        let segment = Arc::new(Segment::new(path, self.next, head, Index::new(self.next)));
        stream.shelf.push(segment.clone());
        let len = HEADER_BYTES as u64;
        self.active = Some(Active { file, segment, header, len, durable: len, syncing: len });
        Ok(())
    }

    /// Ends a segment that an older epoch than `newest` seals, and begins one that is empty, to carry
    /// the numbering on. Says whether none is left; one is while something in it is not durable.
    pub(super) fn renew(
        &mut self,
        core: &Core,
        stream: &Stream,
        newest: Epoch,
    ) -> Result<bool, Error> {
        if stream.shelf.newest().is_none_or(|segment| !segment.is_older(newest)) {
            return Ok(true);
        }
        if !self.is_idle() {
            return Ok(false);
        }
        self.seal(core, stream);
        self.begin(core, stream).map(|()| true)
    }

    /// Seals the plain group for the next place in the segment.
    fn place(&mut self, core: &Core, stream: &Stream) -> Result<(), Error> {
        let Some(active) = &self.active else { return Ok(()) };
        let sealer = core.sealer(stream, active.header.epoch)?;
        let Some(Group::Plain(mut plain)) = self.group.take() else { return Ok(()) };
        let afloat = u32::try_from(active.len - active.durable).unwrap_or(u32::MAX);
        let header = block::Header { len: 0, first: self.next, summary: plain.summary, afloat };
        let place = header.place(&active.segment.head, active.len);
        if let Err(error) = sealer.seal(&place, &mut plain.bytes, block::HEADER_BYTES) {
            self.group = Some(Group::Plain(plain));
            return Err(Error::Failed(format!("a group cannot be sealed: {error}")));
        }
        let header = header.finish(&mut plain.bytes);
        self.group = Some(Group::Sealed(Sealed {
            bytes: plain.bytes,
            horizon: plain.horizon,
            header,
            segment: active.segment.clone(),
            offset: active.len,
        }));
        Ok(())
    }

    /// Writes the sealed group. A write that failed is cut away again.
    fn put(&mut self, core: &Core, stream: &Stream) -> Result<(), Error> {
        let (Some(active), Some(Group::Sealed(sealed))) = (&mut self.active, &self.group) else {
            return Ok(());
        };
        if let Err(error) = active.file.write_all_at(&sealed.bytes, sealed.offset) {
            let error = failed(&active.segment.path, &error);
            if active.file.truncate(active.len).is_err() {
                self.abandon(core, stream);
            }
            return Err(error);
        }
        if let Some(Group::Sealed(sealed)) = self.group.take() {
            active.len += sealed.bytes.len() as u64;
            self.next = sealed.header.end();
            self.afloat.push_back(sealed);
        }
        Ok(())
    }

    /// What is to be synced, if anything is afloat that no sync covers.
    pub(super) fn job(&mut self, number: usize, stream: &Stream) -> Option<Job> {
        let active = self.active.as_mut().filter(|_| !self.afloat.is_empty())?;
        if active.len == active.syncing {
            return None;
        }
        active.syncing = active.len;
        Some(Job {
            stream: number,
            segment: active.segment.clone(),
            file: active.file.clone(),
            dir: active.is_fleeting().then(|| stream.dir.clone()),
            upto: active.len,
        })
    }

    /// Says that the groups which a sync covered are durable, or calls them back. Gives back how
    /// many bytes they have; `None` if the segment was left meanwhile.
    pub(super) fn settle(
        &mut self,
        core: &Core,
        stream: &Stream,
        Done { job, outcome }: Done,
    ) -> Result<Option<u64>, Error> {
        let Some(active) = &mut self.active else { return Ok(None) };
        if !Arc::ptr_eq(&active.segment, &job.segment) {
            return Ok(None);
        }
        if let Err(error) = outcome {
            let error = failed(&active.segment.path, &error);
            // Best effort: readers and recovery stop at the next segment's number anyway.
            let _ = active.file.truncate(active.durable);
            self.abandon(core, stream);
            return Err(error);
        }
        let bytes = job.upto - active.durable;
        active.durable = job.upto;
        while let Some(sealed) = self.afloat.pop_front_if(|it| it.offset < job.upto) {
            job.segment.push(sealed.offset, sealed.bytes.len() as u64, &sealed.header);
            if self.is_stuck() {
                stream.progress.advance(sealed.horizon);
            } else {
                stream.progress.reach(sealed.horizon);
            }
            self.keep(sealed.bytes);
        }
        Ok(Some(bytes))
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        if bytes.capacity() <= KEEP_BYTES {
            self.spare = bytes;
        }
    }

    /// Leaves a segment that the disk failed on, and calls back what is not durable in it. A
    /// segment that holds nothing durable goes away.
    fn abandon(&mut self, core: &Core, stream: &Stream) {
        let Some(active) = self.active.take() else { return };
        if active.is_fleeting() {
            stream.shelf.remove(active.segment.first);
            // If it stays, `create` tries again.
            let _ = core.disk.remove(&active.segment.path);
        }
        self.next = self.afloat.front().map_or(self.next, |first| first.header.first);
        let groups = self.afloat.drain(..).map(Group::Sealed).chain(self.group.take());
        self.group = group::unite(core, stream, groups).map(Group::Plain);
    }

    /// Ends a segment, all of which is durable, and writes its index beside it.
    pub(super) fn seal(&mut self, core: &Core, stream: &Stream) {
        let Some(active) = self.active.take().filter(|active| !active.is_fleeting()) else {
            return;
        };
        let segment = &active.segment;
        let index = segment.encode_index(active.durable);
        match write_index(core, &segment.path, &index) {
            Ok(()) => segment.measure(active.durable + index.len() as u64),
            // It is made again when it is missed.
            Err(error) => {
                tracing::warn!(%error, stream = stream.name, "a segment's index was not written");
            }
        }
    }
}
