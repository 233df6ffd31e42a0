//! One stream: the buffer that appenders fill and the writer empties.
//!
//! Invariant: a number that was given out before the writer read [`Stream::horizon`] belongs to an
//! entry that the writer's next listing and taking will find. Numbers are taken after a start is
//! in the table, and under the buffer's lock for all else.

use super::block;
use super::facts::Summary;
use super::progress::{Progress, closed};
use super::running::{Running, Which};
use super::shelf::Shelf;
use model::TenantName;
use model::key::Epoch;
use model::wire::v1::{Entry, Start};
use parking_lot::Mutex;
use ports::journal::Error;
use ports::keyring::Sealer;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The stream of control-plane acts and boots.
pub(super) const CONTROL: &str = "control";

/// A tenant's stream, or the control plane's.
pub(super) struct Stream {
    /// Its number since this start of the node.
    pub number: u16,
    /// Its name, and its directory's.
    pub name: String,
    /// Whose it is; `None` for the control plane's.
    pub tenant: Option<TenantName>,
    /// Where its segments are.
    pub dir: PathBuf,
    /// Its open invocations.
    pub running: Running,
    /// Its segments.
    pub shelf: Shelf,
    /// How far it is on disk.
    pub progress: Progress,
    /// Whether its last group could not be written and waits to be tried again.
    pub stuck: AtomicBool,
    /// Bytes of that group.
    pub stuck_bytes: AtomicUsize,
    /// Sealers by epoch, once derived.
    pub sealers: Mutex<Vec<(Epoch, Arc<dyn Sealer>)>>,
    buffer: Mutex<Buffer>,
    next: AtomicU64,
    taken: AtomicU64,
}

/// Plain entries, behind room for a block's header.
struct Buffer {
    bytes: Vec<u8>,
    summary: Summary,
    closed: bool,
}

/// Plain entries on their way to disk.
pub(super) struct Plain {
    /// Frames, behind room for a block's header.
    pub bytes: Vec<u8>,
    /// What is in it.
    pub summary: Summary,
    /// Entries with a lower number are in it or were written before.
    pub horizon: u64,
}

impl Plain {
    /// Nothing, in the memory of `bytes`.
    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.resize(block::HEADER_BYTES, 0);
        Self { bytes, summary: Summary::EMPTY, horizon: 0 }
    }

    /// Adds a group that came after this one.
    pub(super) fn join(&mut self, later: &Self) {
        self.bytes.extend_from_slice(later.bytes.get(block::HEADER_BYTES..).unwrap_or_default());
        self.summary.join(&later.summary);
        self.horizon = self.horizon.max(later.horizon);
    }

    /// Adds an entry that comes from nowhere but here.
    pub(super) fn push(&mut self, entry: &Entry, summary: &Summary) -> Result<(), Error> {
        encode(entry, |bytes| block::push_frame(&mut self.bytes, bytes))?;
        self.summary.join(summary);
        Ok(())
    }
}

/// What an append has to hold to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes that may wait.
    pub buffer_bytes: usize,
    /// Invocations that may be open.
    pub open_max: usize,
    /// Whether the disk takes nothing from tenants.
    pub refusing: bool,
}

/// An entry that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Its number since this start of the node.
    pub number: u64,
    /// Whether the buffer just became half full, so that the writer should come.
    pub half_full: bool,
}

impl Stream {
    pub(super) fn new(number: u16, tenant: Option<TenantName>, dir: &Path) -> Self {
        let name = tenant.as_ref().map_or_else(|| CONTROL.into(), |tenant| format!("t-{tenant}"));
        let buffer = Plain::new(Vec::new());
        Self {
            number,
            dir: dir.join(&name),
            name,
            tenant,
            running: Running::default(),
            shelf: Shelf::default(),
            progress: Progress::new(),
            stuck: AtomicBool::new(false),
            stuck_bytes: AtomicUsize::new(0),
            sealers: Mutex::new(Vec::new()),
            buffer: Mutex::new(Buffer {
                bytes: buffer.bytes,
                summary: buffer.summary,
                closed: false,
            }),
            next: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// Takes an entry, or refuses it.
    pub(super) fn append(
        &self,
        entry: Entry,
        summary: &Summary,
        limits: Limits,
    ) -> Result<Taken, Error> {
        let refusing = limits.refusing || self.stuck.load(Ordering::Relaxed);
        let refusing = refusing && self.tenant.is_some();
        let all = limits.buffer_bytes;
        match entry {
            Entry::Start(start) => self.begin(start, limits, refusing),
            // Lines give way first, so that there is room for the ends of what has begun.
            Entry::Log(_) if refusing => Err(Error::Full),
            Entry::Log(_) => encode(&entry, |bytes| self.push(bytes, summary, all / 4 * 3))?,
            Entry::End(ref record) => encode(&entry, |bytes| {
                self.running.end(&record.start.id, |open| match refusing && !open {
                    true => Err(Error::Full),
                    false => self.push(bytes, summary, all),
                })
            })?,
            Entry::Act(_) | Entry::Boot { .. } => {
                encode(&entry, |bytes| self.push(bytes, summary, all))?
            }
        }
    }

    fn begin(&self, start: Start, limits: Limits, refusing: bool) -> Result<Taken, Error> {
        let waiting = {
            let buffer = self.buffer.lock();
            if buffer.closed {
                return Err(closed());
            }
            buffer.bytes.len() + self.stuck_bytes.load(Ordering::Relaxed)
        };
        let room = waiting <= limits.buffer_bytes / 8 * 7 && self.running.count() < limits.open_max;
        if refusing || !room {
            return Err(Error::Full);
        }
        self.running.begin(start);
        Ok(Taken { number: self.next.fetch_add(1, Ordering::AcqRel), half_full: false })
    }

    fn push(&self, entry: &[u8], summary: &Summary, limit: usize) -> Result<Taken, Error> {
        let mut buffer = self.buffer.lock();
        if buffer.closed {
            return Err(closed());
        }
        let before = buffer.bytes.len();
        let after = before + block::FRAME_BYTES + entry.len();
        if after + self.stuck_bytes.load(Ordering::Relaxed) > limit {
            return Err(Error::Full);
        }
        block::push_frame(&mut buffer.bytes, entry);
        buffer.summary.join(summary);
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        Ok(Taken { number, half_full: before < limit / 2 && after >= limit / 2 })
    }

    /// The number that the next entry will have.
    pub(super) fn horizon(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Whether the writer has already taken, or is taking, the entry `number`.
    pub(super) fn is_taken(&self, number: u64) -> bool {
        number < self.taken.load(Ordering::Acquire)
    }

    /// Whether there is anything that the writer has not taken.
    pub(super) fn has_news(&self) -> bool {
        self.horizon() > self.taken.load(Ordering::Acquire)
            || self.buffer.lock().bytes.len() > block::HEADER_BYTES
    }

    /// Whether there is anything that is not on disk.
    pub(super) fn is_behind(&self) -> bool {
        self.horizon() > self.progress.durable() || self.has_news()
    }

    /// Adds to `group` what waits, and the open invocations that `which` names. `starts` is
    /// scratch memory.
    pub(super) fn take(&self, group: &mut Plain, which: Which, starts: &mut Vec<u8>) {
        group.horizon = self.horizon();
        self.taken.store(group.horizon, Ordering::Release);
        // The order is the point: the horizon, then the table, then the buffer.
        starts.clear();
        self.running.list(which, |start| {
            if encode_start(start, starts) {
                group.summary.join(&Summary::of_start(start));
            }
        });
        let mut buffer = self.buffer.lock();
        group.summary.join(&buffer.summary);
        buffer.summary = Summary::EMPTY;
        if group.bytes.len() <= block::HEADER_BYTES {
            std::mem::swap(&mut group.bytes, &mut buffer.bytes);
        } else {
            group.bytes.extend_from_slice(buffer.bytes.get(block::HEADER_BYTES..).unwrap_or(&[]));
        }
        buffer.bytes.clear();
        buffer.bytes.resize(block::HEADER_BYTES, 0);
        drop(buffer);
        group.bytes.extend_from_slice(starts);
    }

    /// Refuses every later append.
    pub(super) fn close(&self) {
        self.buffer.lock().closed = true;
    }
}

/// Encodes an entry into memory that the thread keeps, and hands it on.
fn encode<T>(entry: &Entry, then: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
    /// Above this a thread gives its memory back.
    const KEEP_BYTES: usize = 64 << 10;
    thread_local!(static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) });
    let mut scratch = SCRATCH.take();
    scratch.clear();
    let bytes = postcard::to_extend(entry, scratch)
        .map_err(|error| Error::Failed(format!("an entry cannot be encoded: {error}")))?;
    let result = then(&bytes);
    if bytes.capacity() <= KEEP_BYTES {
        SCRATCH.set(bytes);
    }
    Ok(result)
}

/// Frames `Entry::Start(start)` without cloning the start: the variant's number, then its fields.
fn encode_start(start: &Start, frames: &mut Vec<u8>) -> bool {
    match postcard::to_extend(start, vec![super::facts::START]) {
        Ok(entry) => {
            block::push_frame(frames, &entry);
            true
        }
        Err(error) => {
            tracing::error!(%error, invocation = %start.id, "a start cannot be encoded");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::journal::start;

    #[test]
    fn a_start_is_framed_as_the_entry_would_be() {
        let mut frames = Vec::new();
        assert!(encode_start(&start(&model::Scope::default(), "a", 7), &mut frames));
        let mut whole = Vec::new();
        let entry = Entry::Start(start(&model::Scope::default(), "a", 7));
        block::push_frame(&mut whole, &postcard::to_stdvec(&entry).expect("encodes"));
        assert_eq!(frames, whole);
    }
}
