//! Seals ended segments anew with the newest epoch of the root key, one at a time.
//!
//! A segment gets another header, and its blocks are bound to that; they stay as long as they were
//! and where they were, so its index is right as it is. The file is written beside, and then takes
//! the name of the old one.
//!
//! Invariant: a segment is replaced only if each of its blocks was opened; one that is damaged
//! stays as it is.
//! Invariant: readers know the new header before they can read it, and the old one while they may
//! have the old file open.
//! Invariant: what the ring evicted does not come back.

use super::block::{self, Found};
use super::core::Core;
use super::disk;
use super::pen::open_block;
use super::segment::{HEADER_BYTES, Header};
use super::shelf::Segment;
use super::stream::Stream;
use model::key::Epoch;
use ports::journal::Resealed;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What files end in that are to become segments.
const DRAFT: &str = "new";
/// How often, and how long between, it is looked whether the writer has ended what it was to end.
const LOOKS: u32 = 500;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Whether a file was to become a segment when a crash came.
pub(super) fn is_draft(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending == DRAFT)
}

/// Has the writer end the segments that an older epoch seals. What it cannot end, because the disk
/// fails, is left to another time.
pub(super) async fn end_older(core: &Core) {
    core.ending.store(true, Ordering::Release);
    core.signal.urge();
    let newest = core.keyring.epoch();
    let is_old = |stream: &Arc<Stream>| stream.shelf.newest().is_some_and(|it| it.is_older(newest));
    for _ in 0..LOOKS {
        if core.closed.load(Ordering::Acquire) || !core.streams.all().iter().any(is_old) {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Seals the first segment behind `after` anew that is to be.
pub(super) fn step(core: &Core, after: Option<(u16, u64)>) -> Resealed {
    let to = core.keyring.epoch();
    for stream in core.streams.all() {
        let segments = stream.shelf.all();
        // The last one may be written to.
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            let at = (stream.number, segment.first);
            if after.is_some_and(|after| at <= after) || !segment.is_older(to) {
                continue;
            }
            let (moved, damaged) = match replace(core, &stream, segment, next.first, to) {
                Ok(moved) => (u64::from(moved), 0),
                Err(reason) => {
                    let path = segment.path.display();
                    tracing::error!(%path, reason, "E0335: a segment of records was not moved to the newest epoch");
                    (0, 1)
                }
            };
            return Resealed { moved, damaged, next: Some(at) };
        }
    }
    Resealed::default()
}

/// Puts a file in the place of a segment that says the same. `end` is the first number that its
/// entries do not have. Says whether it did; nothing is done if the segment is gone.
pub(super) fn replace(
    core: &Core,
    stream: &Stream,
    segment: &Arc<Segment>,
    end: u64,
    to: Epoch,
) -> Result<bool, String> {
    let io = |error: io::Error| error.to_string();
    let file = match core.disk.open(&segment.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(io)?,
    };
    let bytes = file.size().and_then(|len| disk::read(file.as_ref(), 0, len)).map_err(io)?;
    let header = segment.header.clone().ok_or("its header is damaged")?;
    let head = Header { epoch: to, ..header }.encode();
    let anew = sealed((core, stream, segment), (&bytes, end), (&head, to))?;
    let draft = segment.path.with_extension(DRAFT);
    let renamed = write(core, &draft, &anew).and_then(|()| {
        let _names = core.names.lock();
        if !stream.shelf.all().iter().any(|held| Arc::ptr_eq(held, segment)) {
            return Ok(false);
        }
        segment.rehead((head, to));
        let renamed = core.disk.rename(&draft, &segment.path).map(|()| true);
        renamed.inspect_err(|_| segment.unhead())
    });
    if !matches!(renamed, Ok(true)) {
        // The next start removes it otherwise.
        let _ = core.disk.remove(&draft);
        return renamed.map_err(io);
    }
    core.disk.sync_dir(&stream.dir).map_err(io)?;
    Ok(true)
}

/// The bytes of a segment with another header. What was given up in it, and stands in the next one,
/// is as it was.
fn sealed(
    (core, stream, segment): (&Core, &Stream, &Segment),
    (bytes, end): (&[u8], u64),
    (head, to): (&[u8; HEADER_BYTES], Epoch),
) -> Result<Vec<u8>, String> {
    let sealer = core.sealer(stream, to).map_err(|error| error.to_string())?;
    let mut anew = Vec::with_capacity(bytes.len());
    anew.extend(head);
    let mut next = segment.first;
    let blocks = bytes.get(HEADER_BYTES..).unwrap_or_default();
    for found in block::blocks(blocks, HEADER_BYTES as u64) {
        if next >= end {
            break;
        }
        let block = match found {
            Found::Block(block) if block.header.first == next => block,
            Found::Block(block) => {
                return Err(format!("at {}: entries before it are missing", block.offset));
            }
            Found::Gap(gap) => return Err(format!("at {}: {}", gap.offset, gap.reason)),
        };
        let plain = open_block(core, stream, segment, &block)
            .map_err(|reason| format!("at {}: {reason}", block.offset))?;
        let mut group = vec![0; block::HEADER_BYTES];
        group.extend_from_slice(&plain);
        let place = block.header.place(head, block.offset);
        sealer.seal(&place, &mut group, block::HEADER_BYTES).map_err(|error| error.to_string())?;
        block.header.finish(&mut group);
        anew.extend_from_slice(&group);
        next = block.header.end();
        if anew.len() as u64 != block.offset + block.bytes() {
            return Err(format!("at {}: it would not be as long as it was", block.offset));
        }
    }
    anew.extend_from_slice(bytes.get(anew.len()..).unwrap_or_default());
    Ok(anew)
}

/// Writes a file that nobody has written to, and puts it on disk.
fn write(core: &Core, path: &Path, bytes: &[u8]) -> io::Result<()> {
    match core.disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = core.disk.create(path)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()
}
