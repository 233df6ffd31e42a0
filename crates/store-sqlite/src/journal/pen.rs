//! The writer's hand on one stream: gathers a group, writes it as one block, syncs it.
//!
//! A group that could not be written stays here and is tried again: at the same place if the
//! segment still stands, else in a new segment, sealed anew. Nothing of it was acknowledged.
//!
//! Invariant: a sync that failed is never repeated on the same file, because the kernel may have
//! dropped the pages that it could not write; the segment is left as it was and a new one begun.

use super::block::{self, Block};
use super::core::{Core, failed};
use super::disk::SegmentFile;
use super::index::Index;
use super::running::Which;
use super::segment::{self, HEADER_BYTES, Header};
use super::shelf::Segment;
use super::stream::{Plain, Stream};
use ports::journal::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Above this, memory for a group is given back after it was written.
const KEEP_BYTES: usize = 1 << 20;

/// One stream's writing side. Only the writer's thread has it.
#[derive(Default)]
pub(super) struct Pen {
    active: Option<Active>,
    /// The number of the next entry on disk.
    next: u64,
    /// On its way, or stuck.
    group: Option<Group>,
    spare: Vec<u8>,
    starts: Vec<u8>,
}

/// The segment that is written to.
struct Active {
    file: Box<dyn SegmentFile>,
    segment: Arc<Segment>,
    header: Header,
    /// Bytes that are durable, except before the first block.
    len: u64,
    blocks: u64,
}

enum Group {
    Plain(Plain),
    Sealed(Sealed),
}

/// A block that is ready for one place.
struct Sealed {
    bytes: Vec<u8>,
    horizon: u64,
    header: block::Header,
    segment: Arc<Segment>,
    offset: u64,
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
        match &self.group {
            Some(Group::Plain(plain)) => plain.bytes.len(),
            Some(Group::Sealed(sealed)) => sealed.bytes.len(),
            None => 0,
        }
    }

    /// When the segment that is written to was begun, if it holds anything.
    pub(super) fn begun(&self) -> Option<model::Timestamp> {
        let active = self.active.as_ref().filter(|active| active.blocks > 0)?;
        Some(active.header.created)
    }

    /// Writes what waits. Says whether something must be synced now.
    pub(super) fn write(&mut self, core: &Core, stream: &Stream) -> Result<bool, Error> {
        if !self.is_stuck() && !stream.has_news() {
            return Ok(false);
        }
        if self.active.as_ref().is_some_and(|active| active.len >= core.segment_bytes(stream)) {
            self.seal(core, stream);
        }
        let Some(plain) = self.gather(core, stream)? else { return Ok(self.is_stuck()) };
        if plain.summary.count == 0 {
            stream.progress.reach(plain.horizon);
            self.keep(plain.bytes);
            return Ok(false);
        }
        // Whatever fails from here on, the group is kept.
        self.group = Some(Group::Plain(plain));
        if self.active.is_none() {
            self.begin(core, stream)?;
        }
        self.place(core, stream)?;
        self.put(core, stream)?;
        Ok(true)
    }

    /// Takes what waits in the stream, behind what is stuck. `None` if a sealed group still fits
    /// its place and was written there again.
    fn gather(&mut self, core: &Core, stream: &Stream) -> Result<Option<Plain>, Error> {
        let mut plain = match self.group.take() {
            None => Plain::new(std::mem::take(&mut self.spare)),
            Some(Group::Plain(plain)) => plain,
            Some(Group::Sealed(sealed)) if self.fits(&sealed) => {
                self.group = Some(Group::Sealed(sealed));
                self.put(core, stream)?;
                return Ok(None);
            }
            Some(Group::Sealed(sealed)) => match unseal(core, stream, &sealed) {
                Ok(plain) => plain,
                Err(error) => {
                    // Our own bytes did not open: a broken key ring or memory. They are lost.
                    let lost = u64::from(sealed.header.summary.count);
                    core.dropped.fetch_add(lost, Ordering::Relaxed);
                    tracing::error!(%error, lost, stream = stream.name, "a group was lost");
                    return Err(error);
                }
            },
        };
        // A segment's first block says all that is open: recovery need not look further back.
        let first = self.active.as_ref().is_none_or(|active| active.blocks == 0);
        let which = if first { Which::All } else { Which::Fresh };
        stream.take(&mut plain, which, &mut self.starts);
        Ok(Some(plain))
    }

    fn fits(&self, sealed: &Sealed) -> bool {
        self.active.as_ref().is_some_and(|active| {
            Arc::ptr_eq(&active.segment, &sealed.segment) && active.len == sealed.offset
        })
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
        let file = create(core, stream, &path, &head).map_err(|error| failed(&path, &error))?;
        let segment = Arc::new(Segment::new(path, self.next, head, Index::new(self.next)));
        stream.shelf.push(segment.clone());
        self.active = Some(Active { file, segment, header, len: HEADER_BYTES as u64, blocks: 0 });
        Ok(())
    }

    /// Seals the plain group for the next place in the segment.
    fn place(&mut self, core: &Core, stream: &Stream) -> Result<(), Error> {
        let Some(active) = &self.active else { return Ok(()) };
        let sealer = core.sealer(stream, active.header.epoch)?;
        let Some(Group::Plain(mut plain)) = self.group.take() else { return Ok(()) };
        let header = block::Header { len: 0, first: self.next, summary: plain.summary };
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
        let (Some(active), Some(Group::Sealed(sealed))) = (&self.active, &self.group) else {
            return Ok(());
        };
        let Err(error) = active.file.write_all_at(&sealed.bytes, sealed.offset) else {
            return Ok(());
        };
        let error = failed(&active.segment.path, &error);
        if active.file.truncate(active.len).is_err() {
            self.abandon(core, stream);
        }
        Err(error)
    }

    /// Makes the written group durable and says so. Gives back how many bytes it has.
    pub(super) fn sync(&mut self, core: &Core, stream: &Stream) -> Result<u64, Error> {
        let Some(active) = &mut self.active else { return Ok(0) };
        let mut synced = active.file.sync_data();
        if active.blocks == 0 {
            synced = synced.and_then(|()| core.disk.sync_dir(&stream.dir));
        }
        if let Err(error) = synced {
            let error = failed(&active.segment.path, &error);
            // Best effort: readers and recovery stop at the next segment's number anyway.
            let _ = active.file.truncate(active.len);
            self.abandon(core, stream);
            return Err(error);
        }
        let Some(Group::Sealed(sealed)) = self.group.take() else { return Ok(0) };
        let bytes = sealed.bytes.len() as u64;
        active.segment.push(sealed.offset, bytes, &sealed.header);
        active.len += bytes;
        active.blocks += 1;
        self.next = sealed.header.end();
        stream.progress.reach(sealed.horizon);
        self.keep(sealed.bytes);
        Ok(bytes)
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        if bytes.capacity() <= KEEP_BYTES {
            self.spare = bytes;
        }
    }

    /// Leaves a segment that the disk failed on. One that holds nothing durable goes away.
    fn abandon(&mut self, core: &Core, stream: &Stream) {
        let Some(active) = self.active.take() else { return };
        if active.blocks == 0 {
            stream.shelf.remove(active.segment.first);
            // If it stays, `create` tries again.
            let _ = core.disk.remove(&active.segment.path);
        }
    }

    /// Ends a segment and writes its index beside it.
    pub(super) fn seal(&mut self, core: &Core, stream: &Stream) {
        let Some(active) = self.active.take().filter(|active| active.blocks > 0) else { return };
        let segment = &active.segment;
        let index = segment.encode_index(active.len);
        match write_index(core, &segment.path, &index) {
            Ok(()) => segment.measure(active.len + index.len() as u64),
            // It is made again when it is missed.
            Err(error) => {
                tracing::warn!(%error, stream = stream.name, "a segment's index was not written");
            }
        }
    }
}

/// Makes a segment's file with its header.
fn create(
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
pub(super) fn write_index(core: &Core, path: &Path, index: &[u8]) -> io::Result<()> {
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

/// The plain form of a group that was sealed for a place where it could not be written.
fn unseal(core: &Core, stream: &Stream, sealed: &Sealed) -> Result<Plain, Error> {
    let payload = sealed.bytes.get(block::HEADER_BYTES..).unwrap_or_default();
    let segment = &sealed.segment;
    let block = Block { offset: sealed.offset, header: sealed.header, sealed: payload };
    let bytes = open_block(core, stream, segment, &block).map_err(Error::Failed)?;
    let mut plain = Plain::new(Vec::with_capacity(sealed.bytes.len()));
    plain.bytes.extend_from_slice(&bytes);
    plain.summary = sealed.header.summary;
    plain.horizon = sealed.horizon;
    Ok(plain)
}

/// The plain payload of a block.
///
/// # Errors
/// Why it does not open: the key is missing, or it was not written at this place.
pub(super) fn open_block(
    core: &Core,
    stream: &Stream,
    segment: &Segment,
    block: &Block<'_>,
) -> Result<Vec<u8>, String> {
    let epoch = segment.header.as_ref().ok_or("its segment's header is damaged")?.epoch;
    let sealer = core.sealer(stream, epoch).map_err(|error| error.to_string())?;
    let place = block.header.place(&segment.head, block.offset);
    sealer.unseal(&place, block.sealed).map_err(|error| error.to_string())
}
